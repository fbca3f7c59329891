"""What a run's records mean, in sentences with advice: for the end of a run, `train show` and `train compare`. No torch.

What the records can't tell is left out: how many units of a layer are dead (that a whole layer is, its gradient shows), and
whether a clip of weights acted.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainer.records import Status
from trainer.report import symptoms
from trainer.report.causes import CAUSES, FEW
from trainer.report.diagnosis import Diagnosis, remedy
from trainer.report.history import History, number
from trainer.report.idle import IDLE
from trainer.terminal.printable import percent


def diagnose(history: History) -> list[Diagnosis]:
    """All that is worth saying about a run that has ended, the gravest first; nothing for a healthy one."""
    causes = [found for rule in CAUSES for found in rule(history)]
    return [*_learned_nothing(history, explained=bool(causes)), *causes, *(d for rule in IDLE for d in rule(history))]


def _learned_nothing(history: History, explained: bool) -> Iterator[Diagnosis]:
    """`explained`: whether causes follow."""
    judged = symptoms.judged_on(history.summary)
    if not history.summary.get("steps") or judged is None or history.summary.get("status") == Status.DIVERGED:
        return
    if not symptoms.only_guesses(history.summary):
        return
    split, accuracy, chance = judged
    best = max(
        [*history.values(f"{split}/accuracy"), number(history.summary.get("best/valid/accuracy")) or 0, accuracy]
    )
    if not symptoms.is_chance(best, chance) and best > 1.5 * chance.accuracy:
        return  # it had learned something, and lost it
    finding = (
        f"Nothing was learned: {split} accuracy is {percent(accuracy)}, and always answering with the most frequent class gets "
        f"{percent(chance.accuracy)}."
    )
    yield Diagnosis("learned nothing", finding, "" if explained else _what_else(history))


def _what_else(history: History) -> str:
    """Advice where the records show no cause."""
    e, steps = history.experiment, history.summary["steps"]
    if steps < FEW:
        return (
            f"{steps} {'update is' if steps == 1 else 'updates are'} too few: try more epochs or a smaller batch_size."
        )
    lr = e.optimizer.lr
    return f"Try another rate (optimizer.lr={lr / 10:g} or {lr * 10:g}), {remedy(history)}, or more epochs."
