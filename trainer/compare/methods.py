"""The methods paragraph of a table: what was run and how it was judged, for a paper."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.compare.clocks import is_clocked
from trainer.compare.comparison import Table
from trainer.compare.options import LAST, Options
from trainer.compare.scales import scale_of
from trainer.compare.stopping import in_methods
from trainer.terminal.printable import printable


def methods(table: Table, options: Options) -> str:
    """A paragraph of plain text. Every sentence is true of this table and of no other by default."""
    parts = (_runs, in_methods, _choice, _test, _left_out)
    return " ".join(sentence for part in parts for sentence in part(table, options))


def _runs(table: Table, options: Options) -> Iterator[str]:
    counts = sorted({row.estimate.n for row in table.rows})
    n = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    what = "clocks (runs trained as one stack share a clock)" if is_clocked(options.metric) else "seeds"
    many = f"{len(table.rows)} configurations were" if len(table.rows) > 1 else "One configuration was"
    yield f"{many} trained on {printable(table.dataset)}{_torch(table)}."
    yield f"Values are means of {options.metric} over {n} {what}, with standard deviations and 95 % intervals by Student's t."


def _torch(table: Table) -> str:
    """The versions of torch that trained, where all runs know theirs."""
    kept = [run.summary.get("versions") for row in table.rows for run in row.everything]
    found = {printable(each["torch"]) if isinstance(each, dict) and "torch" in each else "" for each in kept}
    return "" if "" in found else f" (PyTorch {', '.join(sorted(found))})"


def _choice(table: Table, options: Options) -> Iterator[str]:
    if options.tune:
        seeds = options.choosing_seeds
        judged = "on other seeds than those that are compared" if seeds else "on the same seeds that are compared"
        yield f"For each configuration, {', '.join(options.tune)} was chosen by the best mean {options.selection} {judged}."


def _test(table: Table, options: Options) -> Iterator[str]:
    judgements = [row.judgement for row in table.rows if row.judgement]
    if not judgements:
        return
    yield f"Differences from {table.baseline} are paired by seed."
    images = max(judgement.crossed.m for judgement in judgements)
    if images:
        yield (
            f"Seeds and the {images:,} images are crossed random effects; half the interval's width joins those of seeds alone "
            "and of images alone like the sides of a right angle (Banerjee 1960). A difference is called real where this "
            "interval, at the corrected level, excludes 0."
        )
    else:
        yield "They are tested by Student's paired t-test, so they hold for new seeds; images are not counted."
    if table.comparisons > 1:
        yield f"p-values are corrected for {table.comparisons} comparisons by Holm's method (1979), intervals are not."
    margins = [judgement.margin for judgement in judgements if judgement.margin and judgement.counts_images]
    if margins:
        yield f"Equal means that the interval lies within ±{scale_of(None, None, options.metric).amount(margins[0])}."


def _left_out(table: Table, options: Options) -> Iterator[str]:
    """Runs that the means do not hold, and how diverged ones are counted."""
    lost = [len(row.diverged) for row in table.rows]
    if any(lost):
        apart = "are in no mean; their numbers are compared by Fisher's exact test"
        counted = "count as 0 % right" if options.diverged == LAST else apart
        yield f"{_runs_that(sum(lost))} diverged; diverged runs {counted}."
    if any(row.pruned for row in table.rows):
        yield "Configurations of which runs were pruned have no mean."
    unfinished = sum(len(row.unfinished) for row in table.rows)
    if unfinished:
        yield f"{_runs_that(unfinished)} ended without a result and {'is' if unfinished == 1 else 'are'} left out."


def _runs_that(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"
