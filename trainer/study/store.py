"""study.json: the question, from which `train resume` goes on, and the answer once there is one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.errors import ConfigError
from trainer.experiment import GROUPS, TECHNIQUES, Experiment
from trainer.identity import FORMAT, READABLE, differences, known_formats
from trainer.report.files import STUDY, write_json
from trainer.report.reading import read_json_list
from trainer.study.question import Factor, Question


def write(directory: Path, question: Question, answer: Mapping[str, Any] | None = None) -> None:
    """Replace study.json. Raises OSError."""
    status = "running" if answer is None else "completed"
    write_json(directory / STUDY, {"format": FORMAT, "status": status, "question": as_data(question), **(answer or {})})


def as_data(question: Question) -> dict[str, Any]:
    """The question as plain data."""
    asked = [{"group": factor.group, "words": list(factor.words)} for factor in question.factors]
    configs = {key: experiment.to_dict() for key, experiment in question.experiments.items()}
    limits = {"margin": question.margin, "seeds": question.seeds, "workers": question.workers}
    return {**limits, "factors": asked, "configurations": configs}


def read(directory: Path) -> Question:
    """The question that study.json holds. Raises ConfigError where it can't be read."""
    path = directory / STUDY
    try:
        content = read_json_list(path)
        if content["format"] not in READABLE:
            raise ValueError(f"its format is {content['format']}, and {known_formats().rstrip('.')}")
        data = content["question"]
        asked = tuple(_factor(factor["group"], factor["words"]) for factor in data["factors"])
        experiments = {str(key): Experiment.from_dict(config) for key, config in data["configurations"].items()}
        question = Question(asked, experiments, data["margin"], data["seeds"], data.get("workers"))
        if [one.key for one in question.configurations] != list(experiments):
            raise ValueError("its configurations are not those of its question")
        return question
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ConfigError(f"{path} can't be read as a study: {error}.") from None


def _factor(group: Any, words: Any) -> Factor:
    """A factor from a file, which may be a stranger's: its words name directories, so none is taken that is not a choice."""
    if group not in TECHNIQUES or len(words) < 2 or not all(word in GROUPS[group] for word in words):
        raise ValueError(f"{group}={','.join(map(str, words))} is no question")
    return Factor(group, tuple(words))


def check_same(directory: Path, question: Question) -> None:
    """ConfigError where the directory holds something else than this question; its limits may be others than before."""
    if not (directory / STUDY).exists():
        if directory.is_dir() and any(not path.name.startswith(".") for path in directory.iterdir()):
            raise ConfigError(f"{directory} holds something else than a study: choose another name.")
        return
    before = read(directory)
    if before.factors != question.factors:
        raise ConfigError(f"{directory} holds a study of another question: choose another name.")
    for key, experiment in question.experiments.items():
        if changed := differences(experiment.to_dict(), before.experiments[key].to_dict()):
            raise ConfigError(
                f"{directory} holds the same question with another {', '.join(sorted(changed))}: choose another name."
            )
