"""`checkpoint.keep=false`: a complete run is everything but its checkpoint, and says what that means where it matters."""

from __future__ import annotations

import os
import re
import shlex
import signal
from pathlib import Path

from commands import CONTEXT, TINY, rows, summary, train
from stopping import go
from subjects import experiment, tiny

from trainer.run import checkpoint
from trainer.run.run import resume
from trainer.run.run_directory import CHECKPOINT

DATA = tiny()
DROP = {"checkpoint": {"keep": False}}
RUN = (*TINY, "epochs=2", "checkpoint.keep=false", "name=run")
SWEEP = ("-m", *TINY, "epochs=2", "seed=0,1", "hydra.launcher.workers=1", "checkpoint.keep=false", "name=sweep")


def contents(directory: Path) -> dict[str, bytes]:
    """Every file at any depth, but for locks and what the commands of a test printed."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_all_else_is_what_a_run_with_a_checkpoint_leaves(tmp_path):
    """Both in one stack: each keeps what it was asked to."""
    go([tmp_path / "kept", tmp_path / "dropped"], [experiment(), experiment(**DROP)], DATA)
    kept, dropped = contents(tmp_path / "kept"), contents(tmp_path / "dropped")
    assert {re.sub(r"tfevents.*", "", name) for name in {*kept} ^ {*dropped}} == {CHECKPOINT, "events.out."}
    assert CHECKPOINT in kept
    assert all(dropped[name] == kept[name] for name in ("model.pt", "best.pt", "hits.npz", "metrics.jsonl"))


def test_a_stopped_run_goes_on_and_drops_it_at_its_end(tmp_path):
    go(tmp_path / "whole", experiment(), DATA)
    go(tmp_path / "run", experiment(**DROP), DATA, stop=5)
    assert checkpoint.load(tmp_path / "run").state.step == 5
    go(tmp_path / "run", experiment(**DROP), DATA, resumed=True)
    assert not (tmp_path / "run" / CHECKPOINT).exists()
    assert (tmp_path / "run/model.pt").read_bytes() == (tmp_path / "whole/model.pt").read_bytes()


def test_a_longer_run_is_refused_with_a_command_that_works(tmp_path):
    done = train(tmp_path, *RUN)
    (advised,) = re.findall(r"  train (\S+ epochs=4)  # train longer", done.out)
    assert advised == "from=runs/run epochs=4"
    before = contents(tmp_path / "runs")
    refused = train(tmp_path, "resume", "runs/run", "epochs=4")
    assert refused.end() == 2 and refused.out.endswith("4 epochs, batch 60, seed 0; in runs/run\n")
    assert refused.err == (
        "train: runs/run is complete and its checkpoint.pt is gone (checkpoint.keep=false removes it), so it can't be "
        "trained further. To train longer type: train from=runs/run epochs=4\n"
    )
    told = "runs/run is complete. To train longer type: train from=runs/run epochs=4\n"
    assert train(tmp_path, "resume", "runs/run").out == told
    assert contents(tmp_path / "runs") == before
    assert train(tmp_path, *shlex.split(advised), "name=longer").end() == 0
    assert summary(tmp_path / "runs/longer")["epochs"] == 4
    assert rows(tmp_path / "runs/longer")[0] == rows(tmp_path / "runs/run")[0]


def killed_at_the_removal(directory: Path) -> None:
    checkpoint.drop = lambda directory: os.kill(os.getpid(), signal.SIGKILL)
    go(directory, experiment(**DROP), DATA)


def test_killed_before_the_removal_it_is_complete(tmp_path, capfd):
    process = CONTEXT.Process(target=killed_at_the_removal, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert summary(tmp_path)["status"] == "completed"
    before = contents(tmp_path)
    assert checkpoint.load(tmp_path).state.step == 8
    assert resume(tmp_path, {}) == 0 and "is complete. To train longer type: " in capfd.readouterr().out
    assert contents(tmp_path) == before
    go(tmp_path, experiment(**DROP, epochs=3), DATA, resumed=True)
    assert summary(tmp_path)["epochs"] == 3 and not (tmp_path / CHECKPOINT).exists()


def test_a_removal_that_fails_is_told_and_the_run_is_complete(tmp_path, monkeypatch, capfd):
    def refused(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    drop = checkpoint.drop

    def locked(directory: Path) -> None:
        with monkeypatch.context() as lock:
            lock.setattr(Path, "unlink", refused)
            drop(directory)

    monkeypatch.setattr(checkpoint, "drop", locked)
    go(tmp_path, experiment(**DROP), DATA)
    assert capfd.readouterr().err == f"train: {tmp_path}/checkpoint.pt can't be removed: Operation not permitted.\n"
    assert summary(tmp_path)["status"] == "completed"


def test_a_sweep_skips_what_is_complete_and_throws_nothing_away(tmp_path):
    assert train(tmp_path, *SWEEP).end() == 0
    assert not list(tmp_path.rglob(CHECKPOINT))
    assert "2 complete and skipped, 0 to run" in train(tmp_path, *SWEEP).out
    assert "2 complete and skipped, 0 to run" in train(tmp_path, "resume", "runs/sweep", "checkpoint.keep=false").out
    before = contents(tmp_path / "runs")
    refused = train(tmp_path, "resume", "runs/sweep", "epochs=4")
    assert refused.end() == 2 and refused.out == "" and refused.err.count("\n") == 1
    assert refused.err.startswith("train: runs/sweep/seed=0 is complete and its checkpoint.pt is gone")
    assert "To train longer, repeat the sweep's command with epochs=N and another name." in refused.err
    assert contents(tmp_path / "runs") == before
