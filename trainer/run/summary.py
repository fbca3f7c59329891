"""summary.json: how a run stands, built from its records, so that a resumed run's summary comes from its metrics file."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trainer import __version__
from trainer.experiment import Experiment
from trainer.identity import FORMAT
from trainer.records import Status
from trainer.report.origin import processor
from trainer.report.reading import read_summary
from trainer.run.process import process


@dataclass(frozen=True)
class Facts:
    """What is known of a run before its first update. Samples and updates are those of the whole run; `clock` is the name of
    the one that measures its seconds, the same for all runs of a stack."""

    dataset: str
    device: str
    stack: int
    parameters: int
    samples_per_epoch: int
    batch: int
    updates: int
    updates_per_epoch: int
    dataset_digest: str = ""
    split: str = ""
    clock: str = ""
    guessing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # see `guessing.guessing`


@dataclass
class Summary:
    """The summary of one run, brought up to date record by record."""

    experiment: Experiment
    facts: Facts
    overrides: tuple[str, ...] = ()
    earlier_seconds: float = 0.0
    status: Status = Status.RUNNING
    error: str | None = None
    last: dict[str, Any] = field(default_factory=dict)
    clipped: float = 0.0
    recorded: int = 0
    step: int = 0
    epoch: float = 0
    seconds: float = 0.0
    best: dict[str, Any] | None = None
    target: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.time)

    def add(self, row: dict[str, Any], finite: bool = True) -> bool:
        """Take in a record as a line of metrics.jsonl; True where its valid/accuracy is the best so far (never a NaN).

        A network that is not `finite` is never the best: it may still guess a class right by chance.
        """
        metrics = {name: value for name, value in row.items() if name not in ("epoch", "step", "seconds")}
        self.clipped += metrics.get("clipped_fraction", 0) * (row["step"] - self.recorded)
        self.recorded = row["step"]
        self.epoch, self.step, self.seconds = row["epoch"], row["step"], row["seconds"]
        self.last |= metrics
        accuracy = metrics.get("valid/accuracy")
        if accuracy is None or not math.isfinite(accuracy) or not finite:
            return False
        wanted = self.experiment.target
        if not self.target and wanted is not None and accuracy >= wanted:
            self.target = {"steps": self.step, "samples": self._samples(), "seconds": self.seconds}
        better = self.best is None or accuracy > self.best["accuracy"]
        if better:
            self.best = {"accuracy": accuracy, "epoch": self.epoch}
        return better

    def reach(self, step: int, seconds: float) -> None:
        """The run has come to an update beyond its last record."""
        if step > self.step:
            epoch = step / self.facts.updates_per_epoch
            self.epoch = int(epoch) if epoch.is_integer() else round(epoch, 4)
            self.step, self.seconds = step, seconds

    def _samples(self) -> int:
        epochs, rest = divmod(self.step, self.facts.updates_per_epoch)
        return epochs * self.facts.samples_per_epoch + rest * self.facts.batch

    def _achieved(self) -> dict[str, Any]:
        """The best epoch, the early stop, the way to the target, and the clipped share of the whole run."""
        best = self.best or {"epoch": None, "accuracy": None}
        clips = "clipped_fraction" in self.last
        return {
            "best_epoch": best["epoch"],
            "best/valid/accuracy": best["accuracy"],
            "stopped_epoch": self._stopped(),
            **{f"{unit}_to_target": self.target.get(unit) for unit in ("steps", "samples", "seconds")},
            "clipped_fraction": self.clipped / self.recorded if clips else None,
        }

    def _stopped(self) -> float | None:
        """The epoch after which the run's own rule ended it, before the last one."""
        early = self.status == Status.COMPLETED and self.step < self.facts.updates
        return self.epoch if early else None

    def as_dict(self) -> dict[str, Any]:
        """The file's content. train_seconds and samples_per_second are of the whole stack."""
        facts, e = self.facts, self.experiment
        rate = self._samples() * facts.stack / self.seconds if self.seconds else None
        return {
            "format": FORMAT,
            "status": self.status,
            "dataset": facts.dataset,
            "dataset_digest": facts.dataset_digest,
            "seed": e.seed,
            "epochs": self.epoch,
            "steps": self.step,
            "train_seconds": self.seconds,
            "stack": facts.stack,
            "wall_seconds": self.earlier_seconds + time.time() - self.started,
            "samples_per_second": rate,
            "parameters": facts.parameters,
            "guessing": facts.guessing,
            "device": facts.device,
            "processor": processor(),
            "threads": e.threads,
            **self.last,
            **self._achieved(),
            "error": self.error,
            "versions": versions(),
            "overrides": list(self.overrides),
            "process": process(),
            "clock": {"id": facts.clock, "began": self.started, "ended": time.time()},
        }


@cache  # read from disk, and the same for every run of a stack
def versions() -> dict[str, str]:
    """Versions of what decides a run's numbers."""
    packages = {"torch": "torch", "numpy": "numpy", "hydra": "hydra-core"}
    others = {name: version(package) for name, package in packages.items()}
    return {"python": platform.python_version(), "train": __version__, **others}


def earlier_seconds(path: Path) -> float:
    """How long earlier sessions took, as far as they could write it down."""
    try:
        return float(read_summary(path)["wall_seconds"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0.0
