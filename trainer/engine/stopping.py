"""Early stopping in a stack: what it remembers is part of the state, judged at the end of each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.engine.evaluation import Evaluation
from trainer.engine.state import State
from trainer.techniques.stopping import Stop


def judge(rules: Sequence[Stop], state: State, valid: Evaluation | None) -> None:
    """Take the evaluation at an epoch's end into the state's `best` and `waited`, for the runs that have a rule.

    Kept are totals over the images, which float32 holds exactly; compared are means in float64, as in metrics.jsonl.
    """
    if valid is None or all(rule.name == "none" for rule in rules):
        return
    images, best, waited = valid.hits.shape[1], _column(state.best), _column(state.waited)
    totals = {"valid/accuracy": _column(valid.correct), "valid/loss": _column(-valid.loss)}
    for row, rule in enumerate(rules):
        total = totals[rule.metric][row]
        if rule.name == "none":
            continue
        if rule.is_better(total / images, best[row] / images):
            best[row], waited[row] = total, 0
        else:
            waited[row] += 1
    for kept, now in ((state.best, best), (state.waited, waited)):
        kept.copy_(torch.tensor(now).unsqueeze(1))


def over(rules: Sequence[Stop], state: State, images: int) -> set[int]:
    """The rows of the runs that their rules have ended; `images` are those of the validation split."""
    if not images or all(rule.name == "none" for rule in rules):
        return set()
    rows = enumerate(zip(rules, _column(state.best), _column(state.waited), strict=True))
    return {row for row, (rule, best, waited) in rows if rule.is_over(best / images, waited)}


def _column(numbers: Tensor) -> list[float]:
    return numbers.flatten().tolist()
