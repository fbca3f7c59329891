"""The answer on paper: study.json for programs, study.md for people, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trainer.compare.comparison import compare
from trainer.compare.options import Options
from trainer.compare.plot import draw as draw_comparison
from trainer.errors import CompareError
from trainer.identity import show
from trainer.report.files import write_whole
from trainer.study import store
from trainer.study.answer import Answer
from trainer.study.doubts import learned_nothing
from trainer.study.judging import METRIC, Verdict
from trainer.study.methods import methods
from trainer.study.picture import draw as draw_effects
from trainer.study.planning import asks
from trainer.study.sentences import POINTS, accuracy, alone, beside, limits, over_all, sentences, technique

MARKDOWN = "study.md"
SWEEPS = {"accuracy.png": ("judge", Options(METRIC)), "rates.png": ("choose", Options(tune=("optimizer.lr",)))}
"""Each picture of a sweep, which one it shows, and how."""

SHORT = {"equal within margin": "equal", "limited by images": "undecided", "on these images only": "these images"}
"""Grades that are too long for a table."""


def write(answer: Answer) -> list[str]:
    """Write everything; returns a sentence for each picture that could not be drawn. Raises OSError."""
    problems = []
    drawn = []
    for file, draw in _pictures(answer).items():
        try:
            draw(answer.directory / file)
            drawn.append(file)
        except CompareError as error:
            problems.append(f"{file} was not drawn: {str(error).removeprefix('--plot ')}")
    write_whole(answer.directory / MARKDOWN, markdown(answer, drawn).encode())
    store.write(answer.directory, answer.question, as_data(answer))
    return problems


def _pictures(answer: Answer) -> dict[str, Callable[[Path], None]]:
    """What draws each picture into its file."""

    def of_sweep(sweep: str, options: Options, path: Path) -> None:
        draw_comparison(compare([answer.directory / sweep], options), path)

    return {
        "effects.png": partial(draw_effects, answer),
        **{file: partial(of_sweep, *shown) for file, shown in SWEEPS.items()},
    }


def as_data(answer: Answer) -> dict[str, Any]:
    """The answer as plain data; accuracies and their differences as shares, 0.001 for 0.1 points."""
    return {
        "dataset": answer.dataset,
        "images": answer.images,
        "seeds": answer.seeds,
        "margin": answer.margin,
        "limit": answer.limit,
        "configurations": [_configuration(answer, one.key, one.title) for one in answer.question.configurations],
        "comparisons": [_comparison(one) for one in answer.verdicts],
        "sentences": sentences(answer),
        "methods": methods(answer),
    }


def _configuration(answer: Answer, key: str, title: str) -> dict[str, Any]:
    sample, chosen = answer.samples[key], answer.chosen[key]
    found = sample.estimate
    tried = [
        {
            "lr": chosen.default * 2.0**trial.step,
            "valid/accuracy": trial.mean,
            "n": len(trial.accuracies),
            "diverged": trial.diverged,
        }
        for trial in sorted(chosen.trials, key=lambda trial: trial.step)
    ]
    judged = {
        "n": found.n,
        "diverged": sample.diverged,
        METRIC: found.mean,
        "sd": found.sd,
        "clipped_fraction": sample.clipped,
    }
    return {"key": key, "title": title, "lr": chosen.rate, "at_edge": chosen.at_edge, **judged, "tried": tried}


def _comparison(one: Verdict) -> dict[str, Any]:
    c, j = one.comparison, one.judgement
    asked = {"place": c.place, "group": c.group, "word": c.word, "against": c.against, "ours": c.ours, "base": c.base}
    if j is None:
        return {
            **asked,
            "grade": "diverged",
            "n": 0,
            "difference": None,
            "low": None,
            "high": None,
            "p": None,
            "seeds_p": None,
        }
    found = {
        "grade": j.graded.grade,
        "n": j.crossed.n,
        "difference": j.crossed.mean,
        "low": j.crossed.low,
        "high": j.crossed.high,
    }
    return {**asked, **found, "p": j.graded.p, "seeds_p": j.graded.seeds_p}


def render(answer: Answer) -> Iterator[RenderableType]:
    """What the terminal shows at the end."""
    yield Text()
    yield from (Text(f"! {doubt}", "yellow") for doubt in learned_nothing(answer))
    for one in alone(answer):
        yield Text(technique(answer, one), _style(one))
    yield Text(over_all(answer), "bold")
    yield Text()
    yield configurations(answer)
    yield Text()
    yield effects(answer)
    yield Text()
    for sentence in limits(answer):
        yield Text(sentence, "dim")


def _style(one: Verdict) -> str:
    if one.grade not in ("real", "on these images only"):
        return ""
    return "green" if one.is_better else "red"


def configurations(answer: Answer) -> Table:
    """A row per configuration: its rate and its accuracy."""
    table = _table("configuration", "rate", "seeds", "diverged", "test accuracy", "sd")
    for one in answer.question.configurations:
        sample, chosen = answer.samples[one.key], answer.chosen[one.key]
        found = sample.estimate
        counts = str(found.n), str(sample.diverged or "-")
        table.add_row(one.title, show(chosen.rate), *counts, accuracy(found.mean), POINTS(found.sd))
    return table


def effects(answer: Answer) -> Table:
    """What each technique does alone, and beside the others: points, their interval and the grade."""
    others = {one: other for one in alone(answer) if (other := beside(answer, one))}
    table = _table("points gained by", "alone", *(["beside the others"] if others else []), justify="left")
    for one in alone(answer):
        against = f" over {one.comparison.other}" if one.comparison.rivals else ""
        table.add_row(f"{one.comparison.name}{against}", _short(one), *([_short(others[one])] if one in others else []))
    return table


def _short(one: Verdict) -> str:
    j = one.judgement
    if j is None:
        return "runs diverged"
    difference, interval = POINTS(j.crossed.mean, "+"), POINTS.interval(j.crossed.low, j.crossed.high, "+")
    return f"{difference} ({interval}) {SHORT.get(j.graded.grade, j.graded.grade)}"


def _table(first: str, *others: str, justify: Any = "right") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(first)
    for title in others:
        table.add_column(title, justify=justify)
    return table


def markdown(answer: Answer, pictures: list[str]) -> str:
    """study.md."""
    lines = ["# Study", "", asks(answer.question), "", *(f"> {doubt}\n" for doubt in learned_nothing(answer))]
    lines += [*(f"- {technique(answer, one)}" for one in alone(answer)), "", over_all(answer), ""]
    lines += [*_as_markdown(configurations(answer)), "", *_as_markdown(effects(answer)), ""]
    lines += ["## What limits the conclusion", "", *(f"- {sentence}" for sentence in limits(answer)), ""]
    lines += ["## Methods", "", methods(answer), ""]
    lines += [f"![{Path(file).stem}]({file})" for file in pictures]
    return "\n".join(lines).rstrip() + "\n"


def _as_markdown(table: Table) -> list[str]:
    cells = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    rows = [f"| {' | '.join(row)} |" for row in zip(*cells, strict=True)]
    return [rows[0], f"|{' --- |' * len(cells)}", *rows[1:]]
