"""A user's own data: .npz and IDX files of other sizes and class counts, and what is said where they are not as expected."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import rows, summary, train

from trainer.data.datasets import DATASETS
from trainer.data.download import torchvision_sources
from trainer.data.files import Files
from trainer.data.idx import idx_files
from trainer.data.loading import find, load
from trainer.errors import DataError
from trainer.experiment import Experiment
from trainer.run.export import load_model
from trainer.sweep.plan import features, parameters

DRAWS = np.random.default_rng(0)


def images(n: int, *shape: int) -> np.ndarray:
    return DRAWS.integers(0, 256, (n, *shape), np.uint8)


def labels(n: int, classes: int) -> np.ndarray:
    return np.arange(n) % classes


def keras(**changed: Any) -> dict[str, Any]:
    """What an .npz from Keras's example holds: 60 and 12 images of 5×7, four classes."""
    arrays = {
        "x_train": images(60, 5, 7),
        "y_train": labels(60, 4),
        "x_test": images(12, 5, 7),
        "y_test": labels(12, 4),
    }
    return {key: value for key, value in (arrays | changed).items() if value is not None}


def npz(path: Path, **arrays: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return str(path)


def idx(values: np.ndarray) -> bytes:
    kinds = {"uint8": 8, "int32": 0xC, "float32": 0xD}
    big = values.astype(values.dtype.newbyteorder(">"))
    return (
        bytes([0, 0, kinds[values.dtype.name], values.ndim]) + np.array(values.shape, ">u4").tobytes() + big.tobytes()
    )


def folder(
    path: Path, arrays: dict[str, np.ndarray], name: str = "{part}-{what}-idx{n}-ubyte", packed: bool = False
) -> str:
    path.mkdir(parents=True, exist_ok=True)
    for key, values in arrays.items():
        part, what, n = (
            {"x": ("images", 3), "y": ("labels", 1)}[key[0]][0],
            *{"x": ("images", 3), "y": ("labels", 1)}[key[0]],
        )
        file = name.format(part=key[2:].replace("test", "t10k"), what=what, n=n) + (".gz" if packed else "")
        content = idx(values.astype(np.uint8) if part else values)
        (path / file).write_bytes(gzip.compress(content) if packed else content)
    return str(path)


def set_of(path: str, **keys: Any) -> Files:
    return Files(path=path, **{"validation": 10} | keys)


def test_an_npz_as_keras_has_them(tmp_path):
    arrays = keras()
    data = load(set_of(npz(tmp_path / "own.npz", **arrays)))
    assert (data.name, data.classes, data.notice) == ("files", 4, None)
    assert [split.images.shape for split in (data.train, data.valid, data.test)] == [(50, 35), (10, 35), (12, 35)]
    whole = np.concatenate([data.train.images, data.valid.images])
    assert np.array_equal(whole, arrays["x_train"].reshape(60, 35) / np.float32(255))
    assert np.array_equal(data.test.labels, arrays["y_test"])


def test_without_a_test_set_the_last_sixth_is_it_and_that_is_said(tmp_path):
    x, y = images(61, 4), labels(61, 3)
    data = load(set_of(npz(tmp_path / "own.npz", x=x, y=y)))
    assert [len(split.labels) for split in (data.train, data.valid, data.test)] == [40, 10, 11]
    assert np.array_equal(data.test.images, x[50:] / np.float32(255)) and np.array_equal(data.test.labels, y[50:])
    assert data.notice == f"{tmp_path}/own.npz has no test images: the last 11 of its 61 are taken for them."


def test_numbers_from_0_to_1_are_taken_as_they_are(tmp_path):
    x = DRAWS.random((60, 5), np.float64)
    data = load(set_of(npz(tmp_path / "own.npz", x=x, y=labels(60, 3)), validation=0))
    assert np.array_equal(data.train.images, x[:50].astype(np.float32))
    x[3, 3] += 1e-6
    assert find(set_of(npz(tmp_path / "other.npz", x=x, y=labels(60, 3)))).digest != data.digest  # not rounded to bytes


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["{part}-{what}-idx{n}-ubyte", "{part}-{what}.idx{n}-ubyte"])
def test_idx_files_of_any_size(name, packed, tmp_path):
    arrays = keras()
    data = load(set_of(folder(tmp_path / "own", arrays, name, packed)))
    same = load(set_of(npz(tmp_path / "own.npz", **arrays)))
    assert data.digest == same.digest and data.classes == 4 and data.train.images.shape == (50, 35)


def test_idx_files_with_a_prefix_and_of_other_numbers(tmp_path):
    """EMNIST's files, six sets in one folder; and a label beyond a byte."""
    arrays = keras(x_test=None, y_test=None)
    folder(tmp_path, arrays, "emnist-letters-{part}-{what}-idx{n}-ubyte")
    (tmp_path / "emnist-letters-test-images-idx3-ubyte").write_bytes(idx(images(12, 5, 7)))
    (tmp_path / "emnist-letters-test-labels-idx1-ubyte").write_bytes(idx(labels(12, 27).astype(np.uint8)))
    assert load(set_of(str(tmp_path / "emnist-letters"))).classes == 12
    (tmp_path / "emnist-letters-train-labels-idx1-ubyte").unlink()
    (tmp_path / "emnist-letters-train-labels-idx1-int").write_bytes(idx(np.arange(60, dtype=np.int32) + 300))
    assert set_of(str(tmp_path / "emnist-letters")).classes == 360


def test_the_plan_knows_the_sizes_before_the_pixels_are_read(tmp_path):
    path = npz(tmp_path / "own.npz", **keras())
    e = Experiment(dataset={"name": "files", "path": path, "validation": 10}, model={"name": "mlp", "hidden": []})
    assert (e.dataset.training, features(e), parameters(e)) == (60, 35, 36 * 4)
    np.savez(path, **keras(x_train=images(90, 2), y_train=labels(90, 7), x_test=images(9, 2), y_test=labels(9, 7)))
    assert (e.dataset.training, features(e), parameters(e)) == (90, 2, 3 * 7)  # another file: not what was known


WRONG = {
    "should hold x_train, y_train, x_test and y_test, or x and y; it holds a, b": {
        "a": images(3, 2),
        "b": labels(3, 2),
    },
    "should hold x_train, .* it holds x, x_test, y": {"x": images(9, 2), "y": labels(9, 2), "x_test": images(3, 2)},
    r"its training images have the shape \(60, 5, 7\) and its training labels are 59": keras(y_train=labels(59, 4)),
    "training images are 5 × 7 and test images 7 × 5": keras(x_test=images(12, 7, 5)),
    "labels must be whole numbers, one an image; these are float64": keras(y_train=labels(60, 4) * 1.0),
    r"labels must be whole numbers, one an image; these are int64 \(60, 4\)": keras(
        y_train=np.eye(4, dtype=int)[labels(60, 4)]
    ),
    "labels must be from 0 to 99,999; these are from -1": keras(y_train=labels(60, 4) - 1),
    "labels must be from 0 to 99,999; these are from 0 to 1099511627776": keras(y_train=labels(60, 2) * 2**40),
    "images must be bytes from 0 to 255 or numbers from 0 to 1; these are float64, from 0.0 to 255.0": keras(
        x_train=np.tile([0.0, 255.0], (60, 5, 7))[:, :, :7]
    ),
    "images must be bytes .* these are float32, from nan": keras(x_train=np.full((60, 5, 7), np.nan, np.float32)),
    "images must be bytes .* these are int64, from 0 to 256": keras(x_train=np.full((60, 5, 7), 256)),
    "images must be bytes .* these are complex128": keras(x_train=np.zeros((60, 5, 7), complex)),
    r"y_train in .*own\.npz can't be read \(.*allow_pickle": keras(y_train=np.array([{}] * 60, object)),
    "validation=60 does not fit: files has 60 training images; type dataset.validation= with a number from 0 to 59": keras(),
}


@pytest.mark.parametrize("sentence", WRONG)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_wrong_with_a_file_is_said(sentence, tmp_path):
    dataset = set_of(npz(tmp_path / "own.npz", **WRONG[sentence]), validation=60 if "validation" in sentence else 10)
    with pytest.raises(DataError, match=sentence):
        load(dataset)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match="dataset=files needs your file: type dataset.path=FILE.npz, or a folder"):
        Files().check_files()
    folder(tmp_path / "half", {"x_train": images(3, 2, 2)})
    (tmp_path / "none").mkdir()
    both = "train-images-idx3-ubyte, train-labels-idx1-ubyte"
    for name, lacking in (("none", both), ("half", "train-labels-idx1-ubyte")):
        with pytest.raises(DataError) as caught:
            set_of(str(tmp_path / name)).check_files()
        sentence = (
            f"dataset.path={tmp_path}/{name} is no .npz file, and as a folder it lacks {lacking}. Expected: {both}, "
        )
        assert str(caught.value).startswith(sentence)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(DataError, match=r"text\.npz can't be read as an \.npz file"):
        set_of(str(tmp_path / "text.npz")).check_files()


@pytest.mark.parametrize("path", ["nope", "nope.npz", "nowhere/nope", "emnist-letter"])
def test_a_path_that_is_not_there_is_said_to_be_so(path, tmp_path):
    folder(tmp_path, keras(), "emnist-letters-{part}-{what}-idx{n}-ubyte")
    expected = (
        f"dataset.path={tmp_path}/{path}: there is no such file or folder. Type dataset.path=FILE.npz, or a folder "
    )
    with pytest.raises(DataError) as caught:
        set_of(str(tmp_path / path)).check_files()
    assert str(caught.value) == f"{expected}with four IDX files."


@pytest.mark.parametrize("cut", [0, 3, 9, 30, -1])
def test_a_damaged_idx_file_is_named(cut, tmp_path):
    folder(tmp_path, keras())
    for packed in (False, True):
        file = tmp_path / "train-images-idx3-ubyte"
        content = idx(images(60, 5, 7))
        file.unlink(missing_ok=True)
        file = file.with_name(f"{file.name}.gz") if packed else file
        file.write_bytes((gzip.compress(content) if packed else content)[:cut])
        with pytest.raises(
            DataError, match=r"train-images-idx3-ubyte(\.gz)? (is damaged|can't be read|does not begin|ends in)"
        ):
            load(set_of(str(tmp_path)))


def test_the_command_trains_on_them_alone_and_in_a_sweep_and_elsewhere(tmp_path):
    """Moved, a run goes on by dataset.path; other images under that path are refused; a network is read without the data."""
    path = npz(tmp_path / "own.npz", **keras())
    words = ("dataset=files", "dataset.validation=10", "model.hidden=[4]", "device=cpu", "threads=1", "epochs=1")
    run = train(tmp_path, *words, "dataset.path=own.npz", "name=run")
    assert run.end() == 0 and run.err == "", run.err
    sweep = train(tmp_path, "-m", *words, "dataset.path=own.npz", "seed=0,1", "hydra.launcher.workers=1", "name=sweep")
    assert sweep.end() == 0, sweep.err
    assert {summary(path.parent)["dataset"] for path in (tmp_path / "runs").rglob("summary.json")} == {"files"}
    assert summary(tmp_path / "runs/run")["parameters"] == 36 * 4 + 5 * 4
    (tmp_path / "own.npz").rename(tmp_path / "moved.npz")
    lost = train(tmp_path, "resume", "runs/run", "epochs=2")
    assert lost.end() == 2 and f"dataset.path={path}: there is no such file" in lost.err
    assert load_model(tmp_path / "runs/run")(torch.zeros(1, 5, 7)).shape == (1, 4)
    from trainer.run.run import resume
    from trainer.sweep.sweep import resume_sweep

    assert resume(tmp_path / "runs/run", {"epochs": 2, "dataset.path": str(tmp_path / "moved.npz")}) == 0
    assert len(rows(tmp_path / "runs/run")) == 2
    assert resume_sweep(tmp_path / "runs/sweep", {"epochs": 2, "dataset.path": str(tmp_path / "moved.npz")}) == 0
    assert [len(rows(cell)) for cell in (tmp_path / "runs/sweep").glob("seed=*")] == [2, 2]
    other = npz(tmp_path / "other.npz", **keras())
    assert resume(tmp_path / "runs/run", {"epochs": 3, "dataset.path": other}) == 2
    assert resume_sweep(tmp_path / "runs/sweep", {"epochs": 3, "dataset.path": other}) == 2


def test_a_sweep_over_files_has_a_table_for_each(tmp_path):
    for name, classes in (("a", 2), ("b", 3)):
        npz(tmp_path / f"{name}.npz", x=images(60, 4), y=labels(60, classes))
    words = (
        "dataset=files",
        "dataset.path=a.npz,b.npz",
        "dataset.validation=10",
        "model.hidden=[]",
        "device=cpu",
        "epochs=1",
    )
    sweep = train(tmp_path, "-m", *words, "seed=0,1", "hydra.launcher.workers=1", "name=sweep")
    assert sweep.end() == 0, sweep.err
    assert "About the data" in sweep.err and "another data set" not in sweep.err
    assert train(tmp_path, "compare", "runs", "--json", "table.json").end() == 0
    assert len({table["dataset"] for table in json.loads((tmp_path / "table.json").read_text())["tables"]}) == 2


def test_a_mistake_is_answered_before_anything_is_written(tmp_path):
    for words in (("dataset.path=none.npz",), ("-m", "dataset.path=none.npz", "seed=0,1"), ()):
        wrong = train(tmp_path, *words, "dataset=files")
        assert wrong.end() == 2 and wrong.err.startswith("train: dataset") and wrong.err.count("\n") == 1, wrong.err
    assert not (tmp_path / "runs").exists()


def test_qmnist_is_known_to_torchvision():
    """Its labels are eight numbers an image, its addresses whole ones."""
    sources, dataset = torchvision_sources("QMNIST"), DATASETS["qmnist"]()
    assert set(sources.md5) == {f"{file.name}.gz" for file in dataset.files()}  # type: ignore[attr-defined]
    assert all(mirror.startswith("https://") and "/qmnist/" in mirror for mirror in sources.mirrors)
    (file, *_) = [file for file in dataset.files() if "labels" in file.name]  # type: ignore[attr-defined]
    found = file.parse(idx(np.arange(480_000, dtype=np.int32).reshape(60_000, 8)))
    assert found[7, 0] == 56


def test_mnist_is_known_as_before():
    sources = torchvision_sources("MNIST")
    assert set(sources.md5) == {f"{file.name}.gz" for file in idx_files(1, 1)} and len(sources.mirrors) >= 1
