"""The whole table in a sentence: which row has the best mean, whether its difference is real, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainer.compare.comparison import Table
from trainer.compare.judging import Judgement
from trainer.compare.options import Options
from trainer.compare.rows import Row
from trainer.compare.scales import difference_scale
from trainer.compare.verdicts import grade_words, is_shown

MOST = 4  # rows of one grade that are named


def overall(table: Table, options: Options) -> str | None:
    """None where there is nothing to say: one row, or a metric of which neither high nor low is better."""
    if len(table.rows) < 2 or not options.direction:
        return None
    first = table.rows[0]
    if first.estimate.mean is None:
        pruned = any(row.pruned for row in table.rows)
        return f"No row has a mean{': where runs were pruned, those left are the best' if pruned else ''}."
    names = short_names(table)
    sentence = _best_row(table, first, options, names)
    rest = "; ".join(_others(table, options, names))
    return f"{sentence}{'; ' if rest else ''}{rest}."


def short_names(table: Table) -> dict[str, str]:
    """Each row's label; its value alone where all labels are values of one key."""
    labels = [row.label for row in table.rows]
    keys = {label.partition("=")[0] if label.count("=") == 1 else label for label in labels}
    alone = len(keys) == 1 and all("=" in label for label in labels)
    return {label: label.partition("=")[2] if alone else label for label in labels}


def _best_row(table: Table, first: Row, options: Options, names: dict[str, str]) -> str:
    name, base = names[first.label], names[table.baseline]
    if first.judgement is None:
        return f"{name}, the baseline, has the best mean"
    judgement = first.judgement
    if judgement.difference.mean is None:
        return f"{name} has the best mean, with no pairs with {base} to test that"
    scale = difference_scale(judgement, options.metric)
    change = (
        f"{scale(judgement.difference.mean, '+')}{scale.unit} {'over' if options.direction > 0 else 'against'} {base}"
    )
    return f"{name} {_how_good(table, judgement)}: {change}, {grade_words(judgement, scale)}"


def _how_good(table: Table, judgement: Judgement) -> str:
    """Only of two has the better been shown to be the best: of more, each was tested against the baseline alone."""
    means = sum(row.estimate.mean is not None for row in table.rows)
    return "is best" if means == 2 and is_shown(judgement) else "has the best mean"


def _others(table: Table, options: Options, names: dict[str, str]) -> Iterator[str]:
    """The rows below the first, by what is said of them."""
    by_words: dict[str, list[str]] = {}
    for row in table.rows[1:]:
        if row.label != table.baseline:
            by_words.setdefault(_word(row, options), []).append(names[row.label])
    yield from (f"{_some(named)} {word}" for word, named in by_words.items())


def _word(row: Row, options: Options) -> str:
    judgement = row.judgement
    if row.pruned:
        return "pruned"
    if row.diverged and not row.counted:
        return "diverged"
    if judgement is None:
        return "not tested"
    words = grade_words(judgement, difference_scale(judgement, options.metric))
    if not is_shown(judgement):
        return words
    gain = (judgement.difference.mean or 0.0) * options.direction
    return f"{'better' if gain > 0 else 'worse'} ({words})"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
