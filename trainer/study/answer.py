"""A study's answer as data: what was chosen, what was judged, and what ended it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.study.choosing import Trial, best, is_at_edge
from trainer.study.judging import Limit, Sample, Verdict
from trainer.study.question import Question


@dataclass(frozen=True)
class Chosen:
    """The learning rate that a configuration was judged at, and the trials that it was chosen from."""

    rate: float
    default: float
    trials: tuple[Trial, ...]

    @property
    def step(self) -> int:
        return best(self.trials).step

    @property
    def at_edge(self) -> bool:
        return is_at_edge(self.trials)


@dataclass(frozen=True)
class Answer:
    """`margin` in the accuracy's own unit (0.001: 0.1 points), `dataset` the one really used, `images` its test images,
    `seeds` how many judged each configuration."""

    question: Question
    directory: Path
    dataset: str
    images: int
    seeds: int
    margin: float
    limit: Limit
    chosen: Mapping[str, Chosen]
    samples: Mapping[str, Sample]
    verdicts: tuple[Verdict, ...]
