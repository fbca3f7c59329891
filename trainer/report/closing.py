"""The end of a run in words: how it ended, where it lies, what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from trainer.experiment import TECHNIQUES, Experiment
from trainer.identity import changes, complete, flatten, plain_word, show
from trainer.records import Status
from trainer.report.diagnoses import diagnose
from trainer.report.history import History
from trainer.terminal.printable import command, percent, printable, printable_lines

COLOURS = {Status.COMPLETED: "green", Status.DIVERGED: "red", Status.FAILED: "red"}


def closing(history: History, directory: Path) -> Iterator[Text]:
    """Lines about a run that has ended: its result, what its records mean, what to type next."""
    summary, directory = history.summary, Path(printable(directory))
    diagnoses = diagnose(history)
    colour = COLOURS.get(summary["status"], "yellow")
    yield Text(f"{result(summary)}.", style=f"bold {'yellow' if diagnoses and colour == 'green' else colour}")
    if early := stopped(history):
        yield Text(early)
    if summary["status"] == Status.FAILED:
        yield Text(f"{printable_lines(str(summary.get('error')))} (traceback in {directory / 'train.log'})")
    for diagnosis in diagnoses:
        yield Text(str(diagnosis), style="yellow")
    yield Text(f"Saved to {directory}")
    for line, purpose in next_commands(history, directory):
        yield Text(f"  {line}", style="bold").append(f"  # {purpose}", style="not bold dim")


def result(summary: Mapping[str, Any]) -> str:
    """The status with the figures that there are."""
    parts = [f"{summary['status']} on {summary['dataset']} after {summary['steps']:,} updates"]
    if summary.get("test/accuracy") is not None:
        parts.append(f"test accuracy {percent(summary['test/accuracy'])}")
    if summary.get("best/valid/accuracy") is not None:
        parts.append(f"best valid accuracy {percent(summary['best/valid/accuracy'])} (epoch {summary['best_epoch']})")
    if summary.get("samples_per_second"):
        parts.append(f"{summary['train_seconds']:.2f} s of training, {summary['samples_per_second']:,.0f} samples/s")
    return ", ".join(parts)


def stopped(history: History) -> str | None:
    """When and why a run ended before its last epoch, and where its best network is; None for one that did not."""
    epoch, best, e = history.summary.get("stopped_epoch"), history.summary.get("best_epoch"), history.experiment
    if epoch is None:
        return None
    kept = f"; best.pt holds the network of epoch {best}" if best not in (None, epoch) else ""
    return f"Stopped after epoch {epoch} of {e.epochs}: {e.stop.reason}{kept}."


def next_commands(history: History, directory: Path) -> Iterator[tuple[str, str]]:
    """What to type next, and what for."""
    status, experiment = history.summary["status"], history.experiment
    others = () if directory.parent == Path("runs") else (directory.parent,)
    if status in (Status.INTERRUPTED, Status.TERMINATED, Status.FAILED):
        yield command("resume", directory), "go on where it stopped"
    if status != Status.FAILED:
        yield command("show", directory), "what happened inside"
    yield tensorboard(directory)
    if status == Status.COMPLETED:
        yield from fair_test(experiment)
        yield command("runs", *others), "this run beside your others"
        if history.summary.get("stopped_epoch") is None:
            yield train_longer(directory, experiment), "train longer"
        else:
            yield unstopped(directory), f"all {experiment.epochs} epochs"


def tensorboard(directory: Path) -> tuple[str, str]:
    """Its command, and the page that shows accuracies and losses first: by itself it goes by the alphabet."""
    return f"tensorboard --logdir {shlex.quote(str(directory))}", "curves: localhost:6006/?tagFilter=train%7Cvalid"


def train_longer(directory: Path, experiment: Experiment) -> str:
    """The command that trains a complete run for twice its epochs; from the start where its checkpoint was not kept."""
    epochs = f"epochs={longer(experiment)}"
    return command("resume", directory, epochs) if experiment.checkpoint.keep else command(f"from={directory}", epochs)


def unstopped(directory: Path) -> str:
    """The command that trains a run which stopped early for all its epochs; as far as it went the bits are the same."""
    return command(f"from={directory}", "stop=none")


def longer(experiment: Experiment) -> int:
    """Twice the epochs."""
    return 2 * experiment.epochs or 10


def fair_test(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """The sweep that tells whether the one technique of a run helps: with it and without, everything else the same. Several
    techniques, or a number of the technique's own, are no question that one sweep answers."""
    changed = changes(complete(flatten(experiment.to_dict())))
    techniques = [key for key in changed if key.partition(".")[0] in TECHNIQUES]
    if len(techniques) == 1 and techniques[0] in TECHNIQUES:
        (group,) = techniques
        others = [f"{key}={show(value)}" for key, value in changed.items() if key not in (group, "seed")]
        words = [f"{group}={plain_word(group)},{changed[group]}", *others, "seed=range(5)"]
        yield command("-m", *words), f"does {changed[group]} help?"
