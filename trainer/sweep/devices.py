"""Where workers run: on a core each, or on a GPU each, with how much memory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from trainer.engine.cores import cores
from trainer.errors import ConfigError
from trainer.sweep.child import command, environment

SHARE = 0.5
"""Of the free memory, what stacks may plan to use: estimates are rough, and there are other programs."""

DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""What a Linux machine has where PyTorch may find a GPU; without them nobody need ask it, which takes seconds."""


@dataclass(frozen=True)
class WorkerSlot:
    """A worker's device (cpu, cuda:N or mps) and the bytes that a stack may take there. `workers`: how many share what is
    handed to this slot, where it is a unit on another machine."""

    device: str
    memory: int
    accelerated: bool = False  # whether `auto` means a GPU on this machine: CUDA's does, a Mac's must be named
    workers: int = 1

    def takes(self, device: str) -> bool:
        """Whether an experiment with this `device` runs here."""
        if device == "auto":
            return self.device.startswith("cuda" if self.accelerated else "cpu")
        return device in (self.device, self.device.split(":")[0])


def find_slots(devices: Collection[str], workers: int | None, cells: int) -> list[WorkerSlot]:
    """The workers' slots for experiments with these `device` words: a core each, or one a GPU; no more than `cells`.

    Raises ConfigError where there is no such device.
    """
    gpus = probe() if set(devices) != {"cpu"} and may_have_gpu() else {}
    slots = _on_gpus(gpus, devices, workers, cells)
    accelerated = any(gpu.startswith("cuda") for gpu in gpus)
    if any(WorkerSlot("cpu", 0, accelerated).takes(device) for device in devices):
        count = min(workers or cores(), cells)
        slots += [WorkerSlot("cpu", int(free_memory() * SHARE / count), accelerated)] * count
    for device in devices:
        if not any(slot.takes(device) for slot in slots):
            found = ", ".join(gpus) or "no GPU"
            raise ConfigError(
                f"device={device} is not available: PyTorch sees {found} here. Choose device=auto or device=cpu."
            )
    return slots


def _on_gpus(gpus: dict[str, int], devices: Collection[str], workers: int | None, cells: int) -> list[WorkerSlot]:
    """A slot a GPU that somebody wants; more workers than GPUs share them, and their memory."""
    wanted = [gpu for gpu in gpus if any(WorkerSlot(gpu, 0, True).takes(device) for device in devices)]
    if not wanted:
        return []
    count = min(workers or len(wanted), cells)
    sharing = math.ceil(count / len(wanted))
    return [WorkerSlot(gpu, int(gpus[gpu] * SHARE / sharing), True) for gpu in (wanted * sharing)[:count]]


def may_have_gpu() -> bool:
    """Whether it is worth asking torch, which takes seconds."""
    return sys.platform != "linux" or any(Path(driver).exists() for driver in DRIVERS)


def probe() -> dict[str, int]:
    """Each GPU with its free bytes, found out by a child, so that this process needs neither torch nor a CUDA context."""
    found = subprocess.run(command("trainer.sweep.probe"), env=environment("cuda"), capture_output=True, text=True)
    return json.loads(found.stdout) if found.returncode == 0 else {}


def free_memory() -> int:
    """Bytes that can be had without swapping, within the limit of this process's control group."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    try:
        group = Path("/sys/fs/cgroup")
        room = int((group / "memory.max").read_text(encoding="utf-8")) - int(
            (group / "memory.current").read_text(encoding="utf-8")
        )
    except (OSError, ValueError):  # no control group, or "max"
        return free
    return max(min(free, room), 0)
