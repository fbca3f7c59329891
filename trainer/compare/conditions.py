"""Plain-worded traps in how runs came about: their clocks, images, targets, and looks at them while they were few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trainer.compare.clocks import is_clocked, ran_beside_each_other
from trainer.compare.comparison import Table
from trainer.compare.looks import looks
from trainer.compare.options import Options
from trainer.compare.origins import mixed_origins
from trainer.compare.splits import are_tied, overlap
from trainer.identity import show
from trainer.terminal.printable import printable

Trap = Callable[[Table, Options], Iterator[str]]


def mixed_validation(table: Table, options: Options) -> Iterator[str]:
    sizes = {run.settings.get("dataset.validation"): None for row in table.rows for run in row.everything}
    if len(sizes) > 1 and "valid/" in options.metric:
        yield f"Validation sets differ (dataset.validation={some(map(show, sizes))}): not the same images were judged."


def overlapping_splits(table: Table, options: Options) -> Iterator[str]:
    """Each run's training images are mostly those of the others, so seeds vary less than new data would."""
    runs = [run for row in table.rows for run in row.everything]
    if not are_tied(runs):
        return
    share = overlap(runs, options.metric)
    if share:
        yield (
            "Every seed held out other images, and these splits overlap: the variance of a mean is taken as "
            f"sd²·(1/n + {share:.3f}) (Nadeau and Bengio 2003)."
        )
    else:
        yield "Every seed held out other images, and the training sets overlap: intervals and p-values are somewhat too small."


def uncomparable_clocks(table: Table, options: Options) -> Iterator[str]:
    """Seconds are those of the whole stack, on whatever machine the run had."""
    timed = is_clocked(options.metric) or any(row.target.reached for row in table.rows)
    for name, what in (("stack", "stacks of"), ("device", "devices")):
        seen = {row.summary.get(name): None for r in table.rows for row in r.runs}
        if timed and len(seen) > 1:
            yield f"Seconds can't be compared: the runs were trained in {what} {some(str(value) for value in seen)}."


def shared_machine(table: Table, options: Options) -> Iterator[str]:
    """Stacks beside each other share memory, caches and heat."""
    runs = [run for row in table.rows for run in row.everything]
    if is_clocked(options.metric) and ran_beside_each_other(runs):
        yield (
            "Some stacks ran beside each other on one machine, so each slowed the others: for seconds that can be compared, "
            "run with hydra.launcher.workers=1."
        )


def mixed_targets(table: Table, options: Options) -> Iterator[str]:
    targets = targets_of(table)
    if len(targets) > 1:
        yield f"The runs had different targets ({some(map(show, targets))}), so the way to the target is left out."


def targets_of(table: Table) -> list[float | None]:
    return list({run.target: None for row in table.rows for run in row.everything})


def peeking(table: Table, options: Options) -> Iterator[str]:
    """Adding seeds until a difference is shown finds one sooner or later."""
    folders = {run.directory.parent: None for row in table.rows for run in row.everything}
    for folder in folders:
        for grown in looks(folder):
            yield (
                f"Runs were added to {printable(folder)} after earlier looks ({grown}): p-values are somewhat too small. "
                "train study decides without that."
            )


def some(words: Iterable[str], limit: int = 4) -> str:
    """The first of the words, and how many more there are."""
    listed = list(words)
    return ", ".join(listed[:limit]) + (f" and {len(listed) - limit} more" if len(listed) > limit else "")


CONDITIONS: tuple[Trap, ...] = (
    mixed_validation,
    overlapping_splits,
    uncomparable_clocks,
    shared_machine,
    mixed_targets,
    mixed_origins,
    peeking,
)
