"""What fewer bits in the products cost in accuracy and save in time: the same seeds at each precision, compared in pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.contest import in_own_process
from benchmarks.gpu import gpu_name
from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet
from benchmarks.work import Work
from trainer.compare.statistics import estimate, paired_difference

HELD_OUT, EPOCHS, SEEDS = 10_000, 5, 10


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("precision-quick" if quick else "precision", machine())
    gpu = in_own_process(gpu_name)
    device, seeds = ("cuda" if gpu else "cpu"), 3 if quick else SEEDS
    accuracies: dict[str, dict[Any, float]] = {}
    rows = []
    for precision in ("float32", *in_own_process(lower)):
        tell(f"{precision} on {gpu or 'the CPU'}")
        found, seconds = in_own_process(train, work, precision, device, seeds)
        accuracies[precision] = dict(enumerate(found))
        mean = estimate(found)
        rows.append([precision, f"{mean.mean:.2f} ± {mean.sd:.2f} %", f"{seconds / seeds / EPOCHS:.3f}"])
    for precision in list(accuracies)[1:]:
        difference = paired_difference(accuracies[precision], accuracies["float32"])
        name = f"test accuracy, {precision} less float32 (mean of {seeds} pairs)"
        report.figures.append(Figure(name, difference.mean, "points"))
        report.notes.append(f"{precision} less float32: 95 % {difference.low:.2f} to {difference.high:.2f} points.")
    report.sheets.append(Sheet("Accuracy and time", ("precision", "test accuracy", "s a run and epoch"), rows))
    report.notes.append(f"heavy_ball lr=0.05, {EPOCHS} epochs, {seeds} seeds as one stack on {gpu or 'one thread'}.")
    report.data = {precision: list(values.values()) for precision, values in accuracies.items()}
    return report


def lower() -> list[str]:
    """The precisions below float32 that the device has."""
    import torch

    if not torch.cuda.is_available():
        return ["bf16"]
    return ["tf32", "bf16"] if torch.cuda.get_device_capability() >= (8, 0) else []


def train(work: Work, precision: str, device: str, seeds: int) -> tuple[list[float], float]:
    """Test accuracies in % on samples held out, and the seconds that all runs took."""
    import torch

    from trainer.data.loading import Data, Split
    from trainer.data.tensors import on_device
    from trainer.engine.loop import Training
    from trainer.experiment import Experiment

    floats = work.floats
    cut = len(floats) - HELD_OUT
    training, test = Split(floats[:cut], work.labels[:cut]), Split(floats[cut:], work.labels[cut:])
    data = on_device(Data(work.name, training, Split(floats[:0], work.labels[:0]), test, 10), torch.device(device))
    keys: dict[str, Any] = {"precision": precision, "device": device, "optimizer": "heavy_ball", "epochs": EPOCHS}
    stack = Training([Experiment(seed=seed, threads=1, **keys) for seed in range(seeds)], data)
    last = [records for records in stack if records][-1]
    return [100 * record.metrics["test/accuracy"] for record in last], stack.seconds
