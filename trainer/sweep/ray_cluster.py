"""Ray: each stack is a task, which Ray starts again when it loses the task's process or its node. Needs the extra [ray].

A task trains its unit in its own process and with worker processes below it, which leave when it is killed.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Collection, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

from trainer.errors import ConfigError, Stopped
from trainer.sweep.cells import SweepSettings
from trainer.sweep.child import environment
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.plan import Stack
from trainer.sweep.remote import UNITS, RemoteEngine
from trainer.sweep.remote_unit import RemoteUnit
from trainer.sweep.unit import run_unit


def train_unit(directory: str, cells: Sequence[int], said: str, workers: int | None) -> None:
    """The task: a unit that says how it goes in a file. Run by Ray, on any node; `workers`: None where it was given GPUs."""
    if workers is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Ray leaves in sight what it has not given
    with open(said, "a", buffering=1, encoding="utf-8") as file:
        try:
            run_unit(Path(directory), cells, partial(_say, file), workers)
        except Stopped:
            pass  # it has said so


def _say(file: TextIO, event: str, **facts: Any) -> None:
    file.write(json.dumps({"event": event, **facts}) + "\n")


def _knock(address: str) -> None:
    """ConnectionError or OSError where nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


class RayEngine(RemoteEngine):
    """`settings.options`: `address` of the cluster, `cpus` and `gpus` of a task, and further `resources` of its node by name."""

    def __init__(self, directory: Path, settings: SweepSettings):
        super().__init__(directory, settings)
        self.options = settings.options
        self.waiting: list[RemoteUnit] = []
        self.tasks: dict[Any, RemoteUnit] = {}

    def where(self, slots: Sequence[WorkerSlot]) -> str:
        return "Ray"

    def accelerated(self) -> bool:
        return bool(self.options.get("gpus"))

    def cores(self) -> int:
        return int(self.options.get("cpus") or 1)

    def ask(self) -> None:
        if find_spec("ray") is None:
            raise ConfigError("hydra/launcher=stack_ray needs Ray. Type: pip install 'train-compare[ray]'")
        import ray

        if ray.is_initialized():
            return
        address = self.options.get("address", "auto")
        variables = {"PYTHONPATH": environment("cpu")["PYTHONPATH"]}
        try:
            _knock(os.environ.get("RAY_ADDRESS", "") if address == "auto" else address or "")
            ray.init(address, runtime_env={"env_vars": variables}, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"There is no Ray cluster at hydra.launcher.address={address} ({' '.join(str(error).split())[:160]}). Type "
                "ray start --head on one machine, and ray start --address=ITS_ADDRESS on the others."
            ) from None

    def submit(self, stacks: Sequence[Stack]) -> list[RemoteUnit]:
        units = [RemoteUnit(stack, f"ray-{uuid4().hex[:8]}", self.directory / UNITS) for stack in stacks]
        self.waiting += units
        self._start()
        return units

    def _start(self) -> None:
        """Give Ray the units that wait, as many at once as is wished."""
        import ray

        task = ray.remote(train_unit).options(
            num_cpus=self.cores(),
            num_gpus=self.options.get("gpus") or 0,
            resources=self.options.get("resources") or None,
            max_retries=self.settings.retries,
        )
        workers = None if self.accelerated() else self.cores()
        while self.waiting and (self.settings.workers is None or len(self.tasks) < self.settings.workers):
            unit = self.waiting.pop(0)
            cells = [piece.cell for piece in unit.stack.pieces]
            self.tasks[task.remote(str(self.directory), cells, str(unit.said), workers)] = unit

    def gone(self) -> Collection[RemoteUnit]:
        import ray

        done, _ = ray.wait([*self.tasks], num_returns=len(self.tasks), timeout=0) if self.tasks else ([], [])
        gone = [self.tasks.pop(task) for task in done]
        for task, unit in zip(done, gone, strict=True):
            try:
                ray.get(task)
            except Exception as error:
                unit.why = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        self._start()
        return gone

    def cancel(self) -> None:
        import ray

        for task in self.tasks:
            ray.cancel(task, force=False)
        self.units = [unit for unit in self.units if unit not in self.waiting]  # what has not begun will not
        self.waiting.clear()
