"""A finding about a run, and the words that several findings share."""

from __future__ import annotations

from typing import NamedTuple

from trainer.report.history import History
from trainer.techniques.clipping import GradientClip


class Diagnosis(NamedTuple):
    """A finding by its name, in a sentence, with what to type against it."""

    name: str
    finding: str
    advice: str

    def __str__(self) -> str:
        return f"{self.finding} {self.advice}".rstrip()


def threshold_key(history: History) -> str | None:
    """The key of the gradient clip's threshold, None without one."""
    clip = history.experiment.clip
    if not isinstance(clip, GradientClip):
        return None
    return "clip.threshold" if hasattr(clip, "threshold") else "clip.grad_threshold"


def remedy(history: History) -> str:
    """What keeps the size of signals and gradients from layer to layer."""
    if history.experiment.normalization.name == "none":
        return "normalization=batch"
    return "model.init=he" if history.experiment.model.activation in ("relu", "gelu") else "model.init=xavier"


def lower_rate(history: History) -> str:
    """A tenth, or the optimizer's default where the rate is far above it."""
    lr, default = history.experiment.optimizer.lr, getattr(type(history.experiment.optimizer), "lr", float("inf"))
    return f"try optimizer.lr={min(lr / 10, default):g} instead of {lr:g}"
