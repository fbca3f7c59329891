"""A run on a terminal: the rows of a table, made once each, and the progress bar below them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from rich.console import RenderableType
from rich.constrain import Constrain
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trainer.records import Record
from trainer.terminal.printable import percent

if TYPE_CHECKING:
    from trainer.report.run_info import RunInfo


class Column(NamedTuple):
    """A metric's column; `rank` says how soon a narrow terminal loses it, the highest first."""

    title: str
    metric: str
    show: Callable[[float], str]
    rank: int


def decimal(value: float) -> str:
    """Four digits behind the point, where that says something."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.2e}"


def short(value: float) -> str:
    return f"{value:.3g}"


def whole(value: float) -> str:
    return f"{value:,.0f}"


METRICS = (
    Column("train loss", "train/loss", decimal, 1),
    Column("train acc", "train/accuracy", percent, 4),
    Column("valid loss", "valid/loss", decimal, 3),
    Column("valid acc", "valid/accuracy", percent, 2),
    Column("lr", "lr", short, 5),
    Column("grad norm", "grad_norm", short, 6),
    Column("samples/s", "samples/s", whole, 7),
)
WIDTH = 11  # of a metric's column


class Screen:
    """Formats the records of one run for a terminal of `width` columns."""

    def __init__(self, info: RunInfo, width: int):
        self.info, self.width = info, width
        self.samples = info.train_samples / max(1, info.updates_per_epoch)  # an update
        self.epoch_width = 2 * len(str(info.experiment.epochs)) + 8  # epochs may be fractions
        wanted = [c for c in METRICS if info.valid_samples or not c.metric.startswith("valid")]
        room = max(1, (width - self.epoch_width) // WIDTH)
        kept = sorted(wanted, key=lambda column: column.rank)[:room]
        self.columns = [column for column in wanted if column in kept]
        self.pending: list[Text] = []
        self.seen: deque[tuple[int, float]] = deque(maxlen=30)  # what the pace is taken from: some seconds of drawings
        self.before: tuple[int, float] | None = None
        self.best = float("-inf")

    def header(self) -> Text:
        titles = "".join(f"{column.title:>{WIDTH}}" for column in self.columns)
        return Text(f"\n{'epoch':>{self.epoch_width}}{titles}", style="bold").append(
            "\n" + "─" * (self.epoch_width + WIDTH * len(self.columns)), style="dim"
        )

    def add(self, record: Record) -> None:
        """Keep a record's row until the next drawing."""
        metrics = record.metrics | {"samples/s": self._pace_since(record)}
        row = Text(f"{f'{record.epoch}/{self.info.experiment.epochs}':>{self.epoch_width}}")
        best = record.metrics.get("valid/accuracy", self.best) > self.best
        for column in self.columns:
            cell = column.show(metrics[column.metric]) if column.metric in metrics else "-"
            row.append(f"{cell:>{WIDTH}}", "bold green" if best and column.metric == "valid/accuracy" else "")
        if best:
            self.best = record.metrics["valid/accuracy"]
        self.pending.append(row)

    def new_rows(self, height: int) -> Text:
        """The rows since the last drawing, at most a screenful: more, nobody could read."""
        rows, self.pending = self.pending, []
        left_out = len(rows) - height
        if left_out > 0:
            rows = [Text(f"… {left_out:,} records, see metrics.jsonl", "dim"), *rows[-height:]]
        return Text("\n").join(rows)

    def bar(self, step: int, seconds: float) -> RenderableType:
        """How far it is, how fast, how long it will take."""
        self.seen.append((step, seconds))
        (first_step, first_seconds), updates = self.seen[0], self.info.updates
        pace = (step - first_step) / (seconds - first_seconds) if seconds > first_seconds else 0.0
        left = f"{clock((updates - step) / pace)} left" if pace else ""
        grid = Table.grid(expand=True, padding=(0, 1))
        for ratio in (None, 1, None, None, None):
            grid.add_column(ratio=ratio, no_wrap=True, justify="right")
        share = step / updates if updates else 1.0
        speed = f"{pace * self.samples:,.0f} samples/s" if pace and self.width >= 50 else ""
        bar = ProgressBar(total=max(updates, 1), completed=step)
        grid.add_row(self._epoch(step), bar, f"{share:.0%}", speed, left)
        return Constrain(
            grid, self.width - 3
        )  # a terminal echoes ^C there; in the next line it would keep the bar alive

    def _epoch(self, step: int) -> str:
        """The epoch that the next update belongs to."""
        epochs = self.info.experiment.epochs
        return f"epoch {min(step // max(1, self.info.updates_per_epoch) + 1, epochs)}/{epochs}"

    def _pace_since(self, record: Record) -> float:
        """Samples a second since the record before."""
        step, seconds = self.before or (self.info.started_at_step, self._began(record))
        self.before = record.step, record.seconds
        return (record.step - step) * self.samples / (record.seconds - seconds) if record.seconds > seconds else 0.0

    def _began(self, record: Record) -> float:
        """When the session began: 0, or for a resumed run what the first drawing saw."""
        if not self.info.started_at_step:
            return 0.0
        return self.seen[0][1] if self.seen else record.seconds


def clock(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
