"""Questions for the tests of studies."""

from __future__ import annotations

from trainer.experiment import Experiment
from trainer.study.question import Question, configurations, factors


def question(words: dict[str, list[str]] | None = None, epochs: int = 2, **limits: object) -> Question:
    asked = factors(words or {"clip": ["grad"]})
    experiments = {one.key: Experiment.from_dict({"epochs": epochs, **one.choices}) for one in configurations(asked)}
    return Question(asked, experiments, **limits)  # type: ignore[arg-type]
