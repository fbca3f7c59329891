"""What a person sees of a sweep: a table that is redrawn on a terminal, elsewhere a plain line every few seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trainer.records import Status
from trainer.report.console import animates
from trainer.report.guarded import Guarded
from trainer.report.pipe import Pipe
from trainer.report.screen import clock
from trainer.terminal.printable import percent, printable, printable_lines

if TYPE_CHECKING:
    from trainer.sweep.progress import Progress
    from trainer.sweep.standing import Standing

ENDS = (Status.COMPLETED, Status.DIVERGED, Status.PRUNED, Status.FAILED)
STYLES = {Status.COMPLETED: "green", Status.DIVERGED: "red", Status.FAILED: "bold red", Status.PRUNED: "yellow"}


class Look(Protocol):
    """How progress is drawn: for a terminal, and as a plain line."""

    def panel(self, progress: Progress) -> RenderableType: ...

    def line(self, progress: Progress) -> str: ...


class SweepView:
    """Progress to `out` (stdout), warnings to `err` (stderr). A context manager: the terminal is left clean."""

    def __init__(self, progress: Progress, look: Look, out: Console | None = None, err: Console | None = None):
        self.progress, self.look = progress, look
        self.out = out or Console(highlight=False)
        self.err = err or Console(stderr=True, highlight=False)
        self.live: Live | None = None
        self.interval = 0.2 if animates(self.out) else 5.0
        self.next = 0.0

    def __enter__(self) -> SweepView:
        if animates(self.out):
            self.live = Live(console=self.out, auto_refresh=False, transient=True, redirect_stderr=animates(self.err))
            self.live.start()
            self.out.show_cursor(True)  # rich hides it, and a SIGKILL would leave it so
        self.next = time.monotonic() + self.interval
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            live, self.live = self.live, None
            live.stop()

    def tick(self) -> None:
        """Called often; draws now and then."""
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + self.interval
        if self.live:
            # A terminal echoes ^C behind the last line; wrapped into the next one it would keep a line of the panel.
            self.live.update(Constrain(self.look.panel(self.progress), self.out.width - 3), refresh=True)
        else:
            self.out.print(Text(self.look.line(self.progress)), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """A line that stays."""
        self.out.print(Text(printable_lines(text), style), soft_wrap=True)

    def warn(self, text: str, title: str | None = None) -> None:
        """A warning on stderr; with a title one that can't be overlooked. On the panel's own terminal it is printed by the
        panel's console, which else would draw over it."""
        text = printable_lines(text)
        console = self.out if self.live and animates(self.err) else self.err
        if title and self.err.is_terminal:
            console.print(Panel(Text(text), title=title, border_style="bold yellow"))
        else:
            console.print(Text(f"{title}\n{text}" if title else text), soft_wrap=True)


class SweepConsole:
    """The view as the sweep sees it: where nobody reads it any more, that is said once and the sweep goes on."""

    def __init__(self, progress: Progress, look: Look):
        self.show = Guarded("the console", lambda: SweepView(progress, look, Pipe(highlight=False)))

    def __enter__(self) -> SweepConsole:
        self.show("__enter__")
        return self

    def __exit__(self, *_: object) -> None:
        self.show("__exit__")

    def tick(self) -> None:
        self.show("tick")

    def say(self, text: str, style: str = "") -> None:
        self.show("say", text, style)

    def warn(self, text: str, title: str | None = None) -> None:
        self.show("warn", text, title)

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something that writes to the console."""
        self.show.attempt(action)


def panel(progress: Progress, standings: Sequence[Standing], configurations: int) -> RenderableType:
    """A row per configuration of those that are shown, of so many; below them the figures of the whole sweep and the bar."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("configuration", overflow="fold")
    for title in ("done", "mean valid acc", "best", ""):
        table.add_column(title, justify="right", no_wrap=True)
    for row in standings:
        table.add_row(*_row(row))
    hidden = configurations - len(standings)
    more = [Text(f"and {hidden} more configurations", "dim")] if hidden else []
    best = Text(
        _best(progress), "dim", overflow="ellipsis", no_wrap=True
    )  # of running ones too: the rows wait for ends
    return Group(table, *more, best, _figures(progress), _bar(progress.share()))


def _row(row: Standing) -> list[Text]:
    mean, best = ("-" if value is None else percent(value) for value in (row.mean, max(row.accuracies, default=None)))
    lost = ", ".join(f"{count} {status}" for status, count in row.lost.items())
    return [Text(printable(row.name)), Text(f"{row.ended}/{row.cells}"), Text(mean), Text(best), Text(lost, "red")]


def _figures(progress: Progress) -> Text:
    shown = (Text.assemble((f"{title} ", "dim"), (value, style)) for title, value, style in figures(progress))
    return Text("  ").join(shown)


def _bar(share: float) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True)
    grid.add_row(ProgressBar(total=1.0, completed=share), f"{math.floor(100 * share)}%")
    return grid


def figures(progress: Progress) -> list[tuple[str, str, str]]:
    """Title, value and style of each figure."""
    count, left = progress.count(), progress.left()
    ends = [
        (end, str(count[end]), STYLES[end])
        for end in ENDS
        if count[end] or end in (Status.COMPLETED, Status.FAILED, Status.DIVERGED)
    ]
    return [
        ("stacks", f"{progress.stacks_done}/{progress.stacks}", ""),
        ("runs", f"{len(progress.statuses)}/{progress.cells}", "bold"),
        ("running", str(progress.running), "cyan"),
        *ends,
        ("runs/s", f"{progress.rate():.3g}", ""),
        ("time left", "-" if left is None else clock(left), ""),
    ]


def line(progress: Progress) -> str:
    """The figures and the best run so far in one plain line."""
    return "  ".join([*(f"{title} {value}" for title, value, _ in figures(progress)), _best(progress)])


def _best(progress: Progress) -> str:
    accuracy, name = progress.best or (None, "")
    return f"best so far: {'-' if accuracy is None else f'valid/accuracy {percent(accuracy)}  {name}'}"
