"""The engines by name, each imported where it is asked for: nobody pays for one who doesn't use it."""

from __future__ import annotations

from pathlib import Path

from trainer.sweep.cells import SweepSettings
from trainer.sweep.dispatch import LocalEngine
from trainer.sweep.protocols import Engine
from trainer.sweep.workers import WorkerPool


def engine_of(settings: SweepSettings, directory: Path, pool: WorkerPool | None = None) -> Engine:
    """The engine that the settings name; `pool` is for that of this machine."""
    if settings.engine == "slurm":
        from trainer.sweep.slurm import SlurmEngine

        return SlurmEngine(directory, settings)
    if settings.engine == "ray":
        from trainer.sweep.ray_cluster import RayEngine

        return RayEngine(directory, settings)
    return LocalEngine(settings.workers, pool)
