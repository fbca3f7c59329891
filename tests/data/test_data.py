"""Data sets in memory: splits, scales, determinism, configuration, and MNIST itself where it lies on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from trainer.data.datasets import DATASETS, Dataset, Digits, Mnist, Synthetic
from trainer.data.idx import idx_files, read_all
from trainer.data.loading import Data, Split, floats, load
from trainer.data.tensors import on_device
from trainer.engine.loop import Training
from trainer.errors import DataError
from trainer.experiment import Experiment

REPO = Path(__file__).parents[2]
NO_MNIST = bool(read_all(Mnist().path, idx_files(*Mnist.sizes), Mnist.sha256)[1])
with_mnist = pytest.mark.skipif(NO_MNIST, reason=f"no MNIST in {Mnist().path}: name its root in TRAIN_DATA")


def digest(data: Data) -> str:
    splits = (data.train, data.valid, data.test)
    parts = [array.tobytes() for split in splits for array in (split.images, split.labels)]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@pytest.mark.parametrize("dataset", [Digits(), Synthetic()], ids=lambda dataset: dataset.name)
def test_form(dataset: Dataset) -> None:
    data = load(dataset)
    assert (data.name, data.classes, data.notice) == (dataset.name, 10, None)
    for split in (data.train, data.valid, data.test):
        assert split.images.shape == (len(split.labels), 784)
        assert (split.images.dtype, split.labels.dtype) == (np.float32, np.int64)
        assert split.images.min() >= 0 and split.images.max() <= 1
        assert set(split.labels) == set(range(10))
    assert len(data.train.labels) + len(data.valid.labels) == dataset.training
    assert len(data.valid.labels) == dataset.validation


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (Digits(validation=125), "3b1b3324365a5b65"),
        (Synthetic(), "e45a578eae5eed24"),
        (Synthetic(samples=7, features=3, classes=2, validation=2), "e2ff522b03213320"),
    ],
    ids=["digits", "synthetic", "small"],
)
def test_the_same_everywhere(dataset: Dataset, expected: str) -> None:
    """The digests were taken once, with NumPy 2.4 and scikit-learn 1.9; another value means other data."""
    assert digest(load(dataset)) == digest(load(dataset)) == expected


def test_digits_are_the_source_enlarged() -> None:
    """Every image is one of the source's, by NumPy's own linear interpolation between pixel centres."""
    from sklearn.datasets import load_digits

    source = load_digits()
    place = (np.arange(28) + 0.5) * 8 / 28 - 0.5
    weights = np.stack([np.interp(place, np.arange(8), unit) for unit in np.eye(8)], axis=1)
    enlarged = (weights @ source.images @ weights.T / 16).reshape(-1, 784)
    data = load(Digits(validation=0))
    found = np.concatenate([data.train.images, data.test.images])
    nearest = ((enlarged**2).sum(1) - 2 * found @ enlarged.T).argmin(1)
    assert sorted(nearest) == list(range(1797))
    assert np.abs(found - enlarged[nearest]).max() <= 0.501 / 255
    assert (source.target[nearest] == np.concatenate([data.train.labels, data.test.labels])).all()


def test_synthetic_is_learnable_and_not_trivial() -> None:
    data = load(Synthetic())
    images = data.train.images - 0.5
    targets = np.eye(10)[data.train.labels]
    weights = np.linalg.solve(images.T @ images + 100 * np.eye(784), images.T @ targets)
    accuracy = ((data.test.images - 0.5) @ weights).argmax(1) == data.test.labels
    assert 0.5 < accuracy.mean() < 0.9  # a linear model gets there but not through


def test_synthetic_fits_the_order() -> None:
    data = load(Synthetic(samples=13, features=5, classes=3, validation=4))
    assert [split.images.shape for split in (data.train, data.valid, data.test)] == [(9, 5), (4, 5), (3, 5)]
    assert data.classes == 3 and data.train.labels.max() < 3


@given(data=st.data(), samples=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_split(data: st.DataObject, samples: int) -> None:
    """The last are held out, the first of the others are trained on, and nothing is in both."""
    validation = data.draw(st.integers(0, samples - 1))
    limit = data.draw(st.none() | st.integers(1, samples - validation))
    whole = load(Synthetic(samples=samples, features=4, validation=0))
    split = load(Synthetic(samples=samples, features=4, validation=validation, limit=limit))
    for name in ("images", "labels"):
        all_of_it = getattr(whole.train, name)
        assert np.array_equal(getattr(split.train, name), all_of_it[: samples - validation][:limit])
        assert np.array_equal(getattr(split.valid, name), all_of_it[samples - validation :])
    assert np.array_equal(split.test.images, whole.test.images)


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        (
            Digits(validation=5000),
            "dataset.validation=5000 does not fit: digits has 1,500 training images; "
            "type dataset.validation= with a number from 0 to 1499.",
        ),
        (
            Mnist(validation=60_000, root="nowhere"),
            "dataset.validation=60000 does not fit: mnist has 60,000 training images; "
            "type dataset.validation= with a number from 0 to 59999.",
        ),
        (
            Synthetic(samples=20, validation=5, limit=16),
            "dataset.limit=16 does not fit: synthetic has 15 training images beside the 5 held out; "
            "type dataset.limit= with a number from 1 to 15, or null for all.",
        ),
    ],
    ids=["digits", "mnist", "limit"],
)
def test_a_split_that_does_not_fit(dataset: Dataset, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        load(dataset)
    assert str(caught.value) == sentence


def test_standardize() -> None:
    plain, standard = load(Digits()), load(Digits(standardize=True))
    for before, after in ((plain.train, standard.train), (plain.valid, standard.valid), (plain.test, standard.test)):
        np.testing.assert_allclose(after.images, (before.images.astype(float) - 0.1307) / 0.3081, atol=1e-6)


def test_bytes_become_the_same_floats_in_an_array_in_a_tensor_and_batch_by_batch() -> None:
    """All 256 of them, to the last bit; a stack that is given the floats trains to the same ones."""
    every = np.arange(256, dtype=np.uint8)
    expected = np.array([value / np.float32(255) for value in every.astype(np.float32)])
    assert np.array_equal(floats(every), expected) and floats(every).dtype == np.float32
    assert np.array_equal(floats(torch.from_numpy(every)).numpy(), expected)
    by_bytes = on_device(load(Synthetic(samples=300, features=50, validation=60)), torch.device("cpu"))
    assert by_bytes.train.pixels.dtype == torch.uint8 and by_bytes.valid.pixels.dtype == torch.float32
    by_floats = replace(by_bytes, train=Split(by_bytes.train.images, by_bytes.train.labels))
    e = Experiment(epochs=2, batch_size=32, device="cpu", optimizer="adam")
    one, other = (last_state(Training([e, replace(e, seed=1)], data)) for data in (by_bytes, by_floats))
    assert torch.equal(one, other)


def test_pixels_that_can_not_be_written_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a file are; torch warns of them, which is an error in tests."""
    dataset = Synthetic(samples=60, features=16, validation=10)
    raw = dataset.read()
    raw.images.setflags(write=False)
    monkeypatch.setattr(Synthetic, "read", lambda _: raw)
    assert len(on_device(load(dataset), torch.device("cpu")).train.pixels) == 50


def last_state(training: Training) -> torch.Tensor:
    for _ in training:
        pass
    return training.state.theta


@pytest.mark.parametrize("word", DATASETS)
def test_yaml_says_what_the_dataclass_says(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = REPO / "conf" / "dataset" / f"{word}.yaml"
    for root in (None, "elsewhere"):
        monkeypatch.setenv("TRAIN_DATA", root) if root else monkeypatch.delenv("TRAIN_DATA", raising=False)
        dataset = DATASETS[word]()
        ours = {field.name: getattr(dataset, field.name) for field in fields(dataset)}
        assert OmegaConf.to_container(OmegaConf.load(path), resolve=True) == {"name": word, **ours}
        assert ours.get("root") in (None, root or "data")
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ") and lines[0].endswith(f"; select with dataset={word}")
    assert all("# " in line for line in lines[lines.index(f"name: {word}") + 1 :])


def python(code: str, **variables: str) -> str:
    """What a fresh interpreter prints that runs `code`; any network connection or look-up ends it."""
    guard = (
        "import sys\n"
        "def guard(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit(event)\n"
        "sys.addaudithook(guard)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO), **variables}
    done = subprocess.run([sys.executable, "-c", guard + code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


HEAVY = "print(*sorted({'torch', 'torchvision', 'sklearn', 'rich', 'filelock'} & set(sys.modules)))"


def test_import_is_light() -> None:
    assert python("from trainer.data.loading import load; from trainer.data.datasets import DATASETS, Synthetic\n"
                  "load(Synthetic(samples=600))\n" + HEAVY) == ""  # fmt: skip


@with_mnist
def test_mnist_on_disk_needs_no_network_and_no_torch() -> None:
    code = (
        "from trainer.data.loading import load\nfrom trainer.data.datasets import DATASETS\n"
        "assert load(DATASETS['mnist']()).name == 'mnist'\n"
    )
    assert python(code + HEAVY, TRAIN_DATA=Mnist().root) == ""


@with_mnist
def test_mnist() -> None:
    data = load(Mnist())
    assert [len(split.labels) for split in (data.train, data.valid, data.test)] == [55_000, 5_000, 10_000]
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    every = load(Mnist(validation=0)).train
    assert np.bincount(every.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert every.images.mean(dtype=float) == pytest.approx(0.1307, abs=1e-4)
    assert every.images.std(dtype=float) == pytest.approx(0.3081, abs=1e-4)


@with_mnist
def test_a_flipped_byte_of_mnist_is_found(tmp_path: Path) -> None:
    folder = Mnist(root=str(tmp_path)).path
    shutil.copytree(Mnist().path, folder, copy_function=shutil.copyfile)
    file = folder / "t10k-images-idx3-ubyte"
    content = bytearray(file.read_bytes())
    content[5_000_000] ^= 1
    file.write_bytes(content)
    bad = read_all(folder, idx_files(*Mnist.sizes), Mnist.sha256)[1]
    assert [(found.name, str(fault)) for found, fault in bad.items()] == [
        (file.name, "has the right size but not the right SHA-256: some of its bytes were changed")
    ]
