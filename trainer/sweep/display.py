"""What a person is shown of a sweep: before, during and after. A study, which is made of sweeps, shows other things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich.console import RenderableType

from trainer.sweep import view
from trainer.sweep.closing import conclude, opening
from trainer.sweep.progress import Progress
from trainer.sweep.standing import configurations, standings
from trainer.sweep.view import Look

if TYPE_CHECKING:
    from trainer.sweep.scheduler import Scheduler


class Display(Look, Protocol):
    """A look with a beginning and an end; `stopped` is the word of the signal that stopped the sweep."""

    def begin(self, scheduler: Scheduler) -> None: ...

    def end(self, scheduler: Scheduler, stopped: str | None) -> None: ...


class SweepDisplay:
    """A sweep of its own: what will run, a row per configuration, then the table of `train compare` and the next commands."""

    def begin(self, scheduler: Scheduler) -> None:
        self.named, self.summaries = configurations(scheduler.cells), scheduler.results.summaries
        scheduler.view.say(opening(scheduler))

    def panel(self, progress: Progress) -> RenderableType:
        return view.panel(progress, standings(self.named, self.summaries), len(self.named))

    def line(self, progress: Progress) -> str:
        return view.line(progress)

    def end(self, scheduler: Scheduler, stopped: str | None) -> None:
        conclude(scheduler, stopped)
