"""The contest: rounds in which every contestant trains in a process of its own, one after the other."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from benchmarks.work import Clock, Work

OURS = ("ours", "sweep")


@dataclass(frozen=True)
class Contestant:
    """Who trains: a module of `benchmarks.contestants` with its options, and the numbers of threads worth trying.

    With several `threads` the first round tries all and the others go on with the fastest. None: it decides by itself.
    """

    name: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    threads: tuple[int | None, ...] = (None,)
    epochs: int = 1

    @property
    def runs(self) -> int:
        return self.options.get("runs", 1)


@dataclass
class Result:
    """What a contestant showed: seconds a run and epoch, the losses of its runs after the first epoch."""

    contestant: Contestant
    seconds: dict[int | None, list[float]] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)

    @property
    def threads(self) -> int | None:
        """The number of threads with the smallest time seen."""
        return min(self.seconds, key=lambda threads: min(self.seconds[threads]))


def contest(work: Work, contestants: Iterable[Contestant], rounds: int, tell: Callable[[str], None]) -> list[Result]:
    """Interleaved: every contestant once a round, each round beginning with another one."""
    results = [Result(contestant) for contestant in contestants]
    for turn in range(rounds):
        start = turn * 3 % len(results)
        for result in results[start:] + results[:start]:
            tell(f"round {turn + 1} of {rounds}: {result.contestant.name}")
            for threads in result.contestant.threads if turn == 0 else (result.threads,):
                seconds, losses = in_own_process(race, work, result.contestant, threads)
                result.seconds.setdefault(threads, []).extend(seconds)
                result.losses = losses
    return results


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns, called in a fresh process: thread settings and memory stay there."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return pool.submit(function, *arguments).result()


def race(work: Work, contestant: Contestant, threads: int | None) -> tuple[list[float], list[float]]:
    """Train one epoch to warm up and `epochs` by the clock: seconds a run, and the losses after the first epoch."""
    limit_threads(threads)
    if contestant.module not in OURS:
        for ours in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):  # set by `import trainer`; peers wait as they come
            os.environ.pop(ours, None)
    clock = Clock(work)
    module = importlib.import_module(f"benchmarks.contestants.{contestant.module}")
    module.epochs(work, 1 + contestant.epochs, clock, **contestant.options)
    return [seconds / contestant.runs for seconds in clock.seconds[1:]][: contestant.epochs], clock.losses()


def limit_threads(threads: int | None) -> None:
    """Tell every library, before it is imported."""
    if threads is not None:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(threads)
        multi = str(threads > 1).lower()
        os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={multi} intra_op_parallelism_threads={threads}"
