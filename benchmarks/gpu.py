"""On CUDA: one run, stacks and a sweep, against the products' floor; a sentence where there is no GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks.contest import in_own_process
from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet
from benchmarks.work import Clock, Work

STACKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
PRECISIONS = ("float32", "tf32", "bf16")


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("gpu-quick" if quick else "gpu", machine())
    name = in_own_process(gpu_name)
    if name is None:
        report.notes.append("PyTorch sees no CUDA device here: the GPU section was skipped.")
        return report
    report.machine["gpu"] = name
    rows = []
    for precision in PRECISIONS:
        for runs in STACKS[: 4 if quick else None]:
            tell(f"{runs} runs, {precision}")
            ours, floor = in_own_process(measure, work, runs, precision, rounds)
            report.data.setdefault(precision, {})[str(runs)] = {"ours": ours, "floor": floor}
            rows.append([precision, str(runs), f"{ours:.4f}", f"{floor:.4f}", f"{ours / floor:.2f}"])
    columns = ("precision", "runs", "s a run and epoch", "the floor's", "ratio")
    report.sheets.append(Sheet("One run and stacks", columns, rows, f"{work.updates} updates, median of {rounds}."))
    report.figures.append(Figure("sweep of 64 runs and 10 epochs", in_own_process(sweep, work), "s", None, 2.0))
    return report


def gpu_name() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def measure(work: Work, runs: int, precision: str, rounds: int) -> tuple[float, float]:
    """Seconds a run and epoch, ours and the floor's at the same precision."""
    from benchmarks.contestants import floor, ours

    clocks = Clock(work), Clock(work)
    work = replace(work, precision=precision)
    ours.epochs(work, 1 + rounds, clocks[0], runs, device="cuda")
    floor.epochs(work, 1 + rounds, clocks[1], runs, device="cuda")
    mine, bare = (median(clock.seconds[1:]) / runs for clock in clocks)
    return mine, bare


def sweep(work: Work) -> float:
    """Seconds of training of 64 runs for 10 epochs, after one to warm up."""
    from benchmarks.contestants import ours

    clock: Any = Clock(work)
    ours.epochs(work, 11, clock, runs=64, device="cuda")
    return sum(clock.seconds[1:])
