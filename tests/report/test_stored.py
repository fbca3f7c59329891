"""Small .npz files are read without NumPy's help, and hold what NumPy says they hold."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from trainer.report.hits import HITS, read_hits, write_hits
from trainer.report.stored import stored_arrays

RIGHT = {"valid": np.array([True, False, True]), "test": np.arange(20) % 3 == 0}


def saved(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_arrays_are_those_of_numpy():
    data = saved(
        number=4, text='{"é": "…"}', empty=np.zeros(0, np.uint8), row=np.arange(5.0), bits=np.packbits(RIGHT["test"])
    )
    arrays = stored_arrays(data)
    with np.load(io.BytesIO(data)) as expected:
        assert arrays is not None and list(arrays) == list(expected)
        for name, array in arrays.items():
            assert array.dtype == expected[name].dtype and array.shape == expected[name].shape
            np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros(2, complex), np.zeros(2, "M8[s]"), np.array([None])])
def test_what_is_not_a_plain_row_is_left_to_numpy(array):
    assert stored_arrays(saved(array=array)) is None


def packed() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, format=4)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"PK", packed(), saved(format=4)[:-1], saved(format=4)[:200], saved(format=4) + b"more"]
)
def test_another_file_is_left_to_numpy(data):
    assert stored_arrays(data) is None


def test_a_damaged_byte_is_noticed_wherever_it_is(tmp_path):
    """Or changes nothing, as that of a date."""
    write_hits(tmp_path, RIGHT, "d", "s")
    whole = (tmp_path / HITS).read_bytes()
    refused = 0
    for place in range(len(whole)):
        (tmp_path / HITS).write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        found = read_hits(tmp_path)
        refused += found is None
        assert found is None or all(np.array_equal(found.right[name], right) for name, right in RIGHT.items())
    assert refused > len(whole) / 2


@pytest.mark.parametrize(
    "header", ["(((", "'''", "{'descr': ',', 'fortran_order': False, 'shape': ()}", "(" * 300, "{'descr': '|O', ", "0"]
)
def test_a_header_that_numpy_stumbles_over_counts_as_no_file(header: str, tmp_path: Path):
    """It raises what its tokenizer and its parser raise."""
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + b"\0" * 40
    with zipfile.ZipFile(tmp_path / HITS, "w") as file:
        file.writestr("format.npy", array)
    assert read_hits(tmp_path) is None
