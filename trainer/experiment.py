"""One run as data: a frozen `Experiment`, checked whole when it is made. No torch here, so that a mistake is answered at once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from trainer.data.datasets import DATASETS, Dataset
from trainer.errors import ConfigError, DataError
from trainer.model import MODELS, Mlp
from trainer.schema import Choice, Converted, check, hints, parse, unknown_key
from trainer.techniques.clipping import CLIPS, Clip
from trainer.techniques.decay import DECAYS, Decay
from trainer.techniques.dropout import DROPOUTS, Dropout
from trainer.techniques.normalization import NORMALIZATIONS, Normalization
from trainer.techniques.numbers import AtLeastOne, Count, Positive, PositiveShare, Seed
from trainer.techniques.optimizers import OPTIMIZERS, Optimizer
from trainer.techniques.staleness import STALENESSES, Staleness
from trainer.techniques.stopping import STOPS, Stop

T = TypeVar("T")
BatchSize = AtLeastOne | Literal["full"]


@dataclass(frozen=True)
class Checkpoint:
    """When the state is saved beside the end of the run: every so many epochs, and when so many seconds have passed; and
    whether it is kept once the run is complete."""

    epochs: AtLeastOne | None = None
    seconds: Positive | None = 30.0
    keep: bool = True


@dataclass(frozen=True)
class Report:
    """What is told of a run beside its records. `images`: at its end, pictures of what was learned."""

    images: bool = False


def _section(cls: type[T], meant: str) -> Callable[[T | Mapping[str, Any], str], T]:
    """Reads a section of the configuration: its dataclass or a mapping; `meant` is what to give instead of anything else."""

    def read(value: T | Mapping[str, Any], key: str) -> T:
        keys = {name: getattr(value, name) for name in hints(cls)} if isinstance(value, cls) else value
        if not isinstance(keys, Mapping):
            raise ConfigError(f"{key}={keys} is not allowed: give {meant}.")
        return parse(cls, keys, f"{key}.")

    return read


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a run. Groups take a word, a dict with 'name', or a technique.

    `batch_size` left out is the whole training set for batch_gd and 128 otherwise, `stop.accuracy` is `target`. A record is
    made at the end of each epoch and, where given, every `record_every` updates. Raises ConfigError, one sentence, for
    anything that can't be run.
    """

    name: str | None = None
    seed: Seed = 0
    epochs: Count = 10
    batch_size: BatchSize | None = None
    device: str = "auto"
    threads: AtLeastOne | Literal["auto"] = "auto"
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    target: PositiveShare | None = None
    record_every: AtLeastOne | None = None
    checkpoint: Converted[Checkpoint | Mapping[str, Any], Checkpoint] = Converted(
        _section(Checkpoint, "checkpoint.epochs=5 or checkpoint.seconds=60"), Checkpoint()
    )
    report: Converted[Report | Mapping[str, Any], Report] = Converted(_section(Report, "report.images=true"), Report())
    dataset: Choice[Dataset] = Choice(DATASETS, "mnist")
    model: Choice[Mlp] = Choice(MODELS, "mlp")
    optimizer: Choice[Optimizer] = Choice(OPTIMIZERS, "sgd")
    clip: Choice[Clip] = Choice(CLIPS, "none")
    decay: Choice[Decay] = Choice(DECAYS, "none")
    normalization: Choice[Normalization] = Choice(NORMALIZATIONS, "none")
    dropout: Choice[Dropout] = Choice(DROPOUTS, "none")
    staleness: Choice[Staleness] = Choice(STALENESSES, "none")
    stop: Choice[Stop] = Choice(STOPS, "none")

    def __post_init__(self) -> None:
        for key, value in self._checked().items():
            object.__setattr__(self, key, value)
        object.__setattr__(self, "stop", self.stop.aimed_at(self.target))
        _check_words(self)
        _check_combination(self)
        try:
            self.dataset.check()
        except DataError as error:
            raise ConfigError(str(error)) from None

    def _checked(self) -> dict[str, Any]:
        """The fields that are neither groups nor sections: those check themselves."""
        plain = {key: hint for key, hint in hints(Experiment).items() if key not in (*GROUPS, *SECTIONS)}
        checked = {key: check(getattr(self, key), hint, key) for key, hint in plain.items()}
        if checked["batch_size"] is None:
            checked["batch_size"] = default_batch_size(self.optimizer.name)
        return checked

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Experiment:
        """The experiment that a plain mapping (config.yaml) describes; keys left out have their defaults, unknown ones are
        refused. The number of the file's format is no part of it."""
        keys = {key: value for key, value in data.items() if key != "format"}
        _refuse_unknown(keys)
        return cls(**keys)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` reads back: what config.yaml holds."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


def default_batch_size(optimizer: str) -> int | Literal["full"]:
    """What `batch_size` is where it is left out."""
    return "full" if optimizer == "batch_gd" else 128


GROUPS: dict[str, Mapping[str, type]] = {
    name: field.table for name, field in vars(Experiment).items() if isinstance(field, Choice)
}
"""The groups of choices, each a table from the word on the command line to its class."""

TECHNIQUES = tuple(group for group in GROUPS if group not in ("dataset", "model"))
"""The groups whose words are techniques."""

SECTIONS: dict[str, type] = {"checkpoint": Checkpoint, "report": Report}
"""Keys that belong together and are no choice; none of them is a part of what a run is."""


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    known = hints(Experiment)
    for key in data:
        if key not in known:
            raise ConfigError(unknown_key(str(key), "", known))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return fields if isinstance(value, tuple(SECTIONS.values())) else {"name": value.name, **fields}  # type: ignore[attr-defined]
    return list(value) if isinstance(value, tuple) else value


def _check_words(e: Experiment) -> None:
    """Texts that mean something: a name is a directory, a device is a place."""
    if e.name is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.=,+-]{0,99}", e.name):
        raise ConfigError(
            f"name={e.name} can't name a directory: use up to 100 letters, digits and _ - . = , +, first a letter or digit."
        )
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", e.device):
        raise ConfigError(f"There is no device={e.device}. Choose one of: auto, cpu, cuda, cuda:N, mps.")


def _check_combination(e: Experiment) -> None:
    """Choices that are each fine but make no sense together, a sentence each."""
    hidden, batch = bool(e.model.hidden), e.batch_size
    nonsense = {
        f"optimizer=batch_gd means one update from the whole training set: leave out batch_size={batch}, "
        "or choose optimizer=sgd.": e.optimizer.name == "batch_gd" and batch != "full",
        f"normalization={e.normalization.name} needs at least 2 samples a batch: "
        "choose batch_size=2 or more.": e.normalization.over_batch and batch == 1,
        f"normalization={e.normalization.name} normalizes hidden layers and model.hidden=[] has none: "
        "choose normalization=none or model.hidden=[128].": e.normalization.axis is not None and not hidden,
        "dropout.rate drops hidden activations and model.hidden=[] has none: "
        "choose dropout=none, dropout.rate=0 or model.hidden=[128].": e.dropout.rate > 0 and not hidden,
        "clip=agc leaves the output layer alone and model.hidden=[] has no other: "
        "choose clip=grad or model.hidden=[128].": e.clip.name == "agc" and not hidden,
        f"target={e.target} is an accuracy on validation images and dataset.validation=0 holds none out: "
        "leave one of them out.": e.target is not None and e.dataset.validation == 0,
        f"stop={e.stop.name} judges validation images and dataset.validation=0 holds none out: "
        "leave one of them out.": e.stop.name != "none" and e.dataset.validation == 0,
    }
    for sentence, applies in nonsense.items():
        if applies:
            raise ConfigError(sentence)


def structure(e: Experiment) -> Hashable:
    """What must be equal for two experiments to train as one stack; all other numbers, the seed and the decay may differ.

    A number that is 0 in one run and not in another is structure too: the step leaves out what nobody in the stack uses.
    """
    model = replace(e.model, init="default", init_scale=1.0)
    names = (e.optimizer.name, e.clip.name, e.normalization.name)
    used = (e.optimizer.weight_decay > 0, e.dropout.rate > 0, e.dropout.input_rate > 0)
    sizes = (e.epochs, e.batch_size, e.record_every, e.staleness.updates)
    return (e.dataset, model, names, used, sizes, e.device, e.threads, e.precision)
