"""A sweep in words: what it is about to do, how it ended, what to type next."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from typing import TYPE_CHECKING

from trainer.report.guarded import Pipe, leave
from trainer.sweep.standing import REPLACED

if TYPE_CHECKING:
    from trainer.sweep.foreman import SweepForeman


def opening(foreman: SweepForeman) -> str:
    """Say how many cells are skipped, go on or begin, and how they are trained."""
    finished = sum(stand.summary is not None for stand in foreman.stands)
    resumed = sum(stand.step is not None for stand in foreman.stands)
    new = len(foreman.stands) - finished - resumed
    parts = [f"{finished} complete and skipped"] * bool(finished) + [f"{resumed} resumed"] * bool(resumed)
    workers = Counter(place.device for place in foreman.places)
    where = ", ".join(f"{count} × {device}" for device, count in workers.items())
    trained = f" in {len(foreman.stacks)} stack{'s' * (len(foreman.stacks) != 1)} on {where}" if foreman.stacks else ""
    changed = sum(stand.replaced for stand in foreman.stands)
    note = f"; {changed} had another configuration before, kept in {foreman.directory / REPLACED}" if changed else ""
    return f"{', '.join([*parts, f'{new} to run'])}{trained}{note}"


def conclude(foreman: SweepForeman, stopped: str | None) -> None:
    """Print the table of `train compare`, the counts, every failure, and the next commands."""
    from trainer.compare import compare_table

    view, directory = foreman.view, foreman.directory
    if any(status in ("completed", "diverged", "pruned") for status in foreman.tally.statuses.values()):
        view.show.attempt(lambda: compare_table(directory, Pipe()))
    count = foreman.tally.count()
    waiting = len(foreman.cells) - len(foreman.tally.statuses)
    ends = [f"{n} {status}" for status, n in count.most_common()] + [f"{waiting} not begun"] * bool(waiting)
    view.say(f"{', '.join(ends)} in {foreman.tally.seconds():.1f} s", "bold")
    _failures(foreman)
    path = shlex.quote(str(directory))
    if stopped or waiting or count["failed"] or count["interrupted"]:
        view.say(f"  train resume {path}  # go on with what is missing")
    view.say(f"  tensorboard --logdir {path}  # curves")
    view.say(f"  train compare {path}  # the table again")
    leave(sys.stdout, sys.stderr)


def _failures(foreman: SweepForeman) -> None:
    for cell, status in foreman.tally.statuses.items():
        if status == "failed":
            name, error = foreman.cells[cell].name, foreman.results.summaries[cell].get("error")
            foreman.view.say(f"  failed: {name}: {error} (more in {foreman.directory / name / 'train.log'})", "red")
