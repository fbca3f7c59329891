"""summary.json: how a run stands, built from its records, so that a resumed run's summary comes from its metrics file."""

from __future__ import annotations

import math
import os
import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trainer.experiment import Experiment


@dataclass(frozen=True)
class Facts:
    """What is known of a run before its first update. Samples and updates are those of the whole run."""

    dataset: str
    device: str
    stack: int
    parameters: int
    samples_per_epoch: int
    batch: int
    updates: int
    updates_per_epoch: int


@dataclass
class Summary:
    """The summary of one run, brought up to date record by record."""

    experiment: Experiment
    facts: Facts
    overrides: tuple[str, ...] = ()
    earlier_seconds: float = 0.0
    status: str = "running"
    error: str | None = None
    last: dict[str, Any] = field(default_factory=dict)
    clipped: float = 0.0
    step: int = 0
    epoch: float = 0
    seconds: float = 0.0
    best: dict[str, Any] | None = None
    target: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.time)

    def add(self, row: dict[str, Any]) -> bool:
        """Take in a record as a line of metrics.jsonl; True where its valid/accuracy is the best so far (never a NaN)."""
        metrics = {name: value for name, value in row.items() if name not in ("epoch", "step", "seconds")}
        self.clipped += metrics.get("clipped_fraction", 0) * (row["step"] - self.step)
        self.epoch, self.step, self.seconds = row["epoch"], row["step"], row["seconds"]
        self.last |= metrics
        accuracy = metrics.get("valid/accuracy")
        if accuracy is None or not math.isfinite(accuracy):
            return False
        wanted = self.experiment.target
        if not self.target and wanted is not None and accuracy >= wanted:
            self.target = {"steps": self.step, "samples": self._samples(), "seconds": self.seconds}
        better = self.best is None or accuracy > self.best["accuracy"]
        if better:
            self.best = {"accuracy": accuracy, "epoch": self.epoch}
        return better

    def _samples(self) -> int:
        epochs, rest = divmod(self.step, self.facts.updates_per_epoch)
        return epochs * self.facts.samples_per_epoch + rest * self.facts.batch

    def as_dict(self) -> dict[str, Any]:
        """The file's content. train_seconds and samples_per_second are of the whole stack."""
        facts, e = self.facts, self.experiment
        rate = self._samples() * facts.stack / self.seconds if self.seconds else None
        clipping = {"clipped_fraction": self.clipped / self.step} if "clipped_fraction" in self.last else {}
        return {
            "status": self.status,
            "dataset": facts.dataset,
            "seed": e.seed,
            "epochs": self.epoch,
            "steps": self.step,
            "train_seconds": self.seconds,
            "stack": facts.stack,
            "wall_seconds": self.earlier_seconds + time.time() - self.started,
            "samples_per_second": rate,
            "parameters": facts.parameters,
            "device": facts.device,
            "threads": e.threads,
            **self.last,
            "best_epoch": self.best["epoch"] if self.best else None,
            "best/valid/accuracy": self.best["accuracy"] if self.best else None,
            **{f"{unit}_to_target": self.target.get(unit) for unit in ("steps", "samples", "seconds")},
            "clipped_fraction": None,
            **clipping,
            "error": self.error,
            "versions": versions(),
            "overrides": list(self.overrides),
            "process": process(),
        }


def versions() -> dict[str, str]:
    """Versions of what decides a run's numbers."""
    names = {"train": "train-compare", "torch": "torch", "numpy": "numpy", "hydra": "hydra-core"}
    found = {"python": platform.python_version()}
    for name, package in names.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:  # run from a checkout that was never installed
            continue
    return found


def process() -> dict[str, Any]:
    """Which process writes this run, and since which start of the machine: a dead one's `running` is stale."""
    return {"pid": os.getpid(), "started": _started(os.getpid()), "boot": _boot()}


def is_stale(summary: dict[str, Any]) -> bool:
    """Whether a summary says `running` though its process is gone, or the machine was started anew since."""
    if summary.get("status") != "running":
        return False
    writer = summary.get("process") or {}
    if writer.get("boot") != _boot():
        return True
    return writer.get("started") != _started(writer.get("pid") or 0)


def _boot() -> str | None:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else None


def _started(pid: int) -> str | None:
    """When a process started, in the kernel's ticks: tells it from a later one of the same number; None where it is gone."""
    if not Path("/proc/self/stat").exists():
        return "unknown" if _answers(pid) else None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
