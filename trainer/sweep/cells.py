"""The cells of a sweep as data, and sweep.json, from which `train resume` continues it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.identity import FORMAT, READABLE, known_formats
from trainer.records import FINISHED, Status
from trainer.report.files import write_json
from trainer.report.reading import read_json_list
from trainer.schema import did_you_mean
from trainer.sweep.history import grown, is_entry, size
from trainer.sweep.prune import PRUNERS

SWEEP = "sweep.json"

ENGINES = ("local", "slurm", "ray")

RETRIES = 3
"""Each time the runs of a stack are parted into halves: on a CPU, where a stack has 8 at most, the last time every run is alone,
so that none fails for another one's sake."""


@dataclass(frozen=True)
class Cell:
    """One run of a sweep: `name` is its directory below the sweep's, `overrides` the words that asked for it; `fallen_back`:
    it is trained on the fallback of its data set."""

    experiment: Experiment
    name: str
    overrides: tuple[str, ...] = ()
    fallen_back: bool = False


@dataclass(frozen=True)
class SweepSettings:
    """`workers`: processes (None: one a core on CPU, one a GPU on CUDA), `prune`: a word of PRUNERS, `fail_fast`: stop at
    the first run that fails, `retries`: how often a run may lose the process that trains it and go on, `engine`: a word of
    ENGINES, `options`: what that engine alone asks for. Raises ConfigError."""

    workers: int | None = None
    prune: str | None = None
    fail_fast: bool = False
    retries: int = RETRIES
    engine: str = "local"
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, launcher: Mapping[str, Any]) -> SweepSettings:
        """The settings of a launcher as plain data: those that all have, and the options of its engine."""
        common = {f.name for f in fields(cls)} & {*launcher}
        options = {key: value for key, value in launcher.items() if key not in common and key[:1] != "_"}
        return cls(**{key: launcher[key] for key in common}, options=options)

    def __post_init__(self) -> None:
        if self.workers is not None and (not isinstance(self.workers, int) or self.workers < 1):
            raise ConfigError(
                f"hydra.launcher.workers={self.workers} is not allowed: it must be null or a whole number from 1."
            )
        if not isinstance(self.retries, int) or self.retries < 0:
            raise ConfigError(
                f"hydra.launcher.retries={self.retries} is not allowed: it must be a whole number from 0."
            )
        if self.engine not in ENGINES:
            raise ConfigError(f"There is no engine {self.engine}: choose one of {', '.join(ENGINES)}.")
        if self.prune is not None and self.prune not in PRUNERS:
            hint = did_you_mean(self.prune, PRUNERS)
            raise ConfigError(
                f"There is no hydra.launcher.prune={self.prune}.{hint} Choose one of: null, {', '.join(PRUNERS)}."
            )

    @property
    def results(self) -> set[str]:
        """The statuses of runs that need no more work."""
        return {*FINISHED} | ({Status.PRUNED} if self.prune else set())


def check_prunable(cells: Sequence[Cell], settings: SweepSettings) -> None:
    """ConfigError where runs shall be pruned that have no validation images to be judged by."""
    if settings.prune and any(cell.experiment.dataset.validation == 0 for cell in cells):
        raise ConfigError(
            f"prune={settings.prune} judges runs by valid/accuracy and dataset.validation=0 holds no images out: "
            "leave one of them out."
        )


def write_sweep(directory: Path, cells: Sequence[Cell], settings: SweepSettings) -> None:
    """Write sweep.json, `history` brought up to date. Raises OSError, and ConfigError where the old one is damaged."""
    listed = [
        {"name": c.name, "overrides": list(c.overrides), "config": c.experiment.to_dict()}
        | ({"fallen_back": True} if c.fallen_back else {})
        for c in cells
    ]
    history = grown(directory, _history(directory), [cell.experiment for cell in cells])
    content = {"format": FORMAT, "settings": asdict(_without_address(settings)), "history": history, "cells": listed}
    write_json(directory / SWEEP, content)


def _history(directory: Path) -> list[dict[str, Any]]:
    """What sweep.json keeps of its growth; of one from before that was kept, its size."""
    if not (directory / SWEEP).exists():
        return []
    kept = read_json_list(directory / SWEEP).get("history")
    if isinstance(kept, list) and all(is_entry(entry) for entry in kept):
        return kept
    return [size(cell.experiment for cell in read_sweep(directory)[0])]


def read_sweep(directory: Path) -> tuple[list[Cell], SweepSettings]:
    """What sweep.json holds; no cells where there is none. Raises ConfigError where it is damaged."""
    path = directory / SWEEP
    if not path.exists():
        return [], SweepSettings()
    try:
        content = read_json_list(path)
        if content.get("format", FORMAT) not in READABLE:
            raise ValueError(f"its format is {content['format']}, and {known_formats().rstrip('.')}")
        cells = [
            Cell(
                Experiment.from_dict(c["config"]),
                _component(c["name"]),
                _words(c["overrides"]),
                c.get("fallen_back") is True,
            )
            for c in content["cells"]
        ]
        return cells, _without_address(SweepSettings(**content["settings"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f"{path} can't be read as a sweep: {error}.") from None


def _without_address(settings: SweepSettings) -> SweepSettings:
    """No address of other machines is kept in a file, nor taken from one, which may be a stranger's."""
    return replace(settings, options={key: value for key, value in settings.options.items() if key != "address"})


def _words(words: Any) -> tuple[str, ...]:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{str(words)[:40]} are no words of a command line")
    return tuple(words)


def _component(name: str) -> str:
    """A name from a file, refused where it would lead out of the sweep's directory."""
    if name != Path(name).name or name in ("", ".", "..") or not name.isprintable():
        raise ValueError(f"{name!r} is no name of a directory")
    return name
