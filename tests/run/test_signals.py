"""Signals to real processes: at the next update all is saved, the exit code is right, and resuming gives the bits of a run
that nobody disturbed. Killed at any moment, every file parses and nothing is called complete."""

from __future__ import annotations

import http.server
import io
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
import yaml
from commands import ROOT, TINY, Command, rows, same_bits, summary, train, until
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.run import checkpoint
from trainer.run.lease import is_stale, status_of
from trainer.run.signals import Signals

RUN = (*TINY, "epochs=120", "optimizer=adam", "clip=grad", "dropout=half", "normalization=batch", "checkpoint.epochs=1")
NAME = "name=run"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("undisturbed")
    assert train(directory, *RUN, NAME).end() == 0
    return directory / "runs/run"


def begun(directory: Path, records: int) -> Command:
    command = Command(directory, *RUN, NAME)
    until(lambda: len(rows(directory / "runs/run")) >= records)
    return command


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(signal.SIGTERM, "terminated", 143), (signal.SIGINT, "interrupted", 130), (signal.SIGHUP, "terminated", 143)],
)
def test_a_signal_ends_a_run_saved_and_it_goes_on(number, status, code, undisturbed, tmp_path):
    command, directory = begun(tmp_path, 3).send(number), tmp_path / "runs/run"
    assert command.end() == code
    assert "Traceback" not in command.out + command.err
    assert "train resume runs/run  # go on where it stopped" in command.out
    state, found = checkpoint.load(directory).state, summary(directory)
    assert found["status"] == status and found["steps"] == state.step < 480
    assert rows(directory)[-1]["step"] == state.step - state.updates
    assert f"{status} after {state.step} updates" in (directory / "train.log").read_text()
    assert len(EventAccumulator(str(directory)).Reload().Scalars("lr")) == len(rows(directory))
    assert train(tmp_path, "resume", "runs/run").end() == 0
    same_bits(undisturbed, directory)


def test_killed_at_random_and_resumed_again_and_again(undisturbed, tmp_path):
    """SIGKILL: at most the last record is lost, what stands there is read, and the end is that of a run left alone."""
    draws, directory = random.Random(1), tmp_path / "runs/run"
    command, kills = begun(tmp_path, 2), 0
    while True:
        time.sleep(draws.uniform(0, 0.3 * 1.1**kills))  # longer each time: a busy machine may save nothing so soon
        command.process.kill()
        command.process.join()
        kills += command.process.exitcode == -signal.SIGKILL
        parses(directory)
        if summary(directory)["status"] == "completed":
            break
        assert status_of(summary(directory), directory) == "interrupted"
        before = summary(directory)["process"]
        command = Command(tmp_path, "resume", "runs/run")
        until(lambda before=before: summary(directory)["process"] != before)
    assert kills >= 2
    same_bits(undisturbed, directory)
    assert not list(directory.glob(".*.partial"))
    steps = [event.step for event in EventAccumulator(str(directory)).Reload().Scalars("lr")]
    assert steps == [row["step"] for row in rows(directory)]


def parses(directory: Path) -> None:
    """Every file that is there, as its readers read it."""
    checkpoint.load(directory)
    for name in ("best.pt", "model.pt"):
        if (directory / name).exists():
            torch.load(directory / name, weights_only=True)
    assert yaml.safe_load((directory / "config.yaml").read_text())["name"] == "run"
    assert json.loads((directory / "summary.json").read_text())["status"] in ("running", "completed")
    steps = [row["step"] for row in rows(directory)]
    assert steps == list(range(4, 4 * len(steps) + 1, 4))
    EventAccumulator(str(directory)).Reload()


def test_a_killed_run_is_shown_as_interrupted(tmp_path):
    command = begun(tmp_path, 2)
    live = summary(tmp_path / "runs/run")
    assert live["status"] == "running" and not is_stale(live, tmp_path / "runs/run")
    command.process.kill()
    command.process.join()
    dead = summary(tmp_path / "runs/run")
    assert dead["status"] == "running" and is_stale(dead, tmp_path / "runs/run")
    train(tmp_path, *TINY, "epochs=1", "name=other")
    table = train(tmp_path, "compare", "runs")
    assert "1 interrupted" in table.out + table.err and "running" not in table.out + table.err


def test_stale_is_another_process_of_the_same_number_or_another_boot(tmp_path):
    from trainer.run.process import process

    def stale(**summary):
        return is_stale(summary, tmp_path)

    assert not stale(status="running", process=process())
    assert stale(status="running", process=process() | {"boot": "another"})
    assert stale(status="running", process=process() | {"started": "1"})
    for nothing in ({}, {"process": None}, {"process": 5}, {"process": {"pid": "../1"}}, {"process": {"pid": 2**99}}):
        assert stale(status="running", **nothing)
    assert not stale(status="completed")


def test_a_second_signal_quits_at_once(tmp_path):
    """Both are there before the update ends that the first one waits for: nothing is saved any more."""
    command = begun(tmp_path, 2).send(signal.SIGINT).send(signal.SIGTERM)
    assert command.end() == 143
    assert "Traceback" not in command.err and is_stale(summary(tmp_path / "runs/run"), tmp_path / "runs/run")


class Stalls(http.server.BaseHTTPRequestHandler):
    """Promises a file and sends nothing of it."""

    asked = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.asked.set()
        time.sleep(20)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_while_data_are_downloading(number, code, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalls)
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Stalls.asked.clear()
    mirror = f"http://127.0.0.1:{server.server_address[1]}/"
    command = Command(tmp_path, "dataset.root=data", "name=run", TRAIN_MIRROR=mirror)
    try:
        assert Stalls.asked.wait(120)
        assert command.send(number).end() == code
    finally:
        server.shutdown()
        server.server_close()
    assert "before the first update; nothing was trained.\n" in command.err
    assert "Traceback" not in command.err and list((tmp_path / "runs").iterdir()) == []


def test_while_the_table_is_live(tmp_path):
    """The cursor is shown and the last line ended when the run is gone."""
    master, slave = pty.openpty()
    command = Command(
        tmp_path, *TINY, "epochs=100000", "name=run", terminal=os.ttyname(slave), TERM="xterm", COLUMNS="100"
    )
    seen = io.BytesIO()
    threading.Thread(target=lambda: copy(master, seen), daemon=True).start()
    until(lambda: seen.getvalue().count(b"\x1b[2K") > 4)
    assert command.send(signal.SIGINT).end() == 130
    until(lambda: b"train longer" in seen.getvalue() or b"curves" in seen.getvalue())
    shown = seen.getvalue()
    assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l") and shown.endswith(b"\n")
    assert b"interrupted on synthetic" in shown and b"train resume runs/run" in shown and b"Traceback" not in shown


def copy(master: int, seen: io.BytesIO) -> None:
    try:
        while block := os.read(master, 65536):
            seen.write(block)
    except OSError:
        pass


def test_a_terminal_that_is_closed_and_a_reader_who_leaves(tmp_path):
    """Nobody reads the console any more: said once, and the run is completed."""
    read, write = os.pipe()
    os.close(read)
    command = Command(tmp_path, *TINY, "epochs=3", "name=run", terminal=f"/proc/{os.getpid()}/fd/{write}")
    assert command.end() == 0
    assert command.err == "train: the console can't be written and is left out from here: Broken pipe.\n"
    assert summary(tmp_path / "runs/run")["status"] == "completed"


def test_inside_an_evaluation(tmp_path):
    """60,000 images held out and one update an epoch: nearly all the time is evaluation."""
    words = ("dataset=synthetic", "dataset.samples=60100", "dataset.validation=60000", "dataset.features=48")
    command = Command(tmp_path, *words, "threads=1", "epochs=100000", "name=run")
    until(lambda: len(rows(tmp_path / "runs/run")) >= 2)
    assert command.send(signal.SIGTERM).end() == 143
    state = checkpoint.load(tmp_path / "runs/run").state
    assert summary(tmp_path / "runs/run")["steps"] == state.step == rows(tmp_path / "runs/run")[-1]["step"]


def test_the_command_itself_in_a_shell(undisturbed, tmp_path):
    """`python cli.py`, as people start it: terminated, resumed, the same bits."""
    call = [sys.executable, str(ROOT / "cli.py")]
    process = subprocess.Popen(
        [*call, *RUN, NAME], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until(lambda: len(rows(tmp_path / "runs/run")) >= 5)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (143, "") and "terminated on synthetic" in out
    again = subprocess.run([*call, "resume", "runs/run"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (again.returncode, again.stderr) == (0, "")
    same_bits(undisturbed, tmp_path / "runs/run")


def test_nohup_is_obeyed():
    """A SIGHUP that was ignored when the run began stays so; without nohup it ends the run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    with Signals() as signals:
        signals.training = True
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.status == "terminated"


SWEEP = ("-m", *TINY, "epochs=1500", "optimizer=sgd,adam", "seed=range(3)", "hydra.launcher.workers=2", "name=sw")


def sweep_on_a_terminal(directory: Path, lines: int) -> tuple[int, int]:
    """A sweep on a pty of its own, training; its process (the leader of the pty's session) and the other end of the pty."""
    directory.mkdir(parents=True, exist_ok=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "cli", *SWEEP])
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()
    cells = directory / "runs/sw"
    until(lambda: sum(len(rows(cell)) >= lines for cell in cells.glob("opt*")) == 6)
    return pid, terminal


def drain(terminal: int) -> None:
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:
        pass


@pytest.mark.parametrize("how", ["closed", "group"])
def test_a_closed_terminal_ends_a_sweep_saved_and_it_goes_on(how, tmp_path):
    """The terminal closes, or everybody in its foreground group hears SIGHUP: every cell is saved, none has failed."""
    pid, terminal = sweep_on_a_terminal(tmp_path, 3)
    os.close(terminal) if how == "closed" else os.killpg(pid, signal.SIGHUP)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 143
    cells = sorted((tmp_path / "runs/sw").glob("opt*"))
    assert {summary(cell)["status"] for cell in cells} == {"terminated"}
    assert all(checkpoint.load(cell).state.step == summary(cell)["steps"] > 0 for cell in cells)
    assert train(tmp_path, "resume", "runs/sw").end() == 0
    assert {summary(cell)["status"] for cell in cells} == {"completed"}


@pytest.mark.parametrize("reader", ["exec >/dev/full", "exec > >(head -n 1 >/dev/null)"], ids=["full", "gone"])
def test_a_sweep_whose_reader_goes_is_trained_to_its_end(reader, tmp_path):
    words = ("-m", *TINY, "epochs=2", "seed=range(3)", "hydra.launcher.workers=1", "name=sw")
    line = f"{reader}; {sys.executable} -m cli {' '.join(map(repr, words))}"
    run = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr and run.stderr.count("the console can't be written") <= 1
    assert [summary(cell)["status"] for cell in (tmp_path / "runs/sw").glob("seed*")] == ["completed"] * 3
