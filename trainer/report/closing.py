"""The end of a run in words: how it ended, where it lies, what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from trainer.experiment import Experiment
from trainer.printable import command, printable, printable_lines
from trainer.records import Status
from trainer.techniques.clipping import GradientClip

COLOURS = {Status.COMPLETED: "green", Status.DIVERGED: "red", Status.FAILED: "red"}


def closing(summary: dict[str, Any], directory: Path, experiment: Experiment) -> Iterator[Text]:
    """Lines about a run that has ended, from its summary."""
    directory = Path(printable(directory))
    yield Text(f"{result(summary)}.", style=f"bold {COLOURS.get(summary['status'], 'yellow')}")
    if summary["status"] == Status.FAILED:
        yield Text(f"{printable_lines(str(summary.get('error')))} (traceback in {directory / 'train.log'})")
    if summary["status"] == Status.DIVERGED:
        yield Text(cure_of_divergence(summary, experiment), style="yellow")
    if (summary.get("clipped_fraction") or 0) > 0.5:
        yield Text(cure_of_clipping(summary["clipped_fraction"], experiment), style="yellow")
    yield Text(f"Saved to {directory}")
    for line, purpose in next_commands(summary["status"], directory, experiment):
        yield Text(f"  {line}", style="bold").append(f"  # {purpose}", style="not bold dim")


def result(summary: dict[str, Any]) -> str:
    """The status with the figures that there are."""
    parts = [f"{summary['status']} on {summary['dataset']} after {summary['steps']:,} updates"]
    if summary.get("test/accuracy") is not None:
        parts.append(f"test accuracy {summary['test/accuracy']:.2%}")
    if summary.get("best/valid/accuracy") is not None:
        parts.append(f"best valid accuracy {summary['best/valid/accuracy']:.2%} (epoch {summary['best_epoch']})")
    if summary.get("samples_per_second"):
        parts.append(f"{summary['train_seconds']:.2f} s of training, {summary['samples_per_second']:,.0f} samples/s")
    return ", ".join(parts)


def cure_of_divergence(summary: dict[str, Any], experiment: Experiment) -> str:
    lr = experiment.optimizer.lr
    threshold = threshold_key(experiment)
    other = "clip=grad" if threshold is None else f"a lower {threshold}"
    return (
        f"A loss or a parameter was NaN or infinite at update {summary['steps']:,}. "
        f"Likely cures: a lower rate (optimizer.lr={lr / 10:g} instead of {lr:g}), or {other}."
    )


def cure_of_clipping(fraction: float, experiment: Experiment) -> str:
    return (
        f"{fraction:.0%} of all updates were clipped: clipping that often only lowers the learning rate in a roundabout way. "
        f"Raise {threshold_key(experiment)} or lower optimizer.lr (Google's Deep Learning Tuning Playbook)."
    )


def threshold_key(experiment: Experiment) -> str | None:
    """The key of the gradient clip's threshold, None without one."""
    if not isinstance(experiment.clip, GradientClip):
        return None
    return "clip.threshold" if hasattr(experiment.clip, "threshold") else "clip.grad_threshold"


def next_commands(status: str, directory: Path, experiment: Experiment) -> Iterator[tuple[str, str]]:
    """What to type next, and what for."""
    if status in (Status.INTERRUPTED, Status.TERMINATED, Status.FAILED):
        yield command("resume", directory), "go on where it stopped"
    yield f"tensorboard --logdir {shlex.quote(str(directory))}", "curves"
    if status == Status.COMPLETED:
        yield command("compare", directory.parent), "compare with your other runs"
        yield train_longer(directory, experiment), "train longer"


def train_longer(directory: Path, experiment: Experiment) -> str:
    """The command that trains a complete run for twice its epochs; from the start where its checkpoint was not kept."""
    epochs = f"epochs={2 * experiment.epochs or 10}"
    return command("resume", directory, epochs) if experiment.checkpoint.keep else command(f"from={directory}", epochs)
