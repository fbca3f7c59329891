"""Where the work is done: the device, and on a CPU with how many threads."""

from __future__ import annotations

import time

import torch

from trainer.engine.cores import cores
from trainer.errors import ConfigError

FEW_ROWS = 16
"""Below so many rows MKL lets the number of threads change a product's last bits; one thread is the fastest there anyway."""


def resolve(device: str) -> torch.device:
    """The device that a word means; `auto` takes CUDA, then the CPU. ConfigError where it is not available.

    A Mac's GPU must be named: nobody has run the tests on one.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    found = torch.device(device)
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        has = f"only {count} CUDA device{'s' if count > 1 else ''}" if count else "no CUDA device"
        raise ConfigError(
            f"device={device} is not available: PyTorch sees {has} here. Choose device=auto or device=cpu."
        )
    if found.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(
            "device=mps is not available: PyTorch sees no Apple GPU here. Choose device=auto or device=cpu."
        )
    return found


def set_precision(precision: str, device: torch.device) -> None:
    """Let CUDA round the factors of float32 products to TF32, or not. ConfigError where the device has no such precision."""
    if precision == "tf32" and (device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)):
        raise ConfigError(f"precision=tf32 is a mode of NVIDIA GPUs since Ampere and {device} is none: choose float32.")
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ConfigError(f"precision=bf16 is not available on {device}: choose precision=float32.")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Threads:
    """Times updates and, where `threads=auto`, keeps choosing the number of threads that makes them fastest.

    Results do not depend on the number (architecture: sums have a fixed tree), so it may change between any two updates. It
    must: two threads win on a quiet machine and lose badly beside a busy neighbour, who comes and goes. Every `PERIOD` seconds
    each candidate is tried for `TRIAL` seconds, in `TURNS` turns, and the one with the fastest turn goes on: a moment's
    disturbance, or the cold caches of the very first turn, decide nothing. The first `SETTLE` updates with another number pay
    for the change (threads to start) and say nothing about it. Between trials several updates may be timed as one, as long as
    they take no more than `LONGEST` seconds.
    """

    PERIOD, TRIAL, TURNS, SETTLE, LONGEST = 1.0, 0.015, 2, 3, 0.1

    def __init__(self, setting: int | str, device: torch.device, rows: int):
        most = cores()
        self.candidates = [most >> i for i in range(most.bit_length()) if most >> i]
        if setting != "auto":
            self.candidates = [int(setting)]
        if rows < FEW_ROWS:
            self.candidates = [1]
        self.adapts = len(self.candidates) > 1 and device.type == "cpu"
        self.each = float("inf")
        self._begin_trials()

    def at_once(self, most: int) -> int:
        """How many updates to time as one, of at most `most`."""
        is_trial = self.adapts and self.waiting is not None
        return 1 if is_trial else max(1, min(most, int(self.LONGEST / self.each)))

    def timed(self, updates: int) -> Threads:
        """A context whose `seconds` are those of so many updates made in it."""
        self.updates = updates
        return self

    def __enter__(self) -> Threads:
        self.started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.started
        self.each = max(self.seconds, 1e-9) / self.updates
        if self.adapts:
            self._learn()

    def _learn(self) -> None:
        """Count what was timed; when the current span is over, try the next candidate or go on with the fastest."""
        self.count += 1
        if self.count > self.SETTLE:
            self.spent += self.seconds
        if self.spent < (self.TRIAL if self.waiting is not None else self.PERIOD) or self.count < 2 * self.SETTLE:
            return
        if self.waiting is None:
            return self._begin_trials()
        pace = self.spent / (self.count - self.SETTLE)
        self.pace[self.current] = min(self.pace[self.current], pace)
        self._use(self.waiting.pop() if self.waiting else None)

    def _begin_trials(self) -> None:
        self.pace = dict.fromkeys(self.candidates, float("inf"))
        self.waiting: list[int] | None = self.candidates * self.TURNS
        self._start(self.waiting.pop())

    def _use(self, candidate: int | None) -> None:
        if candidate is None:
            self.waiting = None
            candidate = min(self.pace, key=self.pace.__getitem__)
        self._start(candidate)

    def _start(self, candidate: int) -> None:
        self.current, self.spent, self.count = candidate, 0.0, 0
        if torch.get_num_threads() != candidate:
            torch.set_num_threads(candidate)
