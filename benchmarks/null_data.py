"""How often `train compare` claims a difference where there is none: simulated tables of seeds × images under the null.

    python -m benchmarks.null_data              about three minutes on one core
    python -m benchmarks.null_data --thorough   about twelve

Seeds and images are drawn anew for every table. All groups of a table share the images and one baseline, as in a real
table: its runs' effects are common to the comparisons. The functions that judge are the project's own.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet
from trainer.compare.crossed import Crossed, Parts, half_width, p_of_seeds, parts, student
from trainer.compare.planning import enough
from trainer.study.schedule import BATCH, FIRST_SEEDS, STUDY_LEVEL

GROUPS = (2, 4, 8)
SEEDS = (3, 5, 10, 20)
LOOKS = (3, 5, 10, 15, 20, 25, 30)
LEVEL = 0.05
# A study's margins: what an interval is typically as long as with so many seeds
STOPS = (4, 7, 10, 13, 17, 22)
SCHEDULES = {
    "3, then 5, 10, …; 5 %": (LOOKS, 0.05),
    "5 and batches of 5; 5 %": (LOOKS[1:], 0.05),
    f"{FIRST_SEEDS} and batches of {BATCH}; {STUDY_LEVEL * 100:g} %": (
        tuple(range(FIRST_SEEDS, LOOKS[-1] + 1, BATCH)),
        STUDY_LEVEL,
    ),
}

Table = dict[int, list[Parts]]  # per number of seeds, one a comparison


@dataclass(frozen=True)
class World:
    """Where tables come from. `images` and `seeds`: the sd of what a technique does to an image, and of a run's luck.

    Gaussian: beside them every answer has an sd of 1. Hits: an image's latent ease is normal (6, 3), the answer right
    where ease + effects + standard noise are positive: 2 to 7 % errors, most of them on few images."""

    name: str
    hits: bool
    m: int
    images: float
    seeds: float

    def draw(self, rng: np.random.Generator, groups: int, n: int) -> NDArray[np.floating]:
        """Answers of shape (groups, n, images that matter): those that nobody gets wrong are all alike."""
        ease = rng.normal(6, 3, self.m) if self.hits else np.zeros(self.m)
        if self.hits:
            ease = ease[ease < 4.5 + 3 * math.hypot(self.images, self.seeds)]
        answers = rng.standard_normal((groups, n, len(ease)), dtype=np.float32)
        answers += np.float32(self.images) * rng.standard_normal((groups, 1, len(ease)), dtype=np.float32)
        answers += np.float32(self.seeds) * rng.standard_normal((groups, n, 1), dtype=np.float32)
        answers += ease.astype(np.float32)
        return (answers > 0).astype(np.int8) if self.hits else answers

    def tables(self, rng: np.random.Generator, count: int) -> Iterator[Table]:
        for _ in range(count):
            answers = self.draw(rng, max(GROUPS), max(LOOKS))
            table = answers[1:] - answers[0]
            padded = np.pad(table, ((0, 0), (0, 0), (0, self.m - table.shape[2])))
            yield {n: [parts(one[:n]) for one in padded] for n in LOOKS}


def gaussian(m: int, ratio: float) -> World:
    """`ratio`: the sd that seeds add to one seed's mean, over the one that images add to it."""
    return World(f"Gaussian, {m:,} images, seeds/images {ratio:g}", False, m, 1.0, ratio / math.sqrt(m))


WORLDS = [
    *(gaussian(m, ratio) for m in (125, 1000) for ratio in (0, 1, 3, 10)),
    World("Gaussian, 1,000 images, no effect of images", False, 1000, 0.0, 3 / math.sqrt(1000)),
    World("hits, 125 images, large image effects", True, 125, 5.0, 0.0),
    World("hits, 1,000 images, image effects", True, 1000, 2.0, 0.0),
    World("hits, 1,000 images, both", True, 1000, 1.0, 0.3),
    World("hits, 1,000 images, independent answers", True, 1000, 0.0, 0.0),
    World("hits, 10,000 images, both", True, 10_000, 1.0, 0.2),
    World("hits, 10,000 images, no effect of images", True, 10_000, 0.0, 0.1),
]


def is_real(one: Parts, level: float) -> bool:
    """As in the verdict at that level: p < level is the same as an interval without 0, where there is a test."""
    half = half_width(one, level)
    return half is not None and bool(one.seeds) and abs(one.mean or 0.0) > half


def is_seeds_only(one: Parts, level: float) -> bool:
    p = p_of_seeds(one)
    return p is not None and p < level


def any_claim(claims: Callable[[Parts, float], bool], comparisons: Sequence[Parts], level: float) -> bool:
    """Whether Holm's correction rejects anything: its first step does, the smallest p-value at level/comparisons."""
    return any(claims(one, level / len(comparisons)) for one in comparisons)


def fixed(tables: Sequence[Table], groups: int, n: int, sd: float) -> dict[str, float]:
    """Rates over tables of a fixed size; the power is that of the first comparison, the effect one sd of one seed."""
    rows = [table[n][: groups - 1] for table in tables]
    level = LEVEL / (groups - 1)
    shifted = [replace(row[0], mean=(row[0].mean or 0.0) + sd) for row in rows]
    return {
        "real": float(np.mean([any_claim(is_real, row, LEVEL) for row in rows])),
        "seeds only": float(np.mean([any_claim(is_seeds_only, row, LEVEL) for row in rows])),
        "power": float(np.mean([is_real(one, level) for one in shifted])),
        "power of seeds only": float(np.mean([is_seeds_only(one, level) for one in shifted])),
    }


def sequential(tables: Sequence[Table], groups: int, looks: Sequence[int], level: float) -> dict[str, float]:
    """A study that stops by width, at the margin that makes it err most."""
    rows = [{n: row[: groups - 1] for n, row in table.items()} for table in tables]
    return max((stopped(rows, margin, looks, level) for margin in margins(rows, level)), key=lambda one: one["real"])


def margins(rows: Sequence[Table], level: float) -> list[float]:
    """For each of STOPS the typical length of a table's longest interval, by the median at 30 seeds scaled to it."""
    last = rows[0][LOOKS[-1]]
    typical = [np.median([row[LOOKS[-1]][place].seeds for row in rows]) for place in range(len(last))]
    share = np.median([max(one.images_share or 0.0 for one in row[LOOKS[-1]]) for row in rows])
    seeds = float(max(typical)) * LOOKS[-1]
    m = last[0].m
    return [
        2 * math.hypot(student(n - 1, level) * math.sqrt(seeds / n), student(m - 1, level) * math.sqrt(share))
        for n in STOPS
    ]


def stopped(rows: Sequence[Table], margin: float, looks: Sequence[int], level: float) -> dict[str, float]:
    ends = [
        next((n for n in looks if enough([Crossed(one, level) for one in row[n]], margin)), looks[-1]) for row in rows
    ]
    real = [any_claim(is_real, row[n], level) for row, n in zip(rows, ends, strict=True)]
    seeds = [any_claim(is_seeds_only, row[n], level) for row, n in zip(rows, ends, strict=True)]
    return {"real": float(np.mean(real)), "seeds only": float(np.mean(seeds)), "seeds": float(np.mean(ends))}


def one_sd(tables: Sequence[Table]) -> float:
    """The sd of one seed's difference over new seeds and images, in the tables' unit."""
    last = [table[LOOKS[-1]][0] for table in tables]
    return math.sqrt(float(np.mean([(one.seeds or 0.0) * one.n + (one.images_share or 0.0) for one in last])))


def measure(world: World, count: int, rng: np.random.Generator) -> dict[str, object]:
    tables = list(world.tables(rng, count))
    sd = one_sd(tables)
    return {
        "tables": count,
        "one sd": sd,
        "fixed": {str(g): {str(n): fixed(tables, g, n, sd) for n in SEEDS} for g in GROUPS},
        "study": {name: {str(g): sequential(tables, g, *how) for g in GROUPS} for name, how in SCHEDULES.items()},
    }


def sheets(found: dict[str, dict]) -> list[Sheet]:
    bound = {world.name: not world.images for world in WORLDS}
    names = list(found)
    columns = ["tables from", *(f"{g} groups, n = {n}" for g in GROUPS for n in SEEDS)]

    def rows(names: Sequence[str], key: str) -> list[list[str]]:
        cells = [(g, n) for g in GROUPS for n in SEEDS]
        return [[name, *(f"{found[name]['fixed'][str(g)][str(n)][key]:.3f}" for g, n in cells)] for name in names]

    null = "Every claim is false; at most 0.05 is allowed, Monte-Carlo error apart."
    studies = [
        [name, how, *(f"{cell['real']:.3f} ({cell['seeds']:.0f})" for cell in found[name]["study"][how].values())]
        for name in names
        for how in SCHEDULES
    ]
    return [
        Sheet("Tables with a false `real`", columns, rows(names, "real"), null),
        Sheet(
            "Tables with a false claim by seeds alone, where images add nothing",
            columns,
            rows([name for name in names if bound[name]], "seeds only"),
            null,
        ),
        Sheet(
            "Tables with a claim by seeds alone, where techniques do differ on the images drawn",
            columns,
            rows([name for name in names if not bound[name]], "seeds only"),
            "True of these images and false of new ones: why `on these images only` is a grade of its own.",
        ),
        Sheet("Power of `real` for one sd of a single seed's difference", columns, rows(names, "power")),
        Sheet("Power of seeds alone for it", columns, rows(names, "power of seeds only")),
        Sheet(
            "Studies that stop by width: a false `real` at the worst margin (mean seeds)",
            ["tables from", "schedule and family-wise level", *(f"{g} groups" for g in GROUPS)],
            studies,
            f"At most {LOOKS[-1]} seeds. Margins: typical lengths with {STOPS} seeds; the worst of six is biased upwards.",
        ),
    ]


def report(count: int) -> Report:
    found = {}
    for place, world in enumerate(WORLDS):
        rng = np.random.default_rng([20260101, place])
        start = time.perf_counter()
        found[world.name] = measure(world, count, rng)
        print(f"{world.name}: {time.perf_counter() - start:.0f} s", flush=True)
    whole = Report("null-data", machine(), sheets(found), data=found)
    for grade in ("real", "seeds only"):
        names = [world.name for world in WORLDS if grade == "real" or not world.images]
        cells = [cell[grade] for name in names for row in found[name]["fixed"].values() for cell in row.values()]
        whole.figures += [Figure(f"{grade}: mean rate of false claims", float(np.mean(cells)), "of tables", must=0.05)]
        whole.figures += [Figure(f"{grade}: largest rate of false claims", max(cells), "of tables")]
    how = list(SCHEDULES)[-1]
    worst = max(cell["real"] for one in found.values() for cell in one["study"][how].values())
    whole.figures.append(Figure("real in a study: largest rate of false claims", worst, "of tables"))
    error = math.sqrt(LEVEL * (1 - LEVEL) / count)
    whole.notes.append(f"A rate of 0.05 from {count} tables has a standard error of {error:.4f}.")
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.null_data", description=__doc__.split("\n")[0])
    parser.add_argument("--thorough", action="store_true", help="5,000 tables instead of 1,200")
    parser.add_argument("--tables", type=int, help="how many tables of each kind")
    options = parser.parse_args(arguments)
    print(report(options.tables or (5000 if options.thorough else 1200)).save())


if __name__ == "__main__":
    main()
