"""Runs that stopped early: how many of each row, when, and what that does to the comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trainer.compare.comparison import Table
from trainer.compare.conditions import some
from trainer.compare.options import Options
from trainer.compare.rows import Row
from trainer.compare.runs import Run
from trainer.identity import show


def stopped(row: Row) -> list[Run]:
    """The runs of a row that their own rule has ended before the last epoch."""
    return [run for run in row.runs if run.metric("stopped_epoch") is not None]


def stopped_early(table: Table, options: Options) -> Iterator[str]:
    rows = [row for row in table.rows if stopped(row)]
    if rows:
        named = some(f"{row.label} ({when(row)})" for row in rows)
        yield f"Some runs stopped early: {named}.{_unequal_work(table)}{_optimism(options)}"


def when(row: Row) -> str:
    """`3 of 5 runs, after 7.3 of 20 epochs on average`."""
    early = stopped(row)
    planned = sorted({show(run.settings["epochs"]) for run in early if "epochs" in run.settings})
    of = f" of {planned[0]}" if len(planned) == 1 else ""
    return f"{len(early)} of {len(row.runs)} runs, after {_mean(early, 'stopped_epoch'):.1f}{of} epochs on average"


def _unequal_work(table: Table) -> str:
    steps = [_mean(row.runs, "steps") for row in table.rows if any(run.metric("steps") for run in row.runs)]
    if max(steps) - min(steps) < 1:
        return ""
    return f" So the rows differ in their work, {min(steps):,.0f} to {max(steps):,.0f} updates a run on average."


def _optimism(options: Options) -> str:
    if "valid/" not in options.metric:
        return " Validation images chose the moment, and others judge here."
    test = f"test/{options.metric.rpartition('/')[2]}"
    return f" Validation images chose the moment, so {options.metric} is slightly optimistic: --metric {test} judges on others."


def _mean(runs: Sequence[Run], metric: str) -> float:
    values = [value for run in runs if (value := run.metric(metric)) is not None]
    return math.fsum(values) / max(len(values), 1)


def in_methods(table: Table, options: Options) -> Iterator[str]:
    """The same for the methods paragraph, with the rules and their numbers."""
    early = [run for row in table.rows for run in stopped(row)]
    if not early:
        return
    rules = {
        " ".join(f"{k}={show(v)}" for k, v in run.settings.items() if k.partition(".")[0] == "stop") for run in early
    }
    runs = sum(len(row.runs) for row in table.rows)
    yield (
        f"{len(early)} of {runs} runs stopped early, judged on validation images at the end of each epoch "
        f"({some(sorted(rules))}), after {_mean(early, 'stopped_epoch'):.1f} epochs on average; values are those of the last "
        "epoch that they trained."
    )
