"""The effects of a factorial sweep as a table: the same on a terminal and in documents."""

from __future__ import annotations

from typing import Literal

from trainer.compare.columns import p_value
from trainer.compare.factorial import Factorial
from trainer.compare.scales import difference_scale
from trainer.compare.verdicts import verdict

HEAD = ("effect", "change", "p")
SIDES: tuple[Literal["left", "right"], ...] = ("left", "left", "right")


def effect_rows(found: Factorial, metric: str) -> list[tuple[str, str, str]]:
    """A row per effect, under HEAD: its name, its change in words, its corrected p-value."""
    return [
        (each.name, verdict(each.judgement, difference_scale(each.judgement, metric)), p_value(each.judgement.p))
        for each in found.effects
    ]


def explained(found: Factorial) -> str:
    """What the numbers of the table mean."""
    return (
        f"Effects against {', '.join(found.plain.values())}, averaged over all else; `a with b` is the change of a's effect "
        "where b replaces the plain choice. Seeds are blocks; p is corrected by Holm for all "
        f"{len(found.effects)} effects."
    )
