"""Runs as one would type them again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from trainer.compare.groups import group_runs
from trainer.compare.runs import Run
from trainer.identity import changes, show
from trainer.terminal.printable import command


def words_of(run: Run, without: Collection[str] = ()) -> tuple[str, ...]:
    """What is not at its default, as `key=value`, the seed left out."""
    return tuple(f"{key}={show(value)}" for key, value in changes(run.config).items() if key not in ("seed", *without))


def seeds_word(runs: Iterable[Run]) -> str:
    """`seed=range(3)`, or the seeds one by one."""
    seeds = sorted({run.seed for run in runs})
    if len(seeds) > 1 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"seed=range({f'{seeds[0]},' if seeds[0] else ''}{seeds[-1] + 1})"
    return f"seed={','.join(map(str, seeds))}"


def commands(runs: Sequence[Run]) -> list[str]:
    """The command of each configuration, with the seeds that it ran with."""
    found = []
    for own in group_runs(runs, None):
        several = ("-m",) if len({run.seed for run in own}) > 1 else ()
        found.append(command(*several, *words_of(own[0]), seeds_word(own)))
    return found
