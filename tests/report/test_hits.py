"""hits.npz: which images the final network gets right, held against the network itself; damaged or foreign ones count as none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from commands import TINY, summary, train
from stopping import Nobody, go
from subjects import experiment, tiny

from trainer.data.datasets import Digits
from trainer.data.loading import Data, load
from trainer.report.arrays import write_arrays
from trainer.report.hits import HITS, read_hits, write_hits
from trainer.run.export import load_model
from trainer.run.stack_run import Job, StackRun

DATA = tiny()


def predictions(directory: Path) -> dict[str, np.ndarray]:
    """Which images the exported network gets right, by plain PyTorch."""
    model = load_model(directory)
    splits = {"valid": DATA.valid, "test": DATA.test}
    return {
        name: (model(split.images[:, : DATA.features]).argmax(1) == split.labels).numpy()
        for name, split in splits.items()
    }


@pytest.mark.parametrize("stop", [None, 3, 8])
def test_it_is_what_the_final_network_gets_right(stop, tmp_path):
    """For a run left alone, one stopped and resumed, and one that was killed between its last update and its end."""
    e = experiment(optimizer="adam", normalization="batch")
    go(tmp_path, e, DATA, stop=stop)
    assert (tmp_path / HITS).exists() == (stop != 3)
    if stop:
        (tmp_path / HITS).unlink(missing_ok=True)
        StackRun([Job(e, tmp_path)], DATA, resumed=True).train(Nobody(), lambda: None)
    found = read_hits(tmp_path)
    assert found is not None
    for name, right in predictions(tmp_path).items():
        assert np.array_equal(found.right[name], right)
        assert right.mean() == pytest.approx(summary(tmp_path)[f"{name}/accuracy"])


def test_each_run_of_a_stack_has_its_own(tmp_path):
    jobs = [Job(experiment(seed=seed, optimizer="adam"), tmp_path / str(seed)) for seed in range(3)]
    for job in jobs:
        job.directory.mkdir()
    StackRun(jobs, DATA).train(Nobody(), lambda: None)
    for job in jobs:
        found = read_hits(job.directory)
        assert found and np.array_equal(found.right["test"], predictions(job.directory)["test"])


def test_it_goes_when_the_run_goes_on(tmp_path):
    go(tmp_path, experiment(epochs=2), DATA)
    run = StackRun([Job(experiment(epochs=4), tmp_path)], DATA, resumed=True)
    assert not (tmp_path / HITS).exists()
    run.train(Nobody(), lambda: None)
    assert (tmp_path / HITS).exists()


def test_a_diverged_run_has_none(tmp_path):
    assert train(tmp_path, *TINY, "epochs=2", "optimizer.lr=1e38", "name=run").end() == 3
    assert not (tmp_path / "runs/run" / HITS).exists()


def test_what_is_no_such_file_counts_as_none(tmp_path):
    write_hits(tmp_path, {"valid": np.array([True, False, True])}, "d", "s")
    whole = (tmp_path / HITS).read_bytes()
    assert read_hits(tmp_path) is not None
    for content in (b"", whole[:100], b"PK" + whole[2:50], np.random.default_rng(0).bytes(300)):
        (tmp_path / HITS).write_bytes(content)
        assert read_hits(tmp_path) is None
    (tmp_path / HITS).unlink()
    os.mkfifo(tmp_path / HITS)
    assert read_hits(tmp_path) is None


@pytest.mark.parametrize("facts", ["[" * 100_000, "[]", "{}", "7", '{"images": 3, "digest": "d", "split": "s"}'])
def test_facts_that_are_none_count_as_no_file(facts, tmp_path):
    write_arrays(tmp_path / HITS, {"facts": facts, "valid": np.array([7], np.uint8)})
    assert read_hits(tmp_path) is None


def test_files_whose_facts_are_arrays_are_read(tmp_path):
    """As they were first written."""
    arrays = {"digest": "d", "split": "s", "valid": np.packbits([True, False, True]), "valid_images": 3}
    write_arrays(tmp_path / HITS, arrays)
    found = read_hits(tmp_path)
    assert found and (found.digest, found.split, found.right["valid"].tolist()) == ("d", "s", [True, False, True])


def bag(data: Data) -> np.ndarray:
    return np.sort(np.concatenate([data.train.images, data.valid.images]).sum(1))


def test_a_split_seed_draws_what_is_held_out():
    """The same images, in another split for each number; no number: the last ones, as ever."""
    plain, one, two = (load(Digits(split_seed=seed)) for seed in (None, 1, 2))
    assert plain.digest == one.digest == two.digest and len({plain.split, one.split, two.split}) == 3
    np.testing.assert_allclose(bag(plain), bag(one))
    assert not np.array_equal(one.valid.images, two.valid.images)
    assert np.array_equal(load(Digits(split_seed=1)).valid.images, one.valid.images)
    assert np.array_equal(plain.test.images, one.test.images)


def test_a_sweep_can_tie_the_split_to_the_seed(tmp_path):
    words = ("-m", *TINY, "epochs=1", "seed=3,4", "dataset.split_seed=${seed}", "name=sw")
    words += ("hydra.launcher.workers=1",)
    assert train(tmp_path, *words).end() == 0
    for seed in (3, 4):
        found = read_hits(tmp_path / f"runs/sw/seed={seed}")
        assert found and found.split.endswith(f"split_seed {seed}")
