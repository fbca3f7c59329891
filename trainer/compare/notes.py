"""The sentences under a table: what its numbers are, what its words hold for, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.compare.clocks import FEWEST, is_clocked
from trainer.compare.comparison import Comparison, Table
from trainer.compare.conditions import targets_of
from trainer.compare.groups import group_runs, varying
from trainer.compare.options import APART, LAST, Options
from trainer.compare.rate_search import RATE
from trainer.compare.scales import Scale, scale_of
from trainer.compare.stopping import stopped
from trainer.identity import show
from trainer.terminal.printable import command, printable


def notes(table: Table, options: Options) -> Iterator[str]:
    yield _what_it_is(table, options)
    yield from _how_judged(table, scale_of(None, None, options.metric))
    if any(row.diverged_p is not None for row in table.rows):
        yield f"diverged: p is Fisher's exact test of the number of diverged runs against {table.baseline}, corrected by Holm."
    if options.diverged == LAST and any(row.diverged for row in table.rows):
        yield "Diverged runs count as 0 % right."
    inside = {key: None for row in table.rows for key in varying(row.everything)}
    if inside:
        yield (
            f"Inside a row, {', '.join(inside)} vary: a seed's value is the mean over them, "
            "and only runs that agree in seed and in these keys are paired."
        )
    if options.tune:
        yield _how_chosen(options)


def _what_it_is(table: Table, options: Options) -> str:
    if is_clocked(options.metric):
        text = (
            "Mean, sd and 95 % interval (Student's t) over clocks: runs that were trained as one stack share one, and below "
            f"{FEWEST} clocks there is no interval and no test."
        )
    else:
        text = "Mean, sd and 95 % interval (Student's t) over n seeds."
    if len(table.rows) > 1:
        text += f" Differences from {table.baseline} are paired by seed."
    return text


def _how_judged(table: Table, scale: Scale) -> Iterator[str]:
    """What the words and p-values hold for, and what the table could have seen."""
    judgements = [row.judgement for row in table.rows if row.judgement]
    if not judgements:
        return
    many = table.comparisons > 1
    corrected = f" p is corrected by Holm for {table.comparisons} comparisons, the intervals are not." if many else ""
    images = max(judgement.crossed.m for judgement in judgements)
    if images:
        yield (
            f"real: for new seeds and new images like these {images:,}. on these images only: other images may not show it. "
            f"Seeds and images are crossed random effects.{corrected}"
        )
    elif not judgements[0].clocks:
        yield f"Images are not counted (no hits.npz, or another metric than accuracy): all holds for new seeds only.{corrected}"
    seen = [j.graded.detectable for j in judgements if j.graded.detectable and j.graded.grade != "real"]
    if seen:
        yield f"A true difference of {scale.amount(max(seen))} would have been shown as real in 80 % of such tables."


def _how_chosen(options: Options) -> str:
    seeds = options.choosing_seeds
    over = f"over the seeds {', '.join(map(str, seeds))}; the other seeds judge." if seeds else "over seeds."
    text = f"Chosen: the setting with the best mean {options.selection} {over}"
    if options.metric != options.selection:
        return text
    test = options.selection.removeprefix("best/").replace("valid/", "test/")
    return f"{text} These images have chosen; --metric {test} judges the same choice on others."


def way_title(table: Table) -> str | None:
    """What stands above the way to the target; None where there is no target, or several."""
    targets = targets_of(table)
    if len(targets) != 1 or targets[0] is None:
        return None
    return f"Cost of reaching valid/accuracy {show(targets[0])}: median over all runs"


def way_note(table: Table) -> str:
    """From which records the way to the target was read: it is known no finer."""
    every = {run.record_every: None for row in table.rows for run in row.everything}
    coarse = "at the end of each epoch" if None in every else ""
    fine = ", ".join(f"every {n} updates" for n in every if n is not None)
    where = " or ".join(part for part in (coarse, fine) if part)
    hint = " (record_every=N reads it every N updates)" if coarse else ""
    early = " and those that stopped early without it" if any(stopped(row) for row in table.rows) else ""
    return f"Read from records {where}{hint}. Runs that never reach it count as long as they ran; diverged ones{early} never do."


def left_out(comparison: Comparison) -> Iterator[str]:
    """Runs that no table has."""
    if comparison.unfinished:
        counts = ", ".join(f"{n} {printable(status)}" for status, n in comparison.unfinished.items())
        yield f"Not finished, so left out: {counts}."


def next_step(comparison: Comparison) -> Iterator[str]:
    """After a search over rates: each configuration at its best one."""
    if comparison.options.tune or not any(_searched_rates(table) for table in comparison.tables):
        return
    line = command("compare", *comparison.roots, *_kept(comparison.options), "--tune", RATE)
    yield f"Rates were searched. Each configuration at its best: {line}"


def _kept(options: Options) -> Iterator[str]:
    """What was asked for beside the rates, as it is typed."""
    if options.metric != Options.metric:
        yield from ("--metric", options.metric)
    if by := [key for key in options.by or () if key != RATE]:
        yield from ("--by", ",".join(by))
    if options.baseline and RATE not in options.baseline:
        yield from ("--baseline", options.baseline)
    if options.margin:
        yield from ("--margin", f"{options.margin:g}")
    if options.diverged != APART:
        yield from ("--diverged", options.diverged)


def _searched_rates(table: Table) -> bool:
    """Whether more than one configuration was run, some with several rates."""
    runs = [run for row in table.rows for run in row.tried if RATE in run.settings]
    families = group_runs(runs, None, ignored=(RATE,))
    return len(families) > 1 and any(len({run.settings[RATE] for run in family}) > 1 for family in families)
