"""A sweep is trained on one data set, wherever it is resumed: a substitute never completes what was begun on another."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import Command, summary, train

NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # so that nothing is downloaded
KMNIST = ("dataset=kmnist", "dataset.limit=100", "dataset.validation=50", "model.hidden=[4]", "epochs=1", "device=cpu")
SWEEP = ("-m", *KMNIST, "seed=0,1", "hydra.launcher.workers=1", "name=sw")


def idx(*shape: int, largest: int) -> bytes:
    values = np.random.default_rng(0).integers(0, largest, shape, np.uint8)
    return bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes() + values.tobytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A root with files of KMNIST's sizes, whose digests nobody has published."""
    root = tmp_path_factory.mktemp("root")
    folder = root / "KMNIST/raw"
    folder.mkdir(parents=True)
    for part, n in (("train", 60_000), ("t10k", 10_000)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(n, 28, 28, largest=256))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(n, largest=10))
    return root


def begun(cwd: Path, *words: str) -> Command:
    """The sweep, of which one cell is missing then."""
    command = train(cwd, *SWEEP, *words, **NOWHERE)
    assert command.end() == 0, command.err
    shutil.rmtree(cwd / "runs/sw/seed=1")
    return command


def datasets(sweep: Path) -> list[str]:
    return [summary(cell)["dataset"] for cell in sorted(sweep.glob("seed=*"))]


def content(directory: Path) -> dict[Path, bytes]:
    """Every file with its bytes, but for Hydra's own."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if ".hydra" not in path.parts and path.name != "multirun.yaml"}


def test_a_relative_root_is_that_of_the_folder_where_the_sweep_began(files, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/data").symlink_to(files)
    begun(tmp_path / "a", "dataset.root=./data")
    resumed = train(tmp_path / "b", "resume", "../a/runs/sw", **NOWHERE)
    assert resumed.end() == 0, resumed.err
    assert datasets(tmp_path / "a/runs/sw") == ["kmnist", "kmnist"]


def test_a_substitute_never_completes_a_sweep(files, tmp_path):
    (tmp_path / "data").symlink_to(files)
    begun(tmp_path)
    (tmp_path / "data").unlink()
    before = content(tmp_path / "runs/sw")
    for words in (("resume", "runs/sw"), SWEEP):
        refused = train(tmp_path, *words, **NOWHERE)
        assert refused.end() == 2
        assert (
            "train: runs/sw/seed=0 was trained on kmnist, and now digits is what dataset=kmnist finds." in refused.err
        )
        assert content(tmp_path / "runs/sw") == before


def test_a_sweep_that_began_on_the_fallback_goes_on_with_it_and_says_so(files, tmp_path):
    first = begun(tmp_path)
    assert "NOT KMNIST" in first.err
    (tmp_path / "data").symlink_to(files)
    resumed = train(tmp_path, "resume", "runs/sw", **NOWHERE)
    assert resumed.end() == 0 and "NOT KMNIST" in resumed.err and "It began on 'digits'" in resumed.err
    assert datasets(tmp_path / "runs/sw") == ["digits", "digits"]


def test_other_images_under_the_same_name_are_other_data(files, tmp_path):
    shutil.copytree(files, tmp_path / "data")
    begun(tmp_path)
    labels = tmp_path / "data/KMNIST/raw/train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    assert labels.read_bytes() != (files / "KMNIST/raw" / labels.name).read_bytes()
    for words in (("resume", "runs/sw"), ("resume", "runs/sw/seed_0", "epochs=2")):
        (tmp_path / "runs/sw/seed_0").exists() or shutil.copytree(
            tmp_path / "runs/sw/seed=0", tmp_path / "runs/sw/seed_0"
        )
        refused = train(tmp_path, *words, **NOWHERE)
        assert refused.end() == 2 and "was trained on kmnist with other images" in refused.err, refused.err
