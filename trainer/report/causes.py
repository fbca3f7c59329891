"""Why a run learned little or nothing, from its records: one rule a cause, silent where it does not apply."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from trainer.records import Status
from trainer.report import symptoms
from trainer.report.diagnosis import Diagnosis, lower_rate, remedy, threshold_key
from trainer.report.history import History, number
from trainer.terminal.printable import percent

Rule = Callable[[History], Iterator[Diagnosis]]

FEW = 50  # updates: with fewer, no network can be expected to have learned


def diverged(history: History) -> Iterator[Diagnosis]:
    if history.summary.get("status") != Status.DIVERGED:
        return
    lr, threshold = history.experiment.optimizer.lr, threshold_key(history)
    other = "clip=grad" if threshold is None else f"a lower {threshold}"
    yield Diagnosis(
        "diverged",
        f"A loss or a parameter was NaN or infinite at update {history.summary['steps']:,}.",
        f"Likely cures: a lower rate (optimizer.lr={lr / 10:g} instead of {lr:g}), or {other}.",
    )


def exploding(history: History) -> Iterator[Diagnosis]:
    if not _explodes(history):
        return
    norm = history.values("grad_norm")[0]
    clip = "" if threshold_key(history) else ", or clip=grad to bound each step"
    yield Diagnosis(
        "exploding gradients",
        f"Gradients explode: their norm was {norm:,.0f} at the first record; about 1 is usual.",
        f"Try {remedy(history)}{clip}.",
    )


def vanishing(history: History) -> Iterator[Diagnosis]:
    share = symptoms.faded(history)
    if not share or not _vanishes(history):
        return
    layers = symptoms.linear_layers(history)
    yield Diagnosis(
        "vanishing gradients",
        f"Gradients vanish: those of {layers[0]} are 1/{1 / share:,.0f} of those of {layers[-1]}, so the first layers hardly "
        "learn.",
        f"Try {remedy(history)}.",
    )


def dead(history: History) -> Iterator[Diagnosis]:
    if not symptoms.is_dead(history):
        return
    layer, e = symptoms.linear_layers(history)[0], history.experiment
    why = "a whole layer of ReLU units is dead" if e.model.activation == "relu" else "a whole layer is saturated"
    yield Diagnosis(
        "dead units",
        f"No gradient reaches {layer} any more: {why}.",
        f"A rate that is too large does that: {lower_rate(history)}.",
    )


def rate_too_large(history: History) -> Iterator[Diagnosis]:
    if history.summary.get("status") == Status.DIVERGED or symptoms.is_dead(history):
        return  # said already
    if _explodes(history) or _vanishes(history) or not (sign := _sign_of_large_rate(history)):
        return
    stale = " for gradients that come late" if history.experiment.staleness.updates else ""
    deep = len(history.experiment.model.hidden) > 1
    others = f", or {remedy(history)}: large initial weights do it too in a deep network" if deep else ""
    yield Diagnosis(
        "rate too large",
        f"The learning rate is probably too large{stale}: {sign}.",
        f"{lower_rate(history).capitalize()}{others}.",
    )


def _sign_of_large_rate(history: History) -> str:
    """What shows it, '' where nothing does. A run that ends well may have swung on its way."""
    losses, chance, place = history.values("train/loss"), history.guess("train"), symptoms.standing(history)
    if chance is None or place is None or place < symptoms.FITTED:
        return ""
    best, last = (number(history.summary.get(key)) for key in ("best/valid/accuracy", "valid/accuracy"))
    if best is not None and last is not None and _is_lost(history, best, last):
        return f"valid accuracy was {percent(best)} and fell to {percent(last)}"
    if max(losses) > 2 * chance.loss:
        return f"the training loss was up to {max(losses):.3g}, and guessing has {chance.loss:.3g}"
    if symptoms.climbed(history) > symptoms.SWINGS * chance.loss:
        return f"the training loss goes up and down, {min(losses):.3g} at its lowest and {losses[-1]:.3g} at the end"
    return ""


def _is_lost(history: History, best: float, last: float) -> bool:
    """Whether a network has lost most of what it had learned."""
    chance = history.guess("valid")
    fell_back = chance is not None and symptoms.is_chance(last, chance) and best > 2 * chance.accuracy
    return fell_back or best - last > 0.25


def rate_too_small(history: History) -> Iterator[Diagnosis]:
    way, place, losses = symptoms.way(history), symptoms.standing(history), history.values("train/loss")
    if way is None or place is None or history.summary.get("steps", 0) < FEW:
        return
    stuck = symptoms.STUCK < place < 1.5 and losses[-1] <= losses[0]
    if not stuck or way >= symptoms.MOVED or symptoms.is_dead(history) or _vanishes(history):
        return
    lr = history.experiment.optimizer.lr
    factor = 10 ** max(1, round(math.log10(0.6 / max(way, 1e-6))))  # to move by about half their length
    yield Diagnosis(
        "rate too small",
        f"The learning rate is too small: {history.summary['steps']:,} updates together moved the weights by at most "
        f"{100 * way:.2g} % of their length, and the training loss is still {losses[-1]:.3g}.",
        f"Try optimizer.lr={lr * factor:g} instead of {lr:g}, or more epochs.",
    )


def _explodes(history: History) -> bool:
    """From the first record on; later a rate that is too large may have done it. It takes several layers."""
    norms = history.values("grad_norm")
    return len(history.experiment.model.hidden) > 1 and bool(norms) and norms[0] > symptoms.HUGE


def _vanishes(history: History) -> bool:
    """Whether gradients fade through several layers of a network that has not learned its training images all the same."""
    share, place = symptoms.faded(history), symptoms.standing(history)
    several = len(history.experiment.model.hidden) > 1 and not symptoms.is_dead(history)
    return several and share is not None and share < symptoms.FADED and (place is None or place > symptoms.FITTED)


CAUSES: tuple[Rule, ...] = (diverged, exploding, vanishing, dead, rate_too_large, rate_too_small)
