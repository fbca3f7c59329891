"""Us and the peers on the same work, against each other and against the floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.contest import Contestant, Result, contest
from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet
from benchmarks.work import Work

US, ARTICLE, LIGHTNING, SKLEARN, JAX = "train", "article's loop", "Lightning, in memory", "scikit-learn", "JAX, jit"
JAX_32, SWEEP = "JAX, vmap of 32", "train, sweep of 32, all cores"
BAND = 0.25
"""How far a contestant's loss after its first epoch may lie from the article's, as a share."""

CONTESTANTS = [
    Contestant(US, "ours", epochs=4),
    Contestant("train, 1 thread", "ours", {"threads": 1}, epochs=2),
    Contestant("train, 2 threads", "ours", {"threads": 2}, epochs=2),
    Contestant(ARTICLE, "article", threads=(1, 2)),
    Contestant(LIGHTNING, "lightning_memory", threads=(1, 2)),
    Contestant(SKLEARN, "sklearn_mlp", threads=(1, 2), epochs=3),
    Contestant(JAX, "jax_scan", threads=(1, 2), epochs=4),
    Contestant("floor", "floor", {"by": "torch"}, threads=(1, 2), epochs=4),
    Contestant("floor by oneDNN", "floor", threads=(1, 2), epochs=4),
    Contestant("train, stack of 32, 1 thread", "ours", {"runs": 32, "threads": 1}),
    Contestant("floor of 32, 1 thread", "floor", {"runs": 32, "by": "torch"}, threads=(1,)),
    Contestant("floor of 32 by oneDNN, 1 thread", "floor", {"runs": 32}, threads=(1,)),
    Contestant(SWEEP, "sweep", {"runs": 32}),
    Contestant(JAX_32, "jax_scan", {"runs": 32}, threads=(2,)),
]
"""Two floors: the products as torch.mm and torch.bmm make them, and as oneDNN does, which is faster on some processors."""
QUICK = [c for c in CONTESTANTS if c.runs < 32 and "thread" not in c.name]


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("peers-quick" if quick else "peers", machine())
    results = contest(work, QUICK if quick else CONTESTANTS, rounds, tell)
    by_name = {result.contestant.name: result for result in results}
    typical = {name: median(result.seconds[result.threads]) for name, result in by_name.items()}
    report.sheets.append(_sheet(work, results, typical))
    report.figures += figures(typical)
    report.notes += learned(by_name)
    report.data = {"work": work.name, "rounds": rounds, "seconds a run and epoch": _raw(results), "median": typical}
    return report


def _raw(results: Sequence[Result]) -> dict[str, dict[str, list[float]]]:
    return {r.contestant.name: {str(threads): seconds for threads, seconds in r.seconds.items()} for r in results}


def _sheet(work: Work, results: Sequence[Result], typical: dict[str, float]) -> Sheet:
    rows = []
    for result in sorted(results, key=lambda result: typical[result.contestant.name]):
        name, seconds = result.contestant.name, sorted(result.seconds[result.threads])
        ratios = (f"{typical[name] / typical[other]:.2f}" for other in (US, "floor"))
        loss = f"{sum(result.losses) / len(result.losses):.3f}" if result.losses else ""
        spread = f"{seconds[0]:.3f} to {seconds[-1]:.3f}"
        rows.append(
            [name, str(result.threads or "own"), f"{typical[name]:.3f}", spread, str(len(seconds)), *ratios, loss]
        )
    columns = ("who", "threads", "s a run and epoch", "spread", "n", "/ us", "/ floor", "loss after epoch 1")
    note = f"Median and spread of n epochs in {work.updates} updates each, {work.name}; evaluation outside the clock."
    return Sheet("Us and the peers", columns, rows, note)


def figures(typical: dict[str, float]) -> list[Figure]:
    """The ratios, as far as their contestants took part."""

    def ratio(name: str, a: str, b: str, must: float | None, aim: float | None, at_least: bool = False) -> list[Figure]:
        both = a in typical and b in typical
        return [Figure(name, typical[a] / typical[b], "×", must, aim, at_least)] if both else []

    def over_floors(k: int) -> list[Figure]:
        name, us = f"stack of {k} on one thread over the floor", f"train, stack of {k}, 1 thread"
        by_onednn = ratio(f"{name} by oneDNN", us, f"floor of {k} by oneDNN, 1 thread", 1.25, 1.15)
        return ratio(name, us, f"floor of {k}, 1 thread", None, None) + by_onednn

    return [
        *ratio("faster than the article's loop", ARTICLE, US, 9, 12, at_least=True),
        *ratio("faster than Lightning", LIGHTNING, US, 4, 5.5, at_least=True),
        *ratio("faster than scikit-learn", SKLEARN, US, 1.7, 2.0, at_least=True),
        *ratio("one run over JAX jit", US, JAX, 1.1, 1.0),
        *ratio("one run over the floor", US, "floor", None, None),
        *ratio("one run over the floor by oneDNN", US, "floor by oneDNN", 1.4, 1.25),
        *ratio("sweep of 32 faster than jax.vmap", JAX_32, SWEEP, 1.5, 2.0, at_least=True),
        *over_floors(32),
    ]


def learned(by_name: dict[str, Result]) -> list[str]:
    """A sentence about the losses: that all learned, or who did not."""
    expected = median(by_name[ARTICLE].losses)
    low, high = (1 - BAND) * expected, (1 + BAND) * expected
    failed = [name for name, r in by_name.items() if any(not low <= loss <= high for loss in r.losses)]
    band = f"the band of {low:.3f} to {high:.3f} around the article's training loss after the first epoch"
    if not failed:
        return [f"All learned: every run lies in {band}."]
    return [f"DID NOT LEARN AS THE OTHERS: {name} left {band}." for name in failed]
