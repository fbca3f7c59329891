"""Why the interval is what it is: ways to count seeds and images, compared by false claims and power.

    python -m benchmarks.interval_methods

From the exact distribution of the mean and its variance parts for normal effects of seeds and 1,000 images; about a minute.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet

Array = NDArray[np.float64]
COUNT, IMAGES = 40_000, 1000
SEEDS, RATIOS, COMPARISONS = (3, 5, 10, 20), (0.0, 0.3, 0.5, 1.0, 3.0, 10.0), (1, 3, 7)


@dataclass(frozen=True)
class Drawn:
    """Means and parts a, b, c of many tables of one design, at one two-sided level."""

    n: int
    level: float
    mean: Array
    a: Array
    b: Array
    c: Array
    sd: float

    @property
    def images(self) -> Array:
        return np.maximum(self.b - self.c, 0)

    def t(self, df: Array | float) -> Array:
        return stdtrit(df, 1 - self.level / 2)


def draw(rng: np.random.Generator, n: int, ratio: float, level: float) -> Drawn:
    """`ratio`: the standard error that seeds add, over that of the images, which is 1; the rest's variance is 1/n."""
    seeds, rest = ratio**2, 1 / n

    def part(expected: float, df: int) -> Array:
        return expected * rng.chisquare(df, COUNT) / df

    sd = math.sqrt(seeds + 1 + rest)
    shares = part(seeds + rest, n - 1), part(1 + rest, IMAGES - 1), part(rest, (n - 1) * (IMAGES - 1))
    return Drawn(n, level, rng.normal(0, sd, COUNT), *shares, sd)


def seeds_only(one: Drawn) -> Array:
    return one.t(one.n - 1) * np.sqrt(one.a)


def satterthwaite(one: Drawn) -> Array:
    variance = np.maximum(one.a + one.b - one.c, np.maximum(one.a, one.b))
    n, m = one.n - 1, IMAGES - 1
    df = variance**2 / (one.a**2 / n + one.b**2 / m + one.c**2 / (n * m))
    return one.t(np.maximum(df, 1)) * np.sqrt(variance)


def nested(one: Drawn) -> Array:
    return np.maximum(satterthwaite(one), seeds_only(one))


def cochran(one: Drawn) -> Array:
    weighed = one.t(one.n - 1) * one.a + one.t(IMAGES - 1) * one.images
    return np.maximum(weighed / np.sqrt(one.a + one.images), seeds_only(one))


def behrens_fisher(one: Drawn) -> Array:
    """The sum of a Student error for seeds and a normal one for images, by its quantiles on a grid of their proportion."""
    angles = np.linspace(0, np.pi / 2, 60)[:-1]
    image = np.sin(angles)[:, None] * ndtri((np.arange(2000) + 0.5) / 2000)
    low, high = np.zeros(len(angles)), np.full(len(angles), 300.0)
    for _ in range(50):
        middle = (low + high) / 2
        beyond = 2 * stdtr(one.n - 1, (image - middle[:, None]) / np.cos(angles)[:, None]).mean(axis=1)
        low, high = np.where(beyond > one.level, middle, low), np.where(beyond > one.level, high, middle)
    critical = np.append(high, -ndtri(one.level / 2))
    angle = np.arctan2(np.sqrt(one.images), np.sqrt(one.a))
    return np.interp(angle, np.append(angles, np.pi / 2), critical) * np.sqrt(one.a + one.images)


def banerjee(one: Drawn) -> Array:
    return np.sqrt(seeds_only(one) ** 2 + one.t(IMAGES - 1) ** 2 * one.images)


METHODS: dict[str, Callable[[Drawn], Array]] = {
    "seeds only": seeds_only,
    "Satterthwaite": satterthwaite,
    "both of these": nested,
    "Cochran": cochran,
    "Behrens–Fisher": behrens_fisher,
    "Banerjee (used)": banerjee,
}


def measure(rng: np.random.Generator) -> list[dict[str, float | str]]:
    found: list[dict[str, float | str]] = []
    for comparisons in COMPARISONS:
        for n in SEEDS:
            for ratio in RATIOS:
                one = draw(rng, n, ratio, 0.05 / comparisons)
                effect = one.sd * (4.5 if n == 3 else 3.0)
                for name, method in METHODS.items():
                    half = method(one)
                    false, power = (float(np.mean(np.abs(one.mean + shift) > half)) for shift in (0.0, effect))
                    where = {"comparisons": comparisons, "n": n, "ratio": ratio, "method": name}
                    found.append({**where, "false": false * comparisons, "power": power})
    return found


def sheet(found: list[dict[str, float | str]], comparisons: int) -> Sheet:
    def cell(n: int, ratio: float, name: str) -> str:
        wanted = {"comparisons": comparisons, "n": n, "ratio": ratio, "method": name}
        row = next(row for row in found if wanted.items() <= row.items())
        return f"{row['false']:.3f}, {row['power']:.2f}"

    rows = [[str(n), f"{ratio:g}", *(cell(n, ratio, name) for name in METHODS)] for n in SEEDS for ratio in RATIOS]
    note = (
        "Power for a difference of 3 standard errors, 4.5 where n = 3. False claims are multiplied by the comparisons."
    )
    return Sheet(f"False claims and power at 5 % / {comparisons}", ["n", "seeds/images", *METHODS], rows, note)


def main() -> None:
    found = measure(np.random.default_rng(20260102))
    report = Report("interval-methods", machine(), [sheet(found, k) for k in COMPARISONS], data={"rates": found})
    for name in METHODS:
        rows = [row for row in found if row["method"] == name]
        report.figures += [
            Figure(
                f"{name}: largest rate of false claims",
                max(float(row["false"]) for row in rows),
                "(rate × comparisons)",
            ),
            Figure(f"{name}: mean power", float(np.mean([row["power"] for row in rows])), "", at_least=True),
        ]
    print(report.save())


if __name__ == "__main__":
    main()
