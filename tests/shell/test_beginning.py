"""A signal or an error after a command has taken its directory and before anything has begun there leaves no directory."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from commands import CONTEXT, TINY, Command, _train, latest, summary, train

from trainer.errors import ConfigError, Stopped
from trainer.run.directories import claim, reuse, taken
from trainer.run.signals import Held, Signals

RUN = (*TINY, "epochs=0")
MOMENTS = {"its directory is made": ("made", "runs/mine"), "hydra writes": ("open", ".hydra/hydra.yaml")}
SWEEP_MOMENTS = MOMENTS | {"the sweep is listed": ("open", "multirun.yaml")}
OURS = [moment for moment in SWEEP_MOMENTS if moment != "hydra writes"]  # our launcher has no .hydra in each cell
STUDY_MOMENTS = {"its directory is made": ("made", "runs/mine"), "it is held": ("open", "runs/mine/.lease")}


def struck(cwd: Path, moment: tuple[str, str], number: int, *words: str) -> tuple[int, str]:
    """`train words…`, which gets a signal when it has made a directory or opens a file; its exit code and what it said."""
    files = cwd / "out", cwd / "err"
    process = CONTEXT.Process(target=_struck, args=(cwd, moment, number, latest(words), files))
    process.start()
    process.join(120)
    assert process.exitcode is not None and process.exitcode != 77, "the moment never came"
    return process.exitcode, files[1].read_text()


def _struck(cwd: Path, moment: tuple[str, str], number: int, words: tuple[str, ...], files: tuple[Path, Path]) -> None:
    left, mkdir, leave = [moment], os.mkdir, os._exit

    def strike(event: str, place: object) -> None:
        if left and event == moment[0] and str(place).endswith(moment[1]):
            left.clear()
            os.kill(os.getpid(), number)

    def made(path: object, *mode: int) -> None:
        mkdir(path, *mode)
        strike("made", path)

    os.mkdir = made
    os._exit = lambda code: leave(77 if left else code)
    sys.addaudithook(lambda event, arguments: strike(event, arguments[0]) if event == "open" else None)
    _train(cwd, words, files, None, (None, None), {})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_the_middle_of_taking_a_directory(number, tmp_path):
    code, err = struck(tmp_path, MOMENTS["its directory is made"], number, *RUN, "name=mine")
    word, expected = ("interrupted", 130) if number == signal.SIGINT else ("terminated", 143)
    assert (code, err) == (expected, f"train: {word}.\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("moment", MOMENTS)
def test_before_a_run(moment, tmp_path):
    assert struck(tmp_path, MOMENTS[moment], signal.SIGTERM, *RUN, "name=mine") == (143, "train: terminated.\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("launcher", "moment"), [*(("stack", moment) for moment in OURS), *(("basic", moment) for moment in SWEEP_MOMENTS)]
)
def test_before_a_sweep(launcher, moment, tmp_path):
    words = ("-m", *RUN, "seed=1,2", "name=mine", f"hydra/launcher={launcher}")
    assert struck(tmp_path, SWEEP_MOMENTS[moment], signal.SIGTERM, *words) == (143, "train: terminated.\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("moment", STUDY_MOMENTS)
def test_before_a_study(moment, tmp_path):
    words = ("study", *TINY, "epochs=1", "optimizer=momentum", "name=mine")
    code, err = struck(tmp_path, STUDY_MOMENTS[moment], signal.SIGTERM, *words)
    assert code == 143 and err.startswith("train: terminated") and err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_what_was_there_before_stays(tmp_path):
    """A sweep that goes on in its directory, even one that has nothing in it; and the run beside it."""
    (tmp_path / "runs/mine").mkdir(parents=True)
    words = ("-m", *RUN, "seed=1,2", "name=mine")
    assert struck(tmp_path, SWEEP_MOMENTS["the sweep is listed"], signal.SIGTERM, *words)[0] == 143
    assert (tmp_path / "runs/mine").is_dir()
    assert train(tmp_path, *words).end() == 0
    assert struck(tmp_path, SWEEP_MOMENTS["the sweep is listed"], signal.SIGTERM, *words)[0] == 143
    assert summary(tmp_path / "runs/mine/seed=1")["status"] == "completed"
    assert struck(tmp_path, ("made", "runs/mine-2"), signal.SIGTERM, *RUN, "name=mine")[0] == 143
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mine"]


@pytest.mark.parametrize("place", [claim, reuse])
def test_what_has_begun_stays(place, tmp_path):
    with pytest.raises(Stopped), taken(place, tmp_path, "mine") as directory:
        (directory / "0/.hydra").mkdir(parents=True)
        (directory / "0/config.yaml").write_text("seed: 1")
        raise Stopped("terminated")
    assert (tmp_path / "mine/0/config.yaml").exists()
    with pytest.raises(ConfigError), taken(reuse, tmp_path, "other") as directory:
        (directory / "0/.hydra").mkdir(parents=True)
        (directory / "0/.hydra/config.yaml").write_text("seed: 1")
        (directory / "multirun.yaml").write_text("seed: 1")
        (directory / ".lock").touch()
        raise ConfigError("refused")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_held_signal_is_answered_when_the_hold_ends():
    with Signals() as signals, pytest.raises(Stopped):
        with Held():
            signal.raise_signal(signal.SIGTERM)
            assert signals.status is None
        raise AssertionError("not answered")
    assert signals.status == "terminated"


def test_data_that_are_missing_leave_nothing_even_where_hydra_keeps_a_log(tmp_path):
    words = ("dataset=mnist", "dataset.root=nowhere", "dataset.fallback=null", "hydra/job_logging=default", "name=mine")
    command = Command(tmp_path, *words, TRAIN_MIRROR="http://127.0.0.1:9/")
    assert command.end() == 2
    assert list((tmp_path / "runs").iterdir()) == []
