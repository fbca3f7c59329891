"""SLURM: each stack is a task of a job array, which SLURM starts again when it loses the node or needs it for others.

Plain `sbatch`, `squeue` and `scancel`: they are wherever SLURM is, and signals come through; accounting (`sacct`) is not needed.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from trainer.errors import ConfigError
from trainer.sweep.cells import SweepSettings
from trainer.sweep.child import command, environment
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.plan import Stack
from trainer.sweep.remote import UNITS, RemoteEngine
from trainer.sweep.remote_unit import RemoteUnit

LARGEST = 1000  # tasks of an array: SLURM's own default allows one more
WARNED = 60  # seconds before a limit of time that a unit is told to save
TOOLS = ("sbatch", "squeue", "scancel", "scontrol")
NAMED = ("partition", "account", "qos", "constraint", "time", "mem", "gpus", "cpus_per_task")
"""Options of sbatch that have a key of their own."""
FURTHER = (
    "begin", "comment", "contiguous", "cpu-freq", "cpus-per-gpu", "deadline", "dependency", "exclude", "exclusive", "gpu-bind",
    "gpu-freq", "gpus-per-node", "gpus-per-task", "gres", "gres-flags", "hint", "hold", "licenses", "mail-type", "mail-user",
    "mem-bind", "mem-per-cpu", "mem-per-gpu", "mincpus", "nice", "nodelist", "oversubscribe", "prefer", "priority",
    "reservation", "switches", "threads-per-core", "time-min", "tmp", "wckey",
)  # fmt: skip
"""Those that are passed on as they are typed: where, when and with how much. The others may name code, or files to write to, and
a sweep's directory may come from a stranger."""


class SlurmEngine(RemoteEngine):
    """`settings.options`: those of NAMED, and `sbatch`, a list of further words."""

    def __init__(self, directory: Path, settings: SweepSettings):
        super().__init__(directory, settings)
        self.options = settings.options
        self.jobs: list[str] = []

    def where(self, slots: Sequence[WorkerSlot]) -> str:
        return "SLURM"

    def accelerated(self) -> bool:
        return bool(self.options.get("gpus")) or any(
            word.startswith(("--gres=gpu", "--gpus-")) for word in self._further()
        )

    def cores(self) -> int:
        return int(self.options.get("cpus_per_task") or 1)

    def ask(self) -> None:
        for word in self._further():
            name, dashes = word.removeprefix("--").partition("=")[0], word[:2]
            if dashes != "--" or name not in FURTHER:
                raise ConfigError(
                    f"hydra.launcher.sbatch={word} is not passed on. Those that are, as --name or --name=value: "
                    f"{', '.join(FURTHER)}. With a key of their own: {', '.join(NAMED)}."
                )
        if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
            raise ConfigError(
                f"hydra/launcher=stack_slurm needs SLURM, and there is no {missing[0]} here. Type the command on a machine of "
                "the cluster, or leave hydra/launcher out."
            )
        self._sbatch("--test-only", script="#!/bin/sh\n")

    def submit(self, stacks: Sequence[Stack]) -> list[RemoteUnit]:
        units = []
        for first in range(0, len(stacks), LARGEST):
            part = stacks[first : first + LARGEST]
            job = self._sbatch(*self._array(len(part)), script=self._script(part)).partition(";")[0].strip()
            self.jobs.append(job)
            units += [RemoteUnit(stack, f"{job}_{i}", self.directory / UNITS) for i, stack in enumerate(part)]
        return units

    def _further(self) -> list[str]:
        return [str(word) for word in self.options.get("sbatch") or ()]

    def _array(self, count: int) -> list[str]:
        at_once = f"%{self.settings.workers}" if self.settings.workers else ""
        folder = str(self.directory / UNITS).replace("%", "%%")
        return [f"--array=0-{count - 1}{at_once}", f"--output={folder}/%A_%a.jsonl", f"--error={folder}/%A_%a.err"]

    def _script(self, stacks: Sequence[Stack]) -> str:
        """One task, one stack: its cells by their numbers."""
        cells = "\n".join(f'  "{" ".join(str(piece.cell) for piece in stack.pieces)}"' for stack in stacks)
        hidden = (
            "" if self.accelerated() else "export CUDA_VISIBLE_DEVICES=\n"
        )  # not every site hides what it has not given
        workers = () if self.accelerated() else ("--workers", str(self.cores()))
        unit = shlex.join(command("trainer.sweep.unit", *workers, str(self.directory)))
        return f"#!/bin/bash\ncells=(\n{cells}\n)\n{hidden}exec {unit} ${{cells[$SLURM_ARRAY_TASK_ID]}}\n"

    def _sbatch(self, *words: str, script: str) -> str:
        """What sbatch prints. ConfigError where it refuses, in its own words."""
        named = [f"--{key.replace('_', '-')}={self.options[key]}" for key in NAMED if self.options.get(key) is not None]
        always = ["--parsable", "--requeue", "--open-mode=append", f"--job-name=train-{self.directory.name}"]
        warned = [f"--signal=B:TERM@{WARNED}"] if self.options.get("time") else []
        done = subprocess.run(
            ["sbatch", *always, *warned, *named, *self._further(), *words],
            input=script,
            env=environment("cpu"),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ConfigError(f"SLURM does not take this: {' '.join(done.stderr.split()) or 'sbatch gives no reason.'}")
        return done.stdout

    def gone(self) -> Collection[RemoteUnit]:
        listed = subprocess.run(
            ["squeue", "--me", "--array", "--noheader", "--format=%F_%K"], capture_output=True, text=True
        )
        if listed.returncode:  # its controller does not answer for now
            return ()
        there = set(listed.stdout.split())
        gone = [unit for unit in self.units if unit.name not in there]
        for unit in gone:
            unit.why = self._end(unit.name)
        return gone

    def _end(self, name: str) -> str:
        """How a task ended, which SLURM remembers for some minutes."""
        shown = subprocess.run(["scontrol", "show", "job", "--oneliner", name], capture_output=True, text=True).stdout
        facts = dict(word.partition("=")[::2] for word in shown.split())
        state = facts.get("JobState")
        return (
            f"SLURM ended it as {state} with exit code {facts.get('ExitCode')}"
            if state
            else "it has left SLURM's queue"
        )

    def cancel(self) -> None:
        if self.jobs:
            subprocess.run(["scancel", *self.jobs], capture_output=True)
