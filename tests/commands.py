"""The real command in real processes, many of them: forked from one server that has imported torch once. The workers of their
sweeps are forked by a server that all of them share."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import torch

from trainer.sweep.starting import forget

ROOT = Path(__file__).parents[1]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.preloaded"])

TINY = (
    *("dataset=synthetic", "dataset.samples=300", "dataset.validation=60", "dataset.features=48"),
    *("model.hidden=[8]", "batch_size=60", "threads=1", "device=cpu"),
)
"""A run whose epoch is four updates and takes some milliseconds."""


class Command:
    """`train words…`, begun in `cwd`; its streams go to files. The terminal is a pty where `terminal` is one."""

    def __init__(
        self,
        cwd: Path,
        *words: str,
        terminal: str | None = None,
        largest_file: int | None = None,
        memory: int | None = None,
        **env: str,
    ):
        """`largest_file` and `memory`, beyond what Python has taken already, are limits in bytes."""
        cwd.mkdir(parents=True, exist_ok=True)
        self.cwd, words = cwd, latest(words)
        number = len(list(cwd.glob("out.*")))
        self.files = cwd / f"out.{number}", cwd / f"err.{number}"
        self.process = CONTEXT.Process(
            target=_train, args=(cwd, words, self.files, terminal, (largest_file, memory), env)
        )
        with contextlib.chdir(ROOT):  # where the server, begun with the first command, looks for what it preloads
            forkserver.ensure_running()
        self.process.start()

    @property
    def out(self) -> str:
        return self.files[0].read_text() if self.files[0].exists() else ""

    @property
    def err(self) -> str:
        return self.files[1].read_text() if self.files[1].exists() else ""

    def send(self, number: signal.Signals) -> Command:
        os.kill(self.process.pid, number)
        return self

    def end(self, seconds: float = 120) -> int:
        """Wait for it; its exit code, or the negative number of the signal that killed it."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"still going after {seconds} s\n{self.out}\n{self.err}"
        return self.process.exitcode


def latest(words: tuple[str, ...]) -> tuple[str, ...]:
    """Of words with the same key the last, as tests mean it that add theirs to common ones; the command refuses two."""
    return tuple({word if word[:1] == "-" else word.partition("=")[0]: word for word in words}.values())


def train(cwd: Path, *words: str, **options: Any) -> Command:
    """The command, waited for."""
    command = Command(cwd, *words, **options)
    command.end()
    return command


def _train(
    cwd: Path,
    words: tuple[str, ...],
    files: tuple[Path, Path],
    terminal: str | None,
    limits: tuple[int | None, int | None],
    env: dict[str, str],
) -> None:
    os.chdir(cwd)
    os.environ.update(env)
    if any(limits):  # which hold for workers too
        forget()
    for fd, path in ((1, terminal or files[0]), (2, files[1])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644), fd)
    largest_file, memory = limits
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    if memory is not None:
        memory += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    import cli

    code = cli.run(words)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(code)


def until(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it never came")


def rows(directory: Path) -> list[dict[str, Any]]:
    """The records without the clock; a last line that was cut short is left out."""
    path = directory / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [{name: x for name, x in json.loads(line).items() if name != "seconds"} for line in lines]


def summary(directory: Path) -> dict[str, Any]:
    return json.loads((directory / "summary.json").read_text())


def same_bits(one: Path, two: Path) -> None:
    """Two runs left the same: states, networks, best networks, records; seconds aside."""
    for name in ("checkpoint.pt", "model.pt", "best.pt"):
        a, b = (tensors(torch.load(directory / name, weights_only=True)) for directory in (one, two))
        assert a.keys() == b.keys()
        for key in a:
            assert torch.equal(a[key], b[key]), (name, key)
    assert rows(one) == rows(two)
    clock = {
        "train_seconds",
        "wall_seconds",
        "samples_per_second",
        "seconds_to_target",
        "process",
        "clock",
        "overrides",
        "threads",
    }
    a, b = ({key: x for key, x in summary(directory).items() if key not in clock} for directory in (one, two))
    assert a == b


def tensors(content: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Every tensor and number of a file's content by its dotted name, configuration and clock left out."""
    found = {}
    for key, value in content.items():
        if key in ("config", "seconds", "dataset", "digest"):
            continue
        inner = tensors(value) if isinstance(value, dict) else {"": torch.as_tensor(() if value is None else value)}
        found |= {f"{key}.{name}": tensor for name, tensor in inner.items()}
    return found
