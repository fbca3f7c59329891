"""The same from Python: `ask` takes the words of `train study` as keywords."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.experiment import Experiment
from trainer.run.directories import claim, reuse
from trainer.study import store
from trainer.study.answer import Answer
from trainer.study.question import SEEDS, TECHNIQUES, Question, configurations, factors
from trainer.study.running import carry_out


def ask(*, margin: float | None = None, seeds: int = SEEDS, name: str | None = None, **words: Any) -> Answer:
    """Answer a question: a technique's group takes a word or several, any other key is common to all runs.

    Without a `name` the runs get a directory of their own below runs/; with one, the study there goes on. `margin` is in points,
    `seeds` the most that judge. Raises ConfigError, RunsFailed where runs crashed, and Stopped after a signal."""
    asked = factors({group: _listed(words.pop(group)) for group in list(words) if group in TECHNIQUES})
    experiments = {one.key: Experiment.from_dict({**words, **one.choices}) for one in configurations(asked)}
    question = Question(asked, experiments, margin, seeds)
    if name is None:
        return carry_out(question, claim(Path("runs")))
    store.check_same(Path("runs") / name, question)
    return carry_out(question, reuse(Path("runs"), name))


def _listed(words: str | Sequence[str]) -> Sequence[str]:
    return [words] if isinstance(words, str) else words
