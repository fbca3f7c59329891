"""The same from Python: `ask` takes the words of `train study` as keywords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.compare.asking import as_html
from trainer.experiment import TECHNIQUES, Experiment
from trainer.run.directories import claim, now, reuse, taken
from trainer.study import store
from trainer.study.answer import Answer
from trainer.study.question import SEEDS, Question, configurations, factors
from trainer.study.report import as_data, render
from trainer.study.running import carry_out
from trainer.study.sentences import sentences

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Told(Answer):
    """An answer that shows itself: in a notebook as the terminal does, by `print` as its sentences."""

    def to_pandas(self) -> DataFrame:
        """A row a comparison, as in study.json: differences as shares, 0.001 for 0.1 points."""
        import pandas as pd

        return pd.DataFrame(as_data(self)["comparisons"])

    def __str__(self) -> str:
        return "\n".join(sentences(self))

    def _repr_html_(self) -> str:
        return as_html(list(render(self)))


def ask(*, margin: float | None = None, seeds: int = SEEDS, name: str | None = None, **words: Any) -> Told:
    """Answer a question: a technique's group takes a word or several, any other key is common to all runs.

    Without a `name` the runs get a directory of their own below runs/; with one, the study there goes on. `margin` is in points,
    `seeds` the most that judge. Raises ConfigError, RunsFailed where runs crashed, and Stopped after a signal."""
    asked = factors({group: _listed(words.pop(group)) for group in list(words) if group in TECHNIQUES})
    experiments = {one.key: Experiment.from_dict({**words, **one.choices}) for one in configurations(asked)}
    question = Question(asked, experiments, margin, seeds)
    if name is not None:
        store.check_same(Path("runs") / name, question)
    with taken(reuse if name else claim, Path("runs"), name or now()) as directory:
        return Told(**vars(carry_out(question, directory)))


def _listed(words: str | Sequence[str]) -> Sequence[str]:
    return [words] if isinstance(words, str) else words
