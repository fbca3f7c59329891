"""The console, rendered to strings of fixed width, and on a real pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from trainer.engine.loop import train
from trainer.experiment import Experiment
from trainer.records import Record
from trainer.report.closing import closing
from trainer.report.console import RunView, animates
from trainer.report.history import History
from trainer.report.planned import plan
from trainer.report.run_info import RunInfo
from trainer.report.screen import Screen, clock

SYNTHETIC = {"name": "synthetic", "samples": 300, "validation": 100, "features": 20}
BASE = Experiment(dataset=SYNTHETIC, epochs=3, clip="grad", optimizer="momentum", device="cpu", seed=4)
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Whatever terminal the tests run in."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(train(BASE))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def info_of(experiment: Experiment = BASE, **changes) -> RunInfo:
    base = RunInfo(
        experiment=experiment, dataset="synthetic", notice=None, device="cpu", threads="auto", parameters=3978, updates=6,
        updates_per_epoch=2, train_samples=200, valid_samples=100, test_samples=50, directory=Path("runs/here"),
    )  # fmt: skip
    return replace(base, **changes)


def summary_of(status: str = "completed", **more) -> dict:
    figures = {"dataset": "synthetic", "steps": 6, "train_seconds": 2.0, "samples_per_second": 600.0}
    best = {"best_epoch": 2, "best/valid/accuracy": 0.5}
    return {"status": status, "error": None, **figures, **best, **more}


def show(records: list[Record], info: RunInfo, summary: dict, out=None, err=None, width=100) -> tuple[str, str]:
    """What a run writes to stdout and stderr."""
    out, err = out or io.StringIO(), err or io.StringIO()
    with RunView(Console(file=out, width=width, height=25), Console(file=err, width=width)) as view:
        view.start(info)
        for record in records:
            view.tick(record.step, record.seconds)
            view.record(record)
        view.finish(summary, info.directory)
    return out.getvalue(), err.getvalue()


def visible(text: str) -> list[str]:
    """The lines that stay on the screen: control sequences left out, of overwritten lines the last."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line.rsplit("\r", 1)[-1].rstrip() for line in text.split("\n")]


# --- without a terminal ---


def test_a_pipe_gets_one_line_a_record_with_full_values(records):
    out, err = show(records, info_of(), summary_of())
    lines = [line for line in out.splitlines() if line.startswith("epoch ")]
    assert len(lines) == len(records) == 3
    for line, record in zip(lines, records, strict=True):
        assert line.startswith(f"epoch {record.epoch}/3  update {record.step}/6  ")
        for name in (
            "train/loss",
            "train/accuracy",
            "valid/loss",
            "valid/accuracy",
            "lr",
            "grad_norm",
            "clipped_fraction",
        ):
            assert f"  {name} {record.metrics[name]:.6g}  " in line + "  "
    assert "test/accuracy" in lines[-1] and "test/accuracy" not in lines[0]
    assert lines[-1].endswith("completed")
    assert err == ""


@pytest.mark.parametrize("width", [20, 80])
def test_a_pipe_has_no_control_codes_no_borders_and_no_broken_lines(records, width, tmp_path):
    directory = tmp_path / ("long" * 20)
    out, _ = show(records, info_of(directory=directory, notice="n"), summary_of(), width=width)
    assert "\x1b" not in out and "\r" not in out and "…" not in out and "─" not in out
    assert out.isascii()
    assert f"Saved to {directory}\n" in out
    assert f"  tensorboard --logdir {directory}  # " in out


def test_a_dumb_terminal_gets_the_same_as_a_pipe(records, monkeypatch):
    piped = show(records, info_of(), summary_of())
    monkeypatch.setenv("TERM", "dumb")
    dumb, _ = show(records, info_of(), summary_of(), out=Terminal())
    assert re.sub(r"\x1b\[[\d;]*m", "", dumb) == piped[0]


def test_forced_colour_makes_no_animation_in_a_pipe(records, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    out, _ = show(records, info_of(), summary_of())
    assert HIDE not in out and "━" not in out and "epoch 3/3  update 6/6" in out


def test_a_reader_that_has_gone_is_an_oserror(records):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe, RunView(Console(file=pipe), Console(file=io.StringIO())) as view:
        with pytest.raises(BrokenPipeError):
            view.start(info_of())
        with pytest.raises(BrokenPipeError):  # what it could not write
            pipe.close()


# --- what is trained ---


def test_the_plan_says_what_is_to_be_trained():
    assert plan(BASE, Path("runs/here")) == (
        "optimizer=momentum clip=grad on synthetic; mlp, hidden 128, relu; 3 epochs, batch 128, seed 4; in runs/here"
    )


def test_the_first_line_says_what_is_trained():
    out, _ = show([], info_of(), summary_of())
    assert out.splitlines()[0] == (
        "synthetic: 200 train, 100 valid, 50 test; 3,978 parameters; 6 updates; cpu, threads auto"
    )


def test_the_first_line_of_a_resumed_run_says_so():
    out, _ = show([], info_of(started_at_step=4), summary_of())
    assert out.startswith("going on at update 4: synthetic")


@pytest.mark.parametrize("terminal", [True, False])
def test_the_fallback_is_a_warning_on_stderr(terminal):
    notice = "NOT MNIST: this run uses the data set 'digits' instead." + " long" * 30 * (not terminal)
    out, err = show([], info_of(notice=notice, dataset="digits"), summary_of(), err=Terminal() if terminal else None)
    assert "WARNING: another data set" in err and notice in err and "NOT MNIST" not in out
    assert ("╭" in err) is terminal


# --- on a terminal ---


def test_a_terminal_shows_a_table_row_a_record(records):
    out, _ = show(records, info_of(), summary_of(), out=Terminal())
    lines = visible(out)
    header = next(line for line in lines if "train loss" in line)
    titles = ("train loss", "train acc", "valid loss", "valid acc", "lr", "grad norm", "samples/s")
    assert all(title in header for title in titles)
    rows = [line for line in lines if re.match(r" +\d/3 ", line)]
    assert [row.split()[0] for row in rows] == ["1/3", "2/3", "3/3"]
    for row, record in zip(rows, records, strict=True):
        assert len(row) <= len(header) and f"{100 * record.metrics['valid/accuracy']:.2f} %" in row
        assert f"{record.metrics['train/loss']:.4f}" in row and f"{record.metrics['grad_norm']:.3g}" in row


def test_the_progress_bar_says_how_far_how_fast_and_how_long():
    screen = Screen(info_of(updates=600, updates_per_epoch=200), 80)
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    screen.bar(100, 1.0)
    console.print(screen.bar(300, 3.0))
    line = console.file.getvalue().rstrip("\n")
    assert re.fullmatch(r"epoch 2/3 ━{19}╸ {20}50% 100 samples/s 0:03 left", line) and len(line) == 77


@pytest.mark.parametrize("width", [30, 49, 50, 200])
def test_the_bar_is_not_cut_either(width):
    screen = Screen(info_of(updates=600, updates_per_epoch=200), width)
    console = Console(file=io.StringIO(), width=width)
    screen.bar(100, 1.0)
    console.print(screen.bar(300, 3.0))
    assert console.file.getvalue().rstrip().endswith("0:03 left") and "50%" in console.file.getvalue()
    assert "…" not in console.file.getvalue()


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_no_row_is_wider_than_the_terminal_and_no_cell_is_cut(records, width):
    screen = Screen(info_of(), width)
    for record in records:
        screen.add(record)
    lines = [*screen.header().plain.strip("\n").split("\n"), *screen.new_rows(25).plain.split("\n")]
    assert all(len(line) <= width for line in lines)
    assert f"{records[0].metrics['train/loss']:.4f}" in lines[2]
    assert len({len(line) for line in lines}) == 1


def test_a_run_without_validation_has_no_columns_for_it():
    assert "valid" not in Screen(info_of(valid_samples=0), 100).header().plain


def test_more_records_than_the_screen_is_high_are_counted_not_drawn(records):
    screen = Screen(info_of(), 100)
    for _ in range(40):
        screen.add(records[0])
    assert screen.new_rows(25).plain.count("\n") == 25
    screen.add(records[0])
    assert screen.new_rows(25).plain.count("\n") == 0
    for _ in range(40):
        screen.add(records[0])
    assert screen.new_rows(25).plain.startswith("… 15 records, see metrics.jsonl\n")


def test_no_color_is_honoured(records, monkeypatch):
    coloured, _ = show(records, info_of(), summary_of(), out=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    bare, _ = show(records, info_of(), summary_of(), out=Terminal())
    colour = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|38|9[0-7])[;m]")
    assert colour.search(coloured) and not colour.search(bare)


def test_columns_is_honoured(monkeypatch):
    monkeypatch.setenv("COLUMNS", "57")
    assert RunView().out.width == 57


@pytest.mark.parametrize("seconds, text", [(0.4, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3661, "1:01:01")])
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_the_terminal_is_clean_after_an_exception(records):
    out = Terminal()
    view = RunView(Console(file=out, width=80), Console(file=io.StringIO()))
    with pytest.raises(RuntimeError), view:
        view.start(info_of())
        view.tick(1, 0.1)
        view.next_draw = 0.0  # one would be due
        raise RuntimeError
    assert view.live is None and out.getvalue().rfind(SHOW) > out.getvalue().rfind(HIDE)
    assert "━" not in out.getvalue().rpartition("\x1b[2K")[2]
    written = len(out.getvalue())
    view.tick(2, 0.2)
    assert len(out.getvalue()) == written


def test_between_two_drawings_nothing_is_written():
    out = Terminal()
    with RunView(Console(file=out, width=80), Console(file=io.StringIO())) as view:
        view.start(info_of())
        view.tick(1, 0.1)
        view.next_draw += 1000  # the clock must not decide a test
        written = out.getvalue()
        for step in range(2, 6):
            view.tick(step, 0.1 * step)
        assert out.getvalue() == written


def test_a_warning_leaves_no_bar_above_it():
    screen = Terminal()  # stdout and stderr on one terminal
    with RunView(Console(file=screen, width=60), Console(file=screen, width=60)) as view:
        view.start(info_of())
        view.tick(1, 0.1)
        view.warn("the disk is full")
    before = screen.getvalue().partition("╭")[0]
    assert "━" not in before.rsplit("\x1b[2K", 1)[-1]
    assert any("the disk is full" in line for line in visible(screen.getvalue()))


TRAINING = """
import os, sys, time
from pathlib import Path
from trainer.experiment import Experiment
from trainer.report.console import RunInfo, RunView
info = RunInfo(Experiment(), "digits", None, "cpu", 1, 10, 10**6, 10, 100, 10, 10, Path("runs/x"))
with RunView() as view:
    view.start(info)
    for step in range(10**6):
        view.tick(step, step * 0.01)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_the_cursor_is_there_however_a_real_terminal_is_left(ending):
    out, child_side = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", TRAINING], stdout=child_side, stderr=subprocess.DEVNULL, cwd=ROOT)
    os.close(child_side)
    screen = read_until(out, "samples/s 2")
    process.send_signal(ending)
    screen += read_until(out, "")  # before waiting: a terminal that nobody reads fills up, and its writer waits too
    try:
        process.wait(20)
    finally:
        process.kill()
    assert "━" in screen and screen.rfind(SHOW) > screen.rfind(HIDE)


def read_until(terminal: int, text: str) -> str:
    """What a process writes until `text` appears ('': until it ends), for a minute at most."""
    screen, end = "", time.monotonic() + 60
    while not (text and text in screen) and time.monotonic() < end and select.select([terminal], [], [], 20)[0]:
        try:
            screen += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # how Linux tells that the other side is closed
            break
    return screen


# --- the end ---


def ending(summary: dict, experiment: Experiment = BASE, directory: str = "runs/here") -> str:
    return "\n".join(line.plain for line in closing(History(experiment, summary, ()), Path(directory)))


def test_the_end_of_a_completed_run():
    assert ending(summary_of(**{"test/accuracy": 0.97654})).splitlines() == [
        "completed on synthetic after 6 updates, test accuracy 97.65 %, best valid accuracy 50.00 % (epoch 2), "
        "2.00 s of training, 600 samples/s.",
        "Saved to runs/here",
        "  train show runs/here  # what happened inside",
        "  tensorboard --logdir runs/here  # curves: localhost:6006/?tagFilter=train%7Cvalid",
        "  train runs  # this run beside your others",
        "  train resume runs/here epochs=6  # train longer",
    ]


@pytest.mark.parametrize(
    ("changed", "sweep"),
    [
        ({"optimizer": "momentum"}, "optimizer=sgd,momentum epochs=3 dataset=synthetic 'seed=range(5)'  # does momentum help?"),
        ({"clip": "grad", "model": {"name": "mlp", "hidden": (8, 4)}},
         "clip=none,grad epochs=3 dataset=synthetic 'model.hidden=[8,4]' 'seed=range(5)'  # does grad help?"),
        ({}, None),
        ({"optimizer": "momentum", "clip": "grad"}, None),
        ({"optimizer": {"name": "adam", "lr": 0.1}}, None),
        ({"decay": {"name": "none", "warmup": 3}}, None),
    ],
    ids=str,
)  # fmt: skip
def test_a_run_with_one_technique_says_how_to_find_out_whether_it_helps(changed, sweep):
    """The same sweep for a technique's other numbers would change those of the plain choice too."""
    text = ending(summary_of(), Experiment(epochs=3, dataset="synthetic", **changed), "deep/x")
    assert ("train -m" in text) == (sweep is not None) and (sweep is None or f"\n  train -m {sweep}\n" in text)
    assert "\n  train runs deep  # this run beside your others\n" in text


@pytest.mark.parametrize("status", ["interrupted", "terminated", "failed"])
def test_a_run_that_can_go_on_says_how(status):
    assert "\n  train resume 'runs/my run'  # go on where it stopped\n" in ending(
        summary_of(status), directory="runs/my run"
    )


@pytest.mark.parametrize("status", ["diverged", "pruned"])
def test_a_run_that_can_not_go_on_does_not_offer_it(status):
    assert "train resume" not in ending(summary_of(status))


@pytest.mark.parametrize(
    "clip, cure",
    [("none", "clip=grad"), ("grad", "a lower clip.threshold"), ("grad_weight", "a lower clip.grad_threshold")],
)
def test_a_diverged_run_names_the_update_and_cures(clip, cure):
    text = ending(summary_of("diverged"), replace(BASE, clip=clip))
    assert "at update 6" in text and f"(optimizer.lr=0.05 instead of 0.5), or {cure}." in text


def test_a_crash_names_its_error_and_the_log():
    assert "out of memory (traceback in runs/here/train.log)" in ending(summary_of("failed", error="out of memory"))


@pytest.mark.parametrize("fraction, advised", [(0.51, True), (0.5, False), (None, False)])
def test_clipping_more_than_half_of_all_updates_is_mentioned(fraction, advised):
    text = ending(summary_of(clipped_fraction=fraction))
    assert (
        "51 % of all updates were clipped" in text and "Raise clip.threshold or lower optimizer.lr" in text
    ) is advised


def test_an_end_without_figures():
    bare = summary_of("interrupted", best_epoch=None, samples_per_second=None, steps=0, **{"best/valid/accuracy": None})
    assert ending(bare).startswith("interrupted on synthetic after 0 updates.\n")


def test_animates_only_where_a_cursor_can_move(monkeypatch):
    assert animates(Console(file=Terminal())) and not animates(Console(file=io.StringIO()))
    monkeypatch.setenv("TERM", "dumb")
    assert not animates(Console(file=Terminal()))
