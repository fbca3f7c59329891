"""The comparison in files: one row a group with stable columns and full values."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.compare.columns import chosen
from trainer.compare.comparison import Comparison, Table
from trainer.compare.factorial import factorial
from trainer.compare.fairness import flags
from trainer.compare.judging import Judgement
from trainer.compare.learning import learned_nothing
from trainer.compare.options import Options
from trainer.compare.overall import overall
from trainer.compare.rate_search import searches
from trainer.compare.rate_words import told
from trainer.compare.rows import Row
from trainer.compare.scales import difference_scale
from trainer.compare.statistics import Difference
from trainer.compare.stopping import stopped
from trainer.compare.verdicts import interval, is_shown, row_verdict
from trainer.identity import show


def write_csv(comparison: Comparison, path: Path) -> None:
    """One line a group; an undefined value is an empty cell."""
    lines = [row_data(table, row, comparison.options) for table in comparison.tables for row in table.rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def write_json(comparison: Comparison, path: Path) -> None:
    """Everything the terminal shows, as strict JSON: an undefined value is null."""
    options = comparison.options
    content = {
        "metric": options.metric,
        "by": options.by,
        "tune": options.tune,
        "selection": options.selection if options.tune else None,
        "choose_seeds": list(options.choosing_seeds) or None,
        "diverged": options.diverged,
        "confidence": 0.95,
        "correction": "Holm",
        "tables": [_table_data(table, options) for table in comparison.tables],
        "unfinished": comparison.unfinished,
        "warnings": comparison.warnings,
    }
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _table_data(table: Table, options: Options) -> dict[str, Any]:
    return {
        "dataset": table.dataset,
        "overall": overall(table, options),
        "baseline": table.baseline,
        "comparisons": table.comparisons,
        "groups": [row_data(table, row, options) | {"settings": _shared(row)} for row in table.rows],
        "flags": [*learned_nothing(table, options), *flags(table, options)],
        "learning_rates": [told(search) for search in searches(table, options)],
    } | ({"effects": _effects_data(table, options)} if options.effects else {})


def _effects_data(table: Table, options: Options) -> dict[str, Any]:
    found = factorial(table, options)
    return {
        "problem": found.problem,
        "plain": found.plain,
        "effects": [
            {"terms": [list(term) for term in each.effect.terms]} | dict(judgement_data(each.judgement))
            for each in found.effects
        ],
    }


def _shared(row: Row) -> dict[str, str]:
    """The settings that all runs of a row have in common, as one would type them."""
    common = frozenset.intersection(*(run.identity for run in row.everything or row.tried))
    return {key: show(value) for key, value in row.settings.items() if (key, value) in common}


def row_data(table: Table, row: Row, options: Options) -> dict[str, Any]:
    """The columns of a group, in the metric's own unit (accuracies from 0 to 1)."""
    parts = _sample_columns(table, row, options), _difference_columns(table, row, options), _left_out(row, options)
    return {name: value for part in parts for name, value in part}


def _left_out(row: Row, options: Options) -> Iterator[tuple[str, Any]]:
    """What became of the runs that the mean is not over."""
    yield from (("seeds", row.seeds(options.metric)[1]), ("pruned", len(row.pruned)))
    yield from (("unfinished", len(row.unfinished)), ("diverged_p_holm", row.diverged_p))
    yield "stopped_early", len(stopped(row))


def _sample_columns(table: Table, row: Row, options: Options) -> Iterator[tuple[str, Any]]:
    yield from (("dataset", table.dataset), ("group", row.label), ("metric", options.metric))
    yield from (("chosen", chosen(row, options.tune) or None), ("settings_tried", row.settings_tried))
    sample = row.estimate
    yield from (("n", sample.n), ("diverged", len(row.diverged)), ("mean", sample.mean), ("sd", sample.sd))
    yield from (("ci_low", sample.low), ("ci_high", sample.high))
    best = row.best
    yield "best", best.metric(options.metric) if best else None
    yield from (("best_seed", best.seed if best else None), ("best_run", str(best.directory) if best else None))
    way = row.target
    yield from (("runs", way.runs), ("reached_target", way.reached), ("steps_to_target", way.steps))
    yield from (("samples_to_target", way.samples), ("seconds_to_target", way.seconds))


def _difference_columns(table: Table, row: Row, options: Options) -> Iterator[tuple[str, Any]]:
    yield "baseline", table.baseline
    yield from judgement_data(row.judgement)
    yield "verdict", row_verdict(row, difference_scale(row.judgement, options.metric))


def judgement_data(judged: Judgement | None) -> Iterator[tuple[str, Any]]:
    """A difference in full: its two intervals, its p-values before and after Holm, its grade."""
    found, crossed, graded = (
        (judged.difference, judged.crossed, judged.graded) if judged else (Difference(0), None, None)
    )
    low, high = interval(judged) if judged else (None, None)
    yield from (("pairs", found.n), ("images", crossed.m if crossed else None))
    yield from (("difference", found.mean), ("difference_low", low), ("difference_high", high))
    yield from (("p", crossed.p if crossed else None), ("p_holm", graded.p if graded else None))
    yield from (("seeds_low", found.low), ("seeds_high", found.high))
    yield from (("seeds_p", found.p), ("seeds_p_holm", graded.seeds_p if graded else None))
    yield from (("grade", _grade(judged)), ("detectable", graded.detectable if graded else None))


def _grade(judged: Judgement | None) -> str | None:
    """The word of the contract; for seeds alone it says so."""
    if judged is None:
        return None
    if judged.counts_images:
        return {"limited by images": "undecided"}.get(judged.graded.grade, judged.graded.grade)
    return "real for new seeds" if is_shown(judged) else "undecided for new seeds"
