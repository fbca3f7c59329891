"""A sweep in words: what it is about to do, how it ended, what to type next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trainer.records import Status
from trainer.report.closing import tensorboard
from trainer.report.guarded import leave
from trainer.report.pipe import Pipe
from trainer.sweep.existing import REPLACED
from trainer.terminal.printable import command

if TYPE_CHECKING:
    from trainer.sweep.scheduler import Scheduler


def opening(scheduler: Scheduler) -> str:
    """Say how many cells are skipped, go on or begin, and how they are trained."""
    found = scheduler.found.values()
    finished = sum(cell_found.summary is not None for cell_found in found)
    resumed = sum(cell_found.step is not None for cell_found in found)
    new = len(found) - finished - resumed
    parts = [f"{finished} complete and skipped"] * bool(finished) + [f"{resumed} resumed"] * bool(resumed)
    anew = sum(cell_found.anew for cell_found in found)
    again = f" ({anew} anew: killed before the first checkpoint, to the same bits)" if anew else ""
    changed = sum(cell_found.replaced and not cell_found.damaged for cell_found in found)
    note = f"; {changed} had another configuration before, kept in {scheduler.directory / REPLACED}" if changed else ""
    return f"{', '.join([*parts, f'{new} to run{again}'])}{_where(scheduler)}{note}"


def _where(scheduler: Scheduler) -> str:
    count = len(scheduler.stacks)
    if not count:
        return ""
    stacks = "1 stack (a group trained together)" if count == 1 else f"{count} stacks (groups trained together)"
    return f" in {stacks} on {scheduler.engine.where(scheduler.slots)}"


def conclude(scheduler: Scheduler, stopped: str | None) -> None:
    """Print the table of `train compare`, the counts, every failure, and the next commands."""
    from trainer.compare.command import compare_table

    view, directory = scheduler.view, scheduler.directory
    resume = command("resume", directory)
    if any(
        status in (Status.COMPLETED, Status.DIVERGED, Status.PRUNED) for status in scheduler.progress.statuses.values()
    ):
        view.attempt(lambda: compare_table(directory, Pipe()))
    count = scheduler.progress.count()
    waiting = len(scheduler.cells) - len(scheduler.progress.statuses)
    ends = [f"{n} {status}" for status, n in count.most_common()] + [f"{waiting} not begun"] * bool(waiting)
    view.say(f"{', '.join(ends)} in {scheduler.progress.seconds():.1f} s", "bold")
    _failures(scheduler)
    if scheduler.results.refused:
        view.warn(f"{scheduler.results.refusal()} What the runs saved is whole. To write the table type: {resume}")
    if stopped or waiting or count[Status.FAILED] or count[Status.INTERRUPTED]:
        view.say(f"  {resume}  # go on with what is missing")
    view.say("  {}  # {}".format(*tensorboard(directory)))
    view.say(f"  {command('compare', directory)}  # the table again")
    leave(sys.stdout, sys.stderr)


def _failures(scheduler: Scheduler) -> None:
    for cell, status in scheduler.progress.statuses.items():
        if status == Status.FAILED:
            name, error = scheduler.cells[cell].name, scheduler.results.summaries[cell].get("error")
            scheduler.view.say(f"  failed: {name}: {error} (more in {scheduler.directory / name / 'train.log'})", "red")
