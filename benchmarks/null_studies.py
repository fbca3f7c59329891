"""How often a study claims a difference where there is none: the families of comparisons that its questions make.

    python -m benchmarks.null_studies              2,000 studies of each kind, about ten minutes on one core

As `benchmarks.null_data`, with the comparisons that `train study` makes of a question: pairs of words that share their runs, and
techniques alone, beside the others and together. The schedule, the levels and the functions that judge are the project's own.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.machine import machine
from benchmarks.null_data import LOOKS, SCHEDULES, WORLDS, Table, World, any_claim, is_real, sequential
from benchmarks.results import Figure, Report, Sheet
from trainer.compare.crossed import parts
from trainer.study.comparing import comparisons
from trainer.study.question import configurations, factors

LEVEL = 0.05
STUDY = list(SCHEDULES)[-1]
QUESTIONS = {
    "3 words, all pairs": {"optimizer": ("sgd", "momentum", "adam")},
    "5 words, all pairs": {"optimizer": ("sgd", "momentum", "heavy_ball", "nesterov", "adam")},
    "2 techniques": {"optimizer": ("momentum",), "clip": ("grad",)},
    "5 techniques": {
        "optimizer": ("momentum",),
        "clip": ("grad_weight",),
        "decay": ("exponential",),
        "normalization": ("batch_article",),
        "dropout": ("half",),
    },
}
TABLES = [world for world in WORLDS if world.m >= 1000]  # a study judges on test images


def pairs(question: str) -> tuple[int, list[tuple[int, int]]]:
    """How many configurations a question has, and which of them it compares."""
    asked = factors(QUESTIONS[question])
    keys = [one.key for one in configurations(asked)]
    return len(keys), [(keys.index(one.ours), keys.index(one.base)) for one in comparisons(asked)]


def studies(world: World, question: str, rng: np.random.Generator, count: int) -> Iterator[Table]:
    """What each look of a study sees of configurations that are all the same."""
    size, compared = pairs(question)
    looks = {LOOKS[-1], *SCHEDULES[STUDY][0]}
    for _ in range(count):
        answers = world.draw(rng, size, LOOKS[-1])
        padding = ((0, 0), (0, world.m - answers.shape[2]))
        tables = [np.pad(answers[ours] - answers[base], padding) for ours, base in compared]
        yield {n: [parts(table[:n]) for table in tables] for n in sorted(looks)}


def measure(world: World, question: str, rng: np.random.Generator, count: int) -> dict[str, float]:
    found = list(studies(world, question, rng, count))
    first = min(SCHEDULES[STUDY][0])
    fixed = float(np.mean([any_claim(is_real, table[first], LEVEL) for table in found]))
    stopped = sequential(found, len(found[0][first]) + 1, *SCHEDULES[STUDY])
    return {"comparisons": len(found[0][first]), "fixed": fixed, **stopped}


def report(count: int) -> Report:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for place, question in enumerate(QUESTIONS):
        start, found[question] = time.perf_counter(), {}
        for number, world in enumerate(TABLES):
            rng = np.random.default_rng([20261125, place, number])
            found[question][world.name] = measure(world, question, rng, count)
        print(f"{question}: {time.perf_counter() - start:.0f} s", flush=True)
    worst = max(cell["real"] for row in found.values() for cell in row.values())
    error = math.sqrt(LEVEL * (1 - LEVEL) / count)
    return Report(
        "null-studies",
        machine(),
        [_sheet(found)],
        [Figure("false `real` in a study: largest rate", worst, "of studies")],
        data=found,
        notes=[f"A rate of 0.05 from {count} studies has a standard error of {error:.4f}."],
    )


def _sheet(found: dict[str, dict[str, dict[str, float]]]) -> Sheet:
    rows = [
        [question, world, f"{cell['comparisons']:g}", f"{cell['fixed']:.3f}", f"{cell['real']:.3f}"]
        for question, row in found.items()
        for world, cell in row.items()
    ]
    columns = ["question", "tables from", "comparisons", "ten seeds, no looks, 5 %", STUDY]
    return Sheet("Studies with a false `real`, at the worst margin", columns, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.null_studies", description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=2000, help="how many of each kind")
    print(report(parser.parse_args(arguments).studies).save())


if __name__ == "__main__":
    main()
