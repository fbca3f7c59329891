"""Plain-worded traps: what a reader should know before believing a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from itertools import chain

from trainer.compare.comparison import Table
from trainer.compare.conditions import CONDITIONS, Trap, some
from trainer.compare.groups import Keys, group_runs, varying
from trainer.compare.learning import idle_clips
from trainer.compare.options import LAST, Options
from trainer.compare.rate_search import RATE
from trainer.compare.rows import Row
from trainer.compare.runs import Run
from trainer.compare.stopping import stopped_early
from trainer.identity import show
from trainer.report.files import STUDY

FEW_SEEDS = 3
# Numbers whose largest value is expected to be best; an edge says nothing about them.
BUDGETS = ("epochs", "dataset.", "stop.")


def flags(table: Table, options: Options) -> list[str]:
    """All warnings about a table, one sentence or two each, the gravest first."""
    return list(chain.from_iterable(trap(table, options) for trap in TRAPS))


def diverged(table: Table, options: Options) -> Iterator[str]:
    for row in table.rows:
        if row.diverged:
            rest = "; its mean is that of the others" if row.runs else ", so it has no mean"
            rest = "; in its mean they count as 0 % right" if options.diverged == LAST else rest
            yield f"{row.label}: {len(row.diverged)} of {len(row.everything)} runs diverged{rest}."


def pruned(table: Table, options: Options) -> Iterator[str]:
    """Those left are the better ones, by design: their mean is no estimate of the row's."""
    for row in table.rows:
        if row.pruned:
            counts = f"{len(row.pruned)} of {len(row.everything)} runs were pruned"
            yield f"{row.label}: {counts}. Those left are its best, so it has no mean."


def unfinished(table: Table, options: Options) -> Iterator[str]:
    for row in table.rows:
        if row.unfinished:
            counts = ", ".join(f"{n} {status}" for status, n in Counter(r.status for r in row.unfinished).items())
            yield f"{row.label}: its mean leaves out runs without a result ({counts})."


def missing_values(table: Table, options: Options) -> Iterator[str]:
    """A mean over those that have a value (that reached the target, say) is a mean over the better half."""
    for row in table.rows:
        lacking = sum(run.metric(options.metric) is None for run in row.runs)
        if lacking:
            yield f"{row.label}: {lacking} of {len(row.runs)} finished runs have no {options.metric} and do not count."


def few_seeds(table: Table, options: Options) -> Iterator[str]:
    few = [row.label for row in table.rows if 0 < row.seeds(options.metric)[0] < FEW_SEEDS]
    if few:
        yield f"Fewer than {FEW_SEEDS} seeds can't tell much: {some(few)}. Add some, for example with seed=range(5)."


def unequal_seeds(table: Table, options: Options) -> Iterator[str]:
    counts = {row.label: len({run.seed for run in (*row.tried, *row.everything)}) for row in table.rows}
    if len(set(counts.values())) > 1:
        yield f"Unequal numbers of seeds: {some(f'{label} {n}' for label, n in counts.items())}."


def patchy(table: Table, options: Options) -> Iterator[str]:
    """A row that is a mean over settings means little where some seeds lack some of the settings."""
    for row in table.rows:
        seeds: dict[Hashable, set[Hashable]] = {}
        for run in row.tried:
            seeds.setdefault(run.identity, set()).add(run.seed)
        if len({frozenset(some) for some in seeds.values()}) > 1:
            yield f"{row.label}: not every setting ran with the same seeds."


def unsearched_rates(table: Table, options: Options) -> Iterator[str]:
    """One rate for each optimizer compares the rates as much as the optimizers; a study has chosen them in another sweep."""
    tried = [run for row in table.rows for run in row.tried]
    sweeps = {run.directory.parent for run in tried}
    studied = {sweep for sweep in sweeps if (sweep.parent / STUDY).exists()}
    families = _families((run for run in tried if run.directory.parent not in studied), RATE)
    single = [runs[0] for runs in families if len({run.settings[RATE] for run in runs}) == 1]
    used = {f"{show(run.settings.get('optimizer'))} {show(run.settings[RATE])}": None for run in single}
    if len(used) > 1:
        yield (
            f"Learning rates were not searched ({some(used)}), so a difference may be due to the rate alone. "
            f"Run every optimizer with the same grid of rates, then compare with --tune {RATE}."
        )


def unequal_settings(table: Table, options: Options) -> Iterator[str]:
    """The best of many tries looks better than the best of one; a row without the tuned key has nothing to try."""
    if options.by is None and not options.tune:
        yield from _unequal_rates(table)
        return
    tunable = [row for row in table.rows if not options.tune or any(k in row.settings for k in options.tune)]
    if len({row.settings_tried for row in tunable}) > 1:
        counts = (f"{row.label} {row.settings_tried}" for row in tunable)
        yield f"Unequal numbers of settings tried: {some(counts)}."


def _unequal_rates(table: Table) -> Iterator[str]:
    families = _families((run for row in table.rows for run in row.tried), RATE)
    counts = sorted({len({run.settings[RATE] for run in runs}) for runs in families})
    if len(counts) > 1:
        yield f"Unequal numbers of learning rates tried: from {counts[0]} to {counts[-1]} a configuration."


def shared_choice(table: Table, options: Options) -> Iterator[str]:
    """The best of several equals looks better than it is, by more the more there were."""
    most = max(row.settings_tried for row in table.rows)
    if options.tune and most > 1 and not options.choosing_seeds:
        yield (
            f"The best of up to {most} settings was chosen and judged on the same seeds, so it looks better than it is. "
            "--choose-seeds 0,1,2 chooses on these seeds and judges on the others."
        )


def grid_edge(table: Table, options: Options) -> Iterator[str]:
    """A best value at the end of what was tried. Two values have no inside: two count only where one asked to tune."""
    for key in options.tune or _searched(table, options):
        edges = list(_tuned_edges(table, key) if options.tune else _row_edges(table, options, key))
        if edges:
            yield f"The best {key} is at the edge of the values tried ({some(edges)}): a better one may lie outside."


def _searched(table: Table, options: Options) -> Keys:
    keys = options.by or varying([run for row in table.rows for run in row.tried])
    return tuple(key for key in keys if not key.startswith(BUDGETS))


def _tuned_edges(table: Table, key: str) -> Iterator[str]:
    for row in table.rows:
        if row.estimate.n and (edge := _edge(row, [run.settings.get(key) for run in row.tried], key, fewest=2)):
            yield edge


def _row_edges(table: Table, options: Options, key: str) -> Iterator[str]:
    """The best of each family of rows that differ in `key` alone; rows are best first, so it is the family's first."""
    families: dict[Hashable, list[Row]] = {}
    for row in table.rows:
        settings = row.settings
        others = frozenset((name, settings.get(name)) for name in options.by or settings if name != key)
        families.setdefault(others, []).append(row)
    for rows in families.values():
        values = [row.settings.get(key) for row in rows]
        if rows[0].estimate.n and (edge := _edge(rows[0], values, key, fewest=3)):
            yield edge


def _edge(best: Row, tried: list[Hashable], key: str, fewest: int) -> str | None:
    """The best value and the range tried, where it is an end of the range; 0 is an end nobody can go beyond."""
    values = sorted({value for value in tried if isinstance(value, int | float) and not isinstance(value, bool)})
    chosen = best.settings.get(key)
    if len(values) < fewest or chosen not in (values[0], values[-1]) or chosen == 0:
        return None
    return f"{best.label}: {show(chosen)} of {show(values[0])} to {show(values[-1])}"


def _families(runs: Iterable[Run], key: str) -> list[list[Run]]:
    """Runs that agree in everything but `key` (and the seed), of those that have the key."""
    return group_runs((run for run in runs if key in run.settings), None, ignored=(key,))


TRAPS: tuple[Trap, ...] = (
    diverged, pruned, unfinished, missing_values, few_seeds, unequal_seeds, patchy, unsearched_rates, unequal_settings,
    shared_choice, grid_edge, idle_clips, stopped_early, *CONDITIONS,
)  # fmt: skip
