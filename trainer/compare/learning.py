"""Whether a table's runs learned, and whether their techniques acted: without that a difference means nothing."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.compare.comparison import Table
from trainer.compare.conditions import some
from trainer.compare.options import Options
from trainer.report.symptoms import never_clipped, only_guesses


def learned_nothing(table: Table, options: Options) -> Iterator[str]:
    """To be said before any verdict: constant answers differ by luck alone, and the same way for every seed."""
    counts = {row.label: sum(only_guesses(run.summary) for run in row.runs) for row in table.rows}
    named = [f"{row.label} ({counts[row.label]} of {len(row.runs)})" for row in table.rows if counts[row.label]]
    if named:
        yield (
            f"These runs learned nothing: {some(named)}. They are no better than always answering with the most frequent class, "
            "so their differences say nothing about techniques. train show RUN_DIR says why."
        )


def idle_clips(table: Table, options: Options) -> Iterator[str]:
    idle = [row.label for row in table.rows if row.runs and all(never_clipped(run.summary) for run in row.runs)]
    if idle:
        yield f"No gradient was clipped in any run of {some(idle)}: the clip changed nothing there."
