"""What a person sees of a run: on a terminal a table that grows above a progress bar, elsewhere one plain line a record."""

from __future__ import annotations

import math
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from trainer.records import Record
from trainer.report.closing import closing
from trainer.report.files import METRICS
from trainer.report.history import History
from trainer.report.lines import opening, plain_line
from trainer.report.reading import kept_records
from trainer.report.run_info import RunInfo
from trainer.report.screen import Screen
from trainer.terminal.printable import printable_lines


class RunView:
    """Results go to `out` (stdout), warnings to `err` (stderr). A context manager: however it ends, the terminal is clean.

    On a terminal no thread runs beside the training: `tick` redraws now and then, more seldom where drawing is slow.
    Writing may raise OSError, as where the reader of a pipe has gone.
    """

    INTERVAL = 0.33  # seconds between two drawings, at least
    SHARE = 0.005  # of the time, for drawing; a slow terminal is drawn on more seldom,
    LONGEST = 2.0  # but not more seldom than this, in seconds: one drawing may have been slow by chance

    def __init__(self, out: Console | None = None, err: Console | None = None):
        self.out = out or Console(highlight=False)
        self.err = err or Console(stderr=True, highlight=False)
        self.animated = animates(self.out)
        self.live: Live | None = None
        self.next_draw = math.inf

    def __enter__(self) -> RunView:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, info: RunInfo) -> None:
        """Say what is trained, warn where it is not what was asked for, and begin to draw."""
        self.info = info
        self._print(opening(info), whole=not animates(self.out))
        if info.notice:
            other = info.dataset != info.experiment.dataset.name
            self.warn(info.notice, title="WARNING: another data set" if other else "About the data")
        self.last: Record | None = None
        if self.animated:
            self.screen = Screen(info, self.out.width)
            self.live = Live(console=self.out, auto_refresh=False, transient=True, redirect_stderr=animates(self.err))
            self._print(self.screen.header())
            self.live.start()
            self.out.show_cursor(True)  # rich hides it, and a SIGKILL would leave it so
            self.next_draw = 0.0

    def tick(self, step: int, seconds: float) -> None:
        """Called after every update: `step` updates are made, which took `seconds` of training since the run began."""
        if perf_counter() >= self.next_draw:
            self._draw(step, seconds)

    def record(self, record: Record) -> None:
        """A line for the record: now, or on a terminal with the next drawing."""
        if self.live:
            self.screen.add(record)
        else:
            self._print(Text(plain_line(record, self.info)))
        self.last = record

    def warn(self, text: str, title: str = "WARNING") -> None:
        """A warning on stderr that can't be overlooked; the progress bar makes room for it."""
        text = printable_lines(text)
        if self.live:
            self.live.update(Text(), refresh=True)
        if self.err.is_terminal:
            self.err.print(Panel(Text(text), title=title, border_style="bold yellow"))
        else:
            self.err.print(Text(f"{title}\n{text}"), soft_wrap=True)

    def finish(self, summary: dict[str, Any], directory: Path) -> None:
        """End the drawing and say how the run ended, where it lies and what to type next."""
        if self.live and self.last:
            self._draw(self.last.step, self.last.seconds)
        self.close()
        if self.animated:
            self.out.print()
            self.out.rule("result", style="dim", align="left")
        for line in closing(History(self.info.experiment, summary, kept_records(directory / METRICS)), directory):
            self._print(line)

    def close(self) -> None:
        """Take the progress bar away and leave the terminal as it was; a second time does nothing."""
        self.next_draw = math.inf
        if self.live:
            live, self.live = self.live, None
            live.stop()

    def _draw(self, step: int, seconds: float) -> None:
        assert self.live
        began = perf_counter()
        rows = self.screen.new_rows(self.out.height)
        if rows:
            self._print(rows)
        self.live.update(self.screen.bar(step, seconds), refresh=True)
        ended = perf_counter()
        self.next_draw = ended + min(max(self.INTERVAL, (ended - began) / self.SHARE), self.LONGEST)

    def _print(self, text: Text, whole: bool = True) -> None:
        """Print whole: a terminal breaks long lines itself, so that paths and commands can still be copied."""
        if self.animated:
            self.out.print(text, soft_wrap=whole)
        else:  # past rich, which ends the process where the reader of a pipe has gone
            self.out.file.write(f"{text.plain}\n")
            self.out.file.flush()


def animates(console: Console) -> bool:
    """Whether a console is a terminal that can move its cursor; FORCE_COLOR makes none of a pipe."""
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()
