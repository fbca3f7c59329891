"""Run directories as data: read `config.yaml` and `summary.json`, keep the newest of repeated runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from trainer.errors import CompareError
from trainer.identity import is_learning
from trainer.report.hits import Hits, read_hits
from trainer.report.reading import read_flat_config, read_summary
from trainer.run.lease import status_of


@dataclass(frozen=True)
class Run:
    """One run directory. `config` is its flat configuration, every key of it: `{"optimizer": "sgd", "optimizer.lr": 0.1, …}`;
    `settings` the part that decides the result, `dataset` being the data set really used."""

    directory: Path
    settings: dict[str, Hashable]
    seed: int
    target: float | None
    summary: dict[str, Any]
    started: float
    written: float
    record_every: int | None = None
    config: dict[str, Hashable] = field(default_factory=dict)

    @cached_property
    def status(self) -> str:
        """How the run stands; one that says `running` and whose process is gone was interrupted."""
        return status_of(self.summary, self.directory)

    @cached_property
    def hits(self) -> Hits | None:
        """Which images the final network got right; None where that was not kept."""
        return read_hits(self.directory)

    @property
    def dataset(self) -> str:
        return str(self.settings["dataset"])

    @cached_property
    def identity(self) -> frozenset[tuple[str, Hashable]]:
        """What makes two runs runs of the same configuration."""
        return _one(frozenset(self.settings.items()))

    def metric(self, name: str) -> float | None:
        """The last value of a metric in the run's summary; None where it is missing, not a number or not finite."""
        value: Any = self.summary.get(name)
        if type(value) not in (float, int) or not math.isfinite(value):  # of what JSON has, and a boolean is none
            return None
        return float(value)


@lru_cache(maxsize=10_000)
def _one(identity: frozenset[tuple[str, Hashable]]) -> frozenset[tuple[str, Hashable]]:
    """Of equal ones always the same, which is found equal at a glance."""
    return identity


def read_run(directory: Path) -> Run:
    """Reads one run directory; raises CompareError naming the file and what is wrong with it."""
    summary_file, config_file = directory / "summary.json", directory / "config.yaml"
    summary, flat = _read(summary_file, read_summary), _read(config_file, read_flat_config)
    seed, target = flat.get("seed"), flat.get("target")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise CompareError(f"{config_file}: it has no whole-numbered seed, so it is not the configuration of a run.")
    settings = {key: value for key, value in flat.items() if is_learning(key)}
    settings["dataset"] = str(summary.get("dataset") or settings.get("dataset", "unknown"))
    return Run(
        directory, settings, seed, float(target) if isinstance(target, int | float) else None, summary,
        started=config_file.stat().st_mtime, written=summary_file.stat().st_mtime,
        record_every=every if isinstance(every := flat.get("record_every"), int) else None, config=flat,
    )  # fmt: skip


def _read(path: Path, read: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise CompareError(f"{path}: {getattr(error, 'strerror', None) or error}.") from error


def without_repeats(runs: Iterable[Run]) -> tuple[list[Run], list[Run]]:
    """Of runs with the same configuration and the same seed the newest, in the given order; and those left out."""
    ordered = list(runs)
    newest: dict[Hashable, Run] = {}
    for run in sorted(ordered, key=lambda run: (run.written, run.started)):
        newest[run.identity, run.seed] = run
    kept = {id(run) for run in newest.values()}
    return [run for run in ordered if id(run) in kept], [run for run in ordered if id(run) not in kept]
