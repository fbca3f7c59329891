"""A question as data: which techniques are asked about, and which configurations answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.identity import plain_word

SEEDS = 30
"""The cap on seeds, unless another is given."""

Choices = Mapping[str, str]


@dataclass(frozen=True)
class Factor:
    """A group and the words asked about, the reference first: its plain choice, or the first word where that is not asked."""

    group: str
    words: tuple[str, ...]

    @property
    def reference(self) -> str:
        return self.words[0]

    @property
    def on(self) -> str:
        """The word that stands for the group where other groups are asked about."""
        return self.words[1]

    @property
    def is_asked_against_plain(self) -> bool:
        """Whether one technique is asked against its plain choice, rather than several against each other."""
        return len(self.words) == 2 and self.reference == plain_word(self.group)


@dataclass(frozen=True)
class Configuration:
    """One network of a study. `key` names its runs on disk, `title` in print; `choices` holds the word of each group asked."""

    key: str
    title: str
    choices: Choices


@dataclass(frozen=True)
class Question:
    """What is asked and how far it may go. `margin`: the difference that does not matter, in points (None: by the number of
    images). `seeds`: the most that judge. `experiments`: each configuration at its default rate, by key. `workers`: processes
    (None: one a core or GPU)."""

    factors: tuple[Factor, ...]
    experiments: Mapping[str, Experiment]
    margin: float | None = None
    seeds: int = SEEDS
    workers: int | None = None

    def __post_init__(self) -> None:
        check_limits(self.margin, self.seeds)
        for experiment in self.experiments.values():
            _check_common(experiment)

    @property
    def configurations(self) -> list[Configuration]:
        return configurations(self.factors)


def factors(words: Mapping[str, Sequence[str]]) -> tuple[Factor, ...]:
    """The factors that the words of each group ask about. ConfigError where there is no question in them.

    A group with its plain choice alone asks nothing: it takes a technique out of a recipe."""
    asked = [factor for group, own in words.items() if (factor := _factor(group, own))]
    if not asked:
        raise ConfigError(
            "train study needs a technique to ask about: type, for instance, train study optimizer=momentum clip=grad."
        )
    return tuple(asked)


def _factor(group: str, words: Sequence[str]) -> Factor | None:
    own, base = list(dict.fromkeys(words)), plain_word(group)
    if len(own) == 1:
        return None if own == [base] else Factor(group, (base, own[0]))
    return Factor(group, tuple(sorted(own, key=lambda word: word != base)))


def configurations(asked: Sequence[Factor]) -> list[Configuration]:
    """The network with every reference, each technique alone, all together, and all together with each other word."""
    base = {factor.group: factor.reference for factor in asked}
    together = {factor.group: factor.on for factor in asked}
    found = [Configuration(*_base_names(asked), base)]
    found += [_single(factor, word, base) for factor in asked for word in factor.words[1:]]
    if len(asked) > 1:
        found.append(Configuration("all", "all together", together))
        found += [_beside(factor, word, together) for factor in asked for word in factor.words if word != factor.on]
    unique: dict[frozenset[tuple[str, str]], Configuration] = {}
    for one in found:
        unique.setdefault(identity(one.choices), one)
    return list(unique.values())


def _base_names(asked: Sequence[Factor]) -> tuple[str, str]:
    if len(asked) == 1 and not asked[0].is_asked_against_plain:
        return f"{asked[0].group}={asked[0].reference}", named(asked[0].group, asked[0].reference)
    is_plain = all(factor.reference == plain_word(factor.group) for factor in asked)
    return ("plain", "plain network") if is_plain else ("base", "first choices")


def _single(factor: Factor, word: str, base: Choices) -> Configuration:
    return Configuration(f"{factor.group}={word}", named(factor.group, word), {**base, factor.group: word})


def _beside(factor: Factor, word: str, together: Choices) -> Configuration:
    without = word == plain_word(factor.group) and len(factor.words) == 2
    title = f"all without {named(factor.group, factor.on)}" if without else f"all with {named(factor.group, word)}"
    return Configuration(f"all,{factor.group}={word}", title, {**together, factor.group: word})


def named(group: str, word: str) -> str:
    """A technique as prose calls it: an optimizer by its word, all else as it is typed."""
    return word if group == "optimizer" else f"{group}={word}"


def identity(choices: Choices) -> frozenset[tuple[str, str]]:
    """What makes two configurations of a study the same network."""
    return frozenset(choices.items())


def check_limits(margin: float | None, seeds: int) -> None:
    """ConfigError for a margin or a number of seeds that nothing can be judged by."""
    if margin is not None and not (
        isinstance(margin, int | float) and not isinstance(margin, bool) and 0 < margin < 100
    ):
        raise ConfigError(
            f"margin={margin} is not allowed: it must be a number of points above 0, for instance margin=0.1."
        )
    if isinstance(seeds, bool) or not isinstance(seeds, int) or not 2 <= seeds <= 1000:
        raise ConfigError(f"seeds={seeds} is not allowed: it must be a whole number from 2 to 1000.")


def _check_common(e: Experiment) -> None:
    if e.dataset.validation == 0:
        raise ConfigError(
            "A study chooses learning rates on validation images and dataset.validation=0 holds none out: leave it out."
        )
    if e.epochs == 0:
        raise ConfigError("epochs=0 trains nothing, so there is nothing to study: choose epochs=1 or more.")
