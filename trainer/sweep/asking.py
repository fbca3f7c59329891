"""The same from Python: `run` takes the words of `train -m` as keywords, and lists where there are several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.compare import asking as comparing
from trainer.errors import ConfigError
from trainer.experiment import GROUPS, Experiment
from trainer.identity import show
from trainer.run.directories import cell_names, claim, now, reuse, taken
from trainer.sweep.cells import Cell, SweepSettings
from trainer.sweep.sweep import run_sweep

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended: its directory, and each run's summary.json in the order of the cells."""

    directory: Path
    summaries: list[dict[str, Any]]

    def to_pandas(self) -> DataFrame:
        """results.csv: a row a run, with what varies and every metric."""
        import pandas as pd

        return pd.read_csv(self.directory / "results.csv")

    def compare(self, **options: Any) -> comparing.Compared:
        """The comparison of its runs; `options` as for `compare.of`."""
        return comparing.of(self.directory, **options)


def run(
    experiment: Experiment | None = None,
    *,
    name: str | None = None,
    workers: int | None = None,
    prune: str | None = None,
    fail_fast: bool = False,
    **values: Any,
) -> Swept:
    """Train every combination of the values as stacks: run(optimizer=["sgd", "adam"], seed=range(5), epochs=5).

    A key is a word of the command line, such as optimizer, epochs or, in a mapping, **{"optimizer.lr": [0.1, 0.2]}; a list, a
    tuple or a range has several values (a value that is itself a list stands in a list of its own: [[128, 128]]). All else is
    as `experiment` says, or the default. Without a `name` the runs get a directory of their own below runs/; with one, what is
    done there is skipped. Raises ConfigError before anything is written, and Stopped after a signal, when all is saved."""
    base = (experiment or Experiment()).to_dict()
    keys = sorted(values, key=lambda key: "." in key)  # a word before its numbers
    cells = [dict(zip(keys, chosen, strict=True)) for chosen in product(*(_several(values[key]) for key in keys))]
    experiments = [Experiment.from_dict(_changed(base, cell)) for cell in cells]
    words = [tuple(f"{key}={show(value)}" for key, value in cell.items()) for cell in cells]
    settings = SweepSettings(workers, prune, fail_fast)
    jobs = [Cell(*each) for each in zip(experiments, cell_names(words), words, strict=True)]
    if len(set(experiments)) < len(experiments):
        raise ConfigError("Two runs of this sweep are the same: leave one of them out.")
    with taken(reuse if name else claim, Path("runs"), name or now()) as directory:
        return Swept(directory.absolute(), run_sweep(jobs, directory, settings))


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]


def _changed(base: Mapping[str, Any], cell: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with other values; a word of a group takes its own numbers."""
    data = dict(base)
    for key, value in cell.items():
        group, _, field = key.partition(".")
        if field:
            own = data[group] if isinstance(data.get(group), Mapping) else {"name": data.get(group)}
            data[group] = {**own, field: value}
        elif group not in GROUPS or not _is_word_of(data[group], value):
            data[group] = value
    return data


def _is_word_of(choice: Any, word: Any) -> bool:
    """Whether a group's choice already is that word, perhaps with numbers of its own."""
    return isinstance(choice, Mapping) and choice.get("name") == word
