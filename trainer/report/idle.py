"""Techniques that never acted in a run, or all the time."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.records import Status
from trainer.report import symptoms
from trainer.report.diagnosis import Diagnosis, threshold_key
from trainer.report.history import History, number
from trainer.terminal.printable import percent


def clip_too_often(history: History) -> Iterator[Diagnosis]:
    fraction = number(history.summary.get("clipped_fraction")) or 0
    if fraction > 0.5 and (key := threshold_key(history)):
        yield Diagnosis(
            "clips too often",
            f"{percent(fraction, 0)} of all updates were clipped: clipping that often only lowers the learning rate in a "
            "roundabout way.",
            f"Raise {key} or lower optimizer.lr (Google's Deep Learning Tuning Playbook).",
        )


def clip_never(history: History) -> Iterator[Diagnosis]:
    key, clip = threshold_key(history), history.experiment.clip
    if not key or not symptoms.never_clipped(history.summary):
        return
    norms = history.values("grad_norm") if clip.name in ("grad", "grad_weight") else []
    seen = f" (recorded norms go up to {max(norms):.3g})" if norms else ""
    yield Diagnosis(
        "clip never acted",
        f"clip={clip.name} clipped no gradient in {history.summary['steps']:,} updates{seen}.",
        f"Lower {key} if it is meant to act.",
    )


def decay_never(history: History) -> Iterator[Diagnosis]:
    decay, rates = history.experiment.decay, set(history.values("lr"))
    ended = history.summary.get("status") == Status.COMPLETED
    if not ended or decay.name == "none" or decay.warmup or rates != {history.experiment.optimizer.lr}:
        return
    yield Diagnosis(
        "decay never acted",
        f"decay={decay.name} never changed the learning rate: it was {history.experiment.optimizer.lr:g} at each record.",
        "Train for more epochs, or choose numbers that act sooner.",
    )


IDLE = (clip_too_often, clip_never, decay_never)
