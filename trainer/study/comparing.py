"""Which configurations are held against each other: every pair of words of a group, alone and beside the other groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from trainer.study.question import Choices, Factor, configurations, identity, named

Place = Literal["alone", "beside", "together"]


@dataclass(frozen=True)
class Comparison:
    """Configuration `ours` less `base`, by key: what `word` does that `against` does not, alone or beside all the others.

    `rivals`: several words of a group are asked against each other, so that what stands against one is worth naming."""

    place: Place
    group: str
    word: str
    against: str
    ours: str
    base: str
    rivals: bool = False

    @property
    def name(self) -> str:
        """The technique that is asked about."""
        return named(self.group, self.word)

    @property
    def other(self) -> str:
        """What it is asked against."""
        return named(self.group, self.against)

    def is_beside(self, alone: Comparison) -> bool:
        """Whether this asks beside the others what another comparison asks alone."""
        same = (self.group, self.word, self.against) == (alone.group, alone.word, alone.against)
        return same and self.place == "beside"


def comparisons(asked: Sequence[Factor]) -> list[Comparison]:
    """Every pair of words of each group, alone and beside the others; and all together against the references."""
    keys = {identity(one.choices): one.key for one in configurations(asked)}
    base = {factor.group: factor.reference for factor in asked}
    together = {factor.group: factor.on for factor in asked}
    places: list[tuple[Place, dict[str, str]]] = [("alone", base)]
    places += [("beside", together)] if len(asked) > 1 else []
    found = []
    for place, around in places:
        for factor in asked:
            for against, word in combinations(factor.words, 2):
                pair = _pair(keys, around, factor.group, word, against)
                rivals = not factor.is_asked_against_plain
                found.append(Comparison(place, factor.group, word, against, *pair, rivals))
    if len(asked) > 1:
        found.append(Comparison("together", "", "", "", keys[identity(together)], keys[identity(base)]))
    return found


def _pair(keys: Mapping[frozenset[tuple[str, str]], str], around: Choices, group: str, *words: str) -> tuple[str, str]:
    ours, base = (keys[identity({**around, group: word})] for word in words)
    return ours, base
