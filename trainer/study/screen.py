"""What a person sees of a study while it runs: a row per configuration with its estimate so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trainer.records import Status
from trainer.sweep.view import figures

if TYPE_CHECKING:
    from trainer.sweep.progress import Progress
    from trainer.sweep.scheduler import Scheduler

Rows = Callable[[Mapping[int, Mapping[str, Any]]], Sequence[Sequence[str]]]
"""The cells of the table, from the summaries of the runs that have ended by their number."""

SETTLED = 4.0  # seconds of training after which the pace is taken for that of the whole


class Phase:
    """The display of one of a study's sweeps: `title` says what it is for, `headers` and `rows` make the table.

    `told` is called once with the pace, in multiplications a second, as soon as there is one."""

    def __init__(
        self, title: str, headers: Sequence[str], rows: Rows, told: Callable[[float], str | None] | None = None
    ):
        self.title, self.headers, self.rows, self.told = title, headers, rows, told
        self.summaries: Mapping[int, Mapping[str, Any]] = {}
        self.start: tuple[float, float] | None = None

    def begin(self, scheduler: Scheduler) -> None:
        self.workers = min(len(scheduler.slots), len(scheduler.stacks))
        self.say, self.summaries = scheduler.view.say, scheduler.results.summaries
        todo = len(scheduler.cells) - len(scheduler.progress.statuses)
        if todo:
            every = f" of {len(scheduler.cells)}" if todo < len(scheduler.cells) else ""
            scheduler.view.say(f"{self.title}: {todo}{every} runs to do")

    def panel(self, progress: Progress) -> RenderableType:
        self._pace(progress)
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        for i, title in enumerate(self.headers):
            table.add_column(title, justify="right" if i else "left", no_wrap=True)
        for row in self.rows(self.summaries):
            table.add_row(*map(Text, row))
        return Group(table, Text(f"{self.title}: {_figures(progress)}", "dim"))

    def line(self, progress: Progress) -> str:
        self._pace(progress)
        return f"{self.title}: {_figures(progress)}"

    def end(self, scheduler: Scheduler, stopped: str | None) -> None:
        for cell, status in scheduler.progress.statuses.items():
            if status == Status.FAILED:
                name, error = scheduler.cells[cell].name, scheduler.results.summaries[cell].get("error")
                log = scheduler.directory / name / "train.log"
                scheduler.view.say(f"  failed: {name}: {error} (more in {log})", "red")
        if scheduler.results.refused:
            scheduler.view.warn(scheduler.results.refusal())

    def _pace(self, progress: Progress) -> None:
        """Tell the pace once it has settled."""
        share, now = progress.share(), time.monotonic()
        if not self.told or len(progress.shares) + progress.stacks_done < self.workers:
            return  # a worker is still starting
        if self.start is None:
            self.start = now, share
        began, before = self.start
        if share > before and (now - began > SETTLED):
            tell, self.told = self.told, None
            text = tell(progress.cost * (share - before) / (now - began))
            if text:
                self.say(text)


def _figures(progress: Progress) -> str:
    shown = {title: value for title, value, _ in figures(progress)}
    return f"{shown['runs']} runs, time left {shown['time left']}"
