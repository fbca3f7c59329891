"""What the fresh seeds say: differences on test images, seeds and images as crossed random effects, and when they suffice.

The seeds are others than those that chose the rates, and the test images have chosen nothing, so no estimate is flattered by
the choice. Seeds are added in batches until every interval is narrow: by width, never by significance (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from trainer.compare.crossed import Crossed, crossed, half_width
from trainer.compare.grades import Graded, graded
from trainer.compare.judging import Judgement, hits_table
from trainer.compare.pairing import by_seed
from trainer.compare.planning import default_margin, enough
from trainer.compare.rates import bounded
from trainer.compare.runs import Run
from trainer.compare.statistics import Estimate, estimate, paired_difference
from trainer.errors import ConfigError
from trainer.records import Status
from trainer.report.symptoms import only_guesses
from trainer.study.comparing import Comparison
from trainer.study.schedule import STUDY_LEVEL
from trainer.terminal.printable import command

METRIC = "test/accuracy"

Limit = Literal["margin", "images", "seeds"]


@dataclass(frozen=True)
class Sample:
    """A configuration's runs: mean test/accuracy over the seeds that did not diverge, how many did, how often gradients were
    clipped, and how many of the runs did no better than guessing."""

    estimate: Estimate
    diverged: int
    clipped: float | None = None
    guessing: int = 0

    @property
    def runs(self) -> int:
        return self.estimate.n + self.diverged


@dataclass(frozen=True)
class Verdict:
    """A comparison with what the runs say. Where runs of either side diverged no accuracy is compared: the rest would be a
    selection. Then `judgement` is None, and the samples have the counts."""

    comparison: Comparison
    ours: Sample
    base: Sample
    judgement: Judgement | None

    @property
    def grade(self) -> str:
        return self.judgement.graded.grade if self.judgement else "diverged"

    @property
    def is_better(self) -> bool:
        """Whether the estimate is above 0, whatever that is worth."""
        return self.judgement is not None and (self.judgement.difference.mean or 0.0) > 0


def sample(runs: Sequence[Run]) -> Sample:
    """A configuration's runs, all of them finished."""
    completed = [run for run in runs if run.status == Status.COMPLETED]
    acted = [share for run in completed if (share := run.metric("clipped_fraction")) is not None]
    clipped = float(np.mean(acted)) if acted else None
    found = bounded(estimate(list(by_seed(completed, METRIC).values())))
    return Sample(found, len(runs) - len(completed), clipped, sum(only_guesses(run.summary) for run in completed))


def verdicts(
    asked: Sequence[Comparison], runs: Mapping[str, Sequence[Run]], margin: float | None
) -> tuple[list[Verdict], float]:
    """Every comparison judged, corrected for their number, and the margin used, in the accuracy's own unit.

    `runs` holds all runs of each configuration by its key. Raises ConfigError where a run lacks its hits."""
    samples = {key: sample(own) for key, own in runs.items()}
    sound = [one for one in asked if not samples[one.ours].diverged and not samples[one.base].diverged]
    tables = [_table(runs[one.ours], runs[one.base]) for one in sound]
    wanted = margin if margin is not None else default_margin(max((np.shape(table)[1] for table in tables), default=0))
    results, grades = grade(tables, wanted)
    judgements = {}
    for one, result, own in zip(sound, results, grades, strict=True):
        difference = paired_difference(by_seed(runs[one.ours], METRIC), by_seed(runs[one.base], METRIC))
        judgements[one] = Judgement(difference, result, own, wanted)
    return [Verdict(one, samples[one.ours], samples[one.base], judgements.get(one)) for one in asked], wanted


def grade(tables: Sequence[ArrayLike], margin: float) -> tuple[list[Crossed], list[Graded]]:
    """The tables d[seed, image] of one study, at the level that pays for stopping by width."""
    results = [crossed(table, STUDY_LEVEL) for table in tables]
    return results, graded(results, margin, STUDY_LEVEL)


def _table(ours: Sequence[Run], base: Sequence[Run]) -> ArrayLike:
    table = hits_table(ours, base, METRIC)
    if table is None:
        lacking = next((run.directory for run in (*ours, *base) if run.hits is None), ours[0].directory)
        raise ConfigError(
            f"{lacking} has lost its hits.npz, which says what images it got right: remove that directory. "
            f"To train the run again type: {command('resume', lacking.parents[1])}"
        )
    return table


def is_enough(found: Sequence[Verdict], margin: float) -> bool:
    """Whether more seeds would not make any interval narrower than it need be."""
    return enough([one.judgement.crossed for one in found if one.judgement], margin)


def limit(found: Sequence[Verdict], margin: float) -> Limit:
    """What ended the judging: every interval no longer than the margin, the images, or the cap on seeds."""
    results = [one.judgement.crossed for one in found if one.judgement]
    if not enough(results, margin):
        return "seeds"
    halves = [half_width(result.parts, result.level) for result in results]
    return "margin" if all(half is not None and half <= margin / 2 for half in halves) else "images"
