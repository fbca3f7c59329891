"""What may be given to `resume`: where data lie, the device, threads and cadence are no part of what a run is; all else is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import TINY, rows, same_bits, summary, train

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.run.run import resume
from trainer.run.settings import changed, located
from trainer.sweep.cells import Cell
from trainer.sweep.sweep import given_anew, resume_sweep

NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # so that nothing is downloaded
KMNIST = ("dataset=kmnist", "dataset.limit=100", "dataset.validation=50", "model.hidden=[4]", "epochs=1", "device=cpu")


def idx(*shape: int, largest: int) -> bytes:
    values = np.random.default_rng(0).integers(0, largest, shape, np.uint8)
    return bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes() + values.tobytes()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A root with files of KMNIST's sizes, whose digests nobody has published."""
    folder = tmp_path_factory.mktemp("root") / "KMNIST/raw"
    folder.mkdir(parents=True)
    for part, n in (("train", 60_000), ("t10k", 10_000)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(n, 28, 28, largest=256))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(n, largest=10))
    return folder.parents[1]


@pytest.fixture(scope="module")
def moved(files, tmp_path_factory) -> Path:
    """A folder with a run and a sweep that lacks a cell, whose data have been moved to its `elsewhere`."""
    place = tmp_path_factory.mktemp("moved")
    shutil.copytree(files, place / "data")
    assert train(place, *KMNIST, "name=run", **NOWHERE).end() == 0
    assert train(place, "-m", *KMNIST, "seed=0,1", "hydra.launcher.workers=1", "name=sweep", **NOWHERE).end() == 0
    shutil.rmtree(place / "runs/sweep/seed=1")
    (place / "data").rename(place / "elsewhere")
    return place


@pytest.fixture
def place(moved, tmp_path, monkeypatch) -> Path:
    """A copy to spoil, and its working directory."""
    shutil.copytree(moved / "runs", tmp_path / "runs")
    (tmp_path / "elsewhere").symlink_to(moved / "elsewhere")
    for key, value in NOWHERE.items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_its_data_a_run_is_refused_with_what_to_type(place, capfd):
    assert resume(Path("runs/run"), {"epochs": 2}) == 2
    sentence = "was trained on kmnist, and now digits is what its configuration finds. Where its data lie elsewhere now, type: "
    assert f"{sentence}train resume runs/run dataset.root=PLACE" in capfd.readouterr().err


def test_a_run_goes_on_where_its_data_have_moved(place):
    assert resume(Path("runs/run"), {"epochs": 2, "dataset.root": "elsewhere", "threads": 1}) == 0
    assert summary(place / "runs/run")["dataset"] == "kmnist" and len(rows(place / "runs/run")) == 2
    config = yaml.safe_load((place / "runs/run/config.yaml").read_text())
    assert config["dataset"]["root"] == str(place / "elsewhere") and config["threads"] == 1
    assert resume(Path("runs/run"), {"epochs": 3}) == 0  # it knows where they lie now


def test_a_sweep_goes_on_where_its_data_have_moved(place):
    assert resume_sweep(Path("runs/sweep"), {"dataset.root": "elsewhere"}) == 0
    assert [summary(cell)["dataset"] for cell in sorted((place / "runs/sweep").glob("seed=*"))] == ["kmnist"] * 2


@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_the_environment_says_where_the_data_are_now(kind, place, monkeypatch):
    monkeypatch.setenv("TRAIN_DATA", "elsewhere")
    code = resume(Path("runs/run"), {"epochs": 2}) if kind == "run" else resume_sweep(Path("runs/sweep"), {})
    assert code == 0
    assert {summary(path.parent)["dataset"] for path in (place / f"runs/{kind}").rglob("summary.json")} == {"kmnist"}


def test_its_own_root_comes_before_the_environment(place, monkeypatch):
    monkeypatch.setenv("TRAIN_DATA", "elsewhere")
    e = Experiment(dataset={"name": "kmnist", "root": str(place / "elsewhere")})
    assert located(e.dataset) == e.dataset
    assert changed(e, {"dataset.root": "nowhere"}).dataset.root == str(place / "nowhere")  # what is typed counts


def test_an_edited_root_is_no_obstacle(place):
    config = place / "runs/run/config.yaml"
    config.write_text(config.read_text().replace(str(place.name), "").replace("/data\n", "/nowhere\n"))
    assert resume(Path("runs/run"), {"epochs": 2, "dataset.root": "elsewhere"}) == 0


@pytest.mark.parametrize("key", ["seed", "optimizer.lr", "dataset", "dataset.validation", "name", "format", "target"])
def test_what_decides_a_run_is_refused(key, place, capfd):
    for go_on, directory in ((resume, "runs/run"), (resume_sweep, "runs/sweep")):
        assert go_on(Path(directory), {key: 1}) == 2
        sentence = (
            f"train: {key} can't be changed by resuming: start a new run for another {key}. Allowed here: epochs, "
        )
        assert capfd.readouterr().err.startswith(sentence)


def test_a_key_that_it_does_not_have_and_a_value_that_is_not_allowed(tmp_path):
    e = Experiment(dataset="digits")
    with pytest.raises(ConfigError, match=r"There is no key 'dataset\.root'"):
        changed(e, {"dataset.root": "x"})
    with pytest.raises(ConfigError, match=r"checkpoint\.epochs=0 is not allowed"):
        changed(e, {"checkpoint.epochs": 0})
    assert changed(e, {"checkpoint.epochs": 5, "threads": 3}).checkpoint.epochs == 5


def test_in_a_sweep_each_run_takes_the_keys_that_it_has():
    cells = [Cell(Experiment(dataset=name), name) for name in ("digits", "mnist")]
    digits, mnist = given_anew(cells, {"dataset.root": "/x", "threads": 1})
    assert mnist.experiment.dataset.root == "/x" and digits.experiment.threads == mnist.experiment.threads == 1
    with pytest.raises(ConfigError, match=r"There is no key 'dataset\.root'"):
        given_anew(cells[:1], {"dataset.root": "/x"})


# Killed before its first checkpoint

RUN = (*TINY, "epochs=3", "optimizer=adam", "dropout=half", "name=run")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("whole")
    assert train(place, *RUN).end() == train(place, *RUN[:-1], "seed=1", "name='seed=1'").end() == 0
    assert train(place, "-m", *RUN[:-1], "seed=0,1", "hydra.launcher.workers=1", "name=sweep").end() == 0
    return place / "runs"


def killed(directory: Path, *, records: bool) -> None:
    """As a kill leaves it before the first checkpoint: with records or before any."""
    for path in directory.iterdir():
        if path.name not in ("config.yaml", "train.log", "metrics.jsonl", "summary.json") and path.is_file():
            path.unlink()
    state = (directory / "summary.json").read_text().replace('"completed"', '"running"')
    (directory / "summary.json").write_text(state.replace('"pid": ', '"pid": 99999999'))
    if not records:
        (directory / "metrics.jsonl").unlink()
        (directory / "summary.json").unlink()


@pytest.mark.parametrize("records", [True, False])
def test_a_run_without_a_checkpoint_begins_anew_to_the_same_bits(records, whole, tmp_path, capfd):
    shutil.copytree(whole / "run", tmp_path / "run")
    killed(tmp_path / "run", records=records)
    assert resume(tmp_path / "run", {}) == 0
    said = capfd.readouterr()
    assert (
        f"{tmp_path}/run has no checkpoint yet: it begins anew, to the same bits as if it had never stopped."
        in said.err
    )
    same_bits(whole / "run", tmp_path / "run")
    assert len(list((tmp_path / "run").glob("events.*"))) == 1


@pytest.mark.parametrize("records", [True, False])
def test_so_does_a_cell_of_a_sweep(records, whole, tmp_path, capfd):
    shutil.copytree(whole / "sweep", tmp_path / "sweep")
    killed(tmp_path / "sweep/seed=1", records=records)
    assert resume_sweep(tmp_path / "sweep", {}) == 0
    said = capfd.readouterr().out
    assert "1 complete and skipped, 1 to run" in said
    assert ("(1 anew: killed before the first checkpoint, to the same bits)" in said) == records
    same_bits(whole / "seed=1", tmp_path / "sweep/seed=1")


def test_a_damaged_checkpoint_of_a_cell_is_kept_aside_and_said(whole, tmp_path, capfd):
    shutil.copytree(whole / "sweep", tmp_path / "sweep")
    killed(tmp_path / "sweep/seed=1", records=True)
    (tmp_path / "sweep/seed=1/checkpoint.pt").write_bytes(b"damaged")
    assert resume_sweep(tmp_path / "sweep", {}) == 0
    assert "seed=1/checkpoint.pt can't be read as a checkpoint" in (err := capfd.readouterr().err)
    assert f"That run begins anew; what was there is kept in {tmp_path}/sweep/.replaced." in err
    (kept,) = (tmp_path / "sweep/.replaced").iterdir()
    assert (kept / "checkpoint.pt").read_bytes() == b"damaged"
    same_bits(whole / "seed=1", tmp_path / "sweep/seed=1")


def test_a_complete_run_whose_checkpoint_is_gone_is_not_thrown_away(whole, tmp_path, capfd):
    shutil.copytree(whole / "run", tmp_path / "run")
    (tmp_path / "run/checkpoint.pt").unlink()
    anew = f"train from={tmp_path}/run epochs="
    assert resume(tmp_path / "run", {}) == 0 and "run is complete. To train longer" in capfd.readouterr().out
    assert resume(tmp_path / "run", {"epochs": 5}) == 2
    said = capfd.readouterr().err
    assert "run is complete and its checkpoint.pt is gone (checkpoint.keep=false" in said and f"{anew}5" in said
    assert (tmp_path / "run/model.pt").exists()
