"""How time and memory grow: with the runs of a stack, width, batch, depth and updates."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks.contest import in_own_process, limit_threads
from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet
from benchmarks.work import Clock, Work

SAMPLES = 4096
"""The scaling tables train on the first samples only, so that every point costs about a second."""
RUNS = (1, 2, 4, 8, 16, 32, 64, 128)
AXES: dict[str, Sequence[Any]] = {
    "hidden width": (32, 64, 128, 256, 512, 1024, 2048),
    "batch size": (1, 16, 128, 1024, "full"),
    "depth": (1, 2, 4, 8),
    "samples": (512, 1024, 2048, 4096),
}


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("scaling-quick" if quick else "scaling", machine())
    small = cut(work, 2048 if quick else SAMPLES)
    for axis, values in {"runs": RUNS, **AXES}.items():
        report.sheets.append(axis_sheet(small, axis, values[: 4 if quick else None], rounds, tell, report.data))
    report.sheets.append(memory(small, RUNS[: 4 if quick else None], tell, report))
    return report


def cut(work: Work, samples: int) -> Work:
    return replace(work, images=work.images[:samples], labels=work.labels[:samples])


def variant(work: Work, axis: str, value: Any) -> tuple[Work, dict[str, Any]]:
    """The work and the contestants' options at one point of an axis."""
    options = {"runs": value} if axis == "runs" else {}
    changes = {
        "runs": {},
        "hidden width": {"hidden": (value,)},
        "batch size": {"batch": value},
        "depth": {"hidden": (128,) * (value if axis == "depth" else 1)},
    }
    return (cut(work, value) if axis == "samples" else replace(work, **changes[axis])), options


def axis_sheet(
    work: Work, axis: str, values: Sequence[Any], rounds: int, tell: Callable[[str], None], data: dict[str, Any]
) -> Sheet:
    """Microseconds an update and run against one axis, ours and the floor's, one thread each."""
    tell(f"time against {axis}")
    points = in_own_process(measure, work, axis, values, rounds)
    data[axis] = {str(value): point for value, point in zip(values, points, strict=True)}
    rows = [
        [value, f"{p['updates']}", f"{p['ours']:,.0f}", f"{p['floor']:,.0f}", f"{p['ours'] / p['floor']:.2f}"]
        for value, p in data[axis].items()
    ]
    columns = (axis, "updates an epoch", "µs a run and update", "the floor's", "ratio")
    return Sheet(
        f"Time against {axis}", columns, rows, f"{len(work.labels):,} samples, one thread, median of {rounds}."
    )


def measure(work: Work, axis: str, values: Sequence[Any], rounds: int) -> list[dict[str, float]]:
    """All points of an axis, ours and the floor in turn, in microseconds a run and update."""
    limit_threads(1)
    from benchmarks.contestants import floor, ours

    points = []
    for value in values:
        changed, options = variant(work, axis, value)
        clocks = Clock(changed), Clock(changed)
        for _ in range(rounds):
            ours.epochs(changed, 2, clocks[0], **options, threads=1)
            floor.epochs(changed, 2, clocks[1], **options)
        scale = 1e6 / changed.updates / options.get("runs", 1)
        mine, bare = (median(clock.seconds[1::2]) * scale for clock in clocks)  # the first of two warms up
        points.append({"ours": mine, "floor": bare, "updates": changed.updates})
    return points


def memory(work: Work, runs: Sequence[int], tell: Callable[[str], None], report: Report) -> Sheet:
    """Peak memory of a stack beyond that of one run, against K − 1 times what a run must hold."""
    tell("memory")
    one, rows = in_own_process(peak, work, 1), []
    for k in runs[1:]:
        extra = in_own_process(peak, work, k) - one
        must = (k - 1) * needed(work)
        report.data.setdefault("memory beyond one run, MiB", {})[str(k)] = {
            "seen": extra / 2**20,
            "needed": must / 2**20,
        }
        rows.append([str(k), f"{extra / 2**20:.1f}", f"{must / 2**20:.1f}", f"{extra / must:.2f}"])
    report.figures.append(Figure(f"memory of a stack of {k} over what its runs must hold", extra / must, "×", 1.3))
    note = "Needed: parameters, gradient, slots, the copy of the last finite state, inputs and activations of a batch, the order."
    return Sheet("Memory against runs", ("runs", "MiB beyond one run", "needed", "ratio"), rows, note)


def peak(work: Work, runs: int) -> float:
    """Bytes of memory at the highest, of a process that trains `runs` for an epoch."""
    from benchmarks.contestants.ours import epochs

    epochs(work, 1, Clock(work), runs, threads=1)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def needed(work: Work) -> int:
    """Bytes a run can't do without: θ, g and v, θ and v of the last finite state, a batch with its activations, the order."""
    pairs = list(zip(work.widths, work.widths[1:], strict=False))
    parameters = sum(a * b + b for a, b in pairs)
    activations = int(work.batch) * (work.widths[0] + 2 * sum(work.widths[1:]))
    return 4 * (5 * parameters + activations) + 8 * len(work.labels)
