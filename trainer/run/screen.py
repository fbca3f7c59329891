"""The terminal beside a run."""

from __future__ import annotations

import sys

from trainer.records import Record
from trainer.report.console import RunView
from trainer.report.guarded import Guarded, leave
from trainer.report.pipe import Pipe


class Screen:
    """The console as the training sees it: where nobody reads it any more, that is said once and the training goes on."""

    def __init__(self) -> None:
        self.show = Guarded("the console", lambda: RunView(Pipe(highlight=False)))

    def tick(self, step: int, seconds: float) -> None:
        self.show("tick", step, seconds)

    def record(self, record: Record) -> None:
        self.show("record", record)

    def leave(self) -> None:
        """Take the progress bar away."""
        self.show("close")
        leave(sys.stdout, sys.stderr)
