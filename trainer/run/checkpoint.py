"""Saving and loading the state of one run: tensors and plain values only, written whole or not at all."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainer.engine.state import State
from trainer.errors import CheckpointError
from trainer.experiment import Experiment
from trainer.identity import FORMAT, READABLE, known_formats
from trainer.report.files import CHECKPOINT, write_whole
from trainer.report.guarded import say
from trainer.report.plain import Unreadable, plain_data
from trainer.report.reading import check_regular
from trainer.terminal.printable import printable

NUMBERS = ("loss", "correct", "clipped", "best", "waited")
ROWS = ("theta", "statistics", *NUMBERS)
COUNTS = ("step", "samples", "updates", "seconds")


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds: the configuration, the data set really used, and the state (a stack of one)."""

    config: dict[str, Any]
    dataset: str
    state: State
    digest: str = ""  # of the data set; '' in checkpoints from before it was kept


def save(directory: Path, experiment: Experiment, dataset: str, digest: str, state: State) -> None:
    """Replace the run's checkpoint; OSError where the disk refuses, the old one is whole then."""
    write_whole(directory / CHECKPOINT, packed(experiment, dataset, digest, state))


def packed(experiment: Experiment, dataset: str, digest: str, state: State) -> bytes:
    """The content of a checkpoint."""
    content = {
        "format": FORMAT,
        "config": experiment.to_dict(),
        "dataset": dataset,
        "digest": digest,
        **{name: getattr(state, name).cpu() for name in ROWS},
        **{name: getattr(state, name) for name in COUNTS},
        "slots": dict(zip(experiment.optimizer.slots, (slot.cpu() for slot in state.slots), strict=True)),
        **({} if state.ring is None else {"ring": state.ring.cpu()}),
    }
    return serialised(content)


def serialised(content: dict[str, Any]) -> bytes:
    """`content` in torch's file format."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def is_finite(state: State) -> bool:
    """Whether a state can be gone on from."""
    waiting = () if state.ring is None else (state.ring,)
    return all(bool(t.isfinite().all()) for t in (state.theta, state.statistics, state.loss, *waiting))


def load(directory: Path) -> Saved:
    """Read a run's checkpoint. CheckpointError where it is missing, damaged, foreign or of another version."""
    path = directory / CHECKPOINT
    try:
        content = load_archive(path)
    except FileNotFoundError:
        raise CheckpointError(f"There is no checkpoint {path} to go on from.") from None
    number = content.get("format", content.get("version")) if isinstance(content, dict) else None
    if not isinstance(number, int):
        raise CheckpointError(f"{path} is no checkpoint of this program.")
    if number not in READABLE:
        raise CheckpointError(f"{path} has format {number}, and {known_formats()}")
    return _checked(content, path)


def load_archive(path: Path) -> Any:
    """What a file of torch's holds: tensors and plain values. CheckpointError where it is damaged or holds anything else;
    FileNotFoundError where there is none."""
    try:
        check_regular(path)
        _check_archive(path)
        with warnings.catch_warnings(action="ignore"):  # of kinds of tensors that we refuse in a sentence
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # there is no end to what a file can hold, nor to what torch makes of it
        raise CheckpointError(f"{path} can't be read as a checkpoint: {_reason(error, path)}.") from None


def _check_archive(path: Path) -> None:
    """torch passes over a flipped bit; the checksums of its zip archives do not. It stores without packing, so that nothing
    unpacks to more than the file's own size. ValueError, BadZipFile, OSError."""
    with zipfile.ZipFile(path) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
            raise ValueError("its parts are packed")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its part {printable(damaged)} is damaged")


def _checked(content: dict[str, Any], path: Path) -> Saved:
    """The saved state, after every part was found to be there and of the right kind."""
    content = _kept_since() | content
    try:
        rows, counts = ({name: content[name] for name in names} for names in (ROWS, COUNTS))
        slots = tuple(content["slots"].values())
        state = State(slots=slots, **rows, **counts, ring=content.get("ring"))
        saved = Saved(content["config"], content["dataset"], state, content.get("digest", ""))
    except (KeyError, AttributeError, TypeError):
        raise CheckpointError(f"{path} is a checkpoint with parts missing.") from None
    ring = () if state.ring is None else (state.ring,)
    kinds = all(_is_row(t) for t in (*rows.values(), *slots)) and all(_is_row(t, dimensions=3) for t in ring)
    whole = kinds and all(t.shape[-1] == rows["theta"].shape[-1] for t in (*slots, *ring))
    whole = whole and all(rows[name].numel() == 1 for name in NUMBERS)
    plain = _is_config(saved.config) and isinstance(saved.dataset, str) and isinstance(saved.digest, str)
    if not (whole and plain and all(_is_count(counts[name], name) for name in COUNTS)):
        raise CheckpointError(f"{path} is a checkpoint with parts of the wrong kind.")
    return saved


def _kept_since() -> dict[str, Any]:
    """What checkpoints of earlier versions lack, as it is before the first epoch: no rule could stop those runs."""
    return {"best": torch.full((1, 1), -torch.inf), "waited": torch.zeros(1, 1)}


def _is_row(value: Any, dimensions: int = 2) -> bool:
    """Whether a value is one run's row of numbers, all in the file: strides can spread a few bytes over terabytes."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.dtype != torch.float32:
        return False
    return value.device.type == "cpu" and value.dim() == dimensions and len(value) == 1 and value.is_contiguous()


def _is_count(value: Any, name: str) -> bool:
    kind = float | int if name in ("seconds", "samples") else int
    return isinstance(value, kind) and 0 <= value < 2**63 and not isinstance(value, bool)


def _is_config(value: Any) -> bool:
    try:
        return isinstance(plain_data(value), dict)
    except Unreadable:
        return False


def _reason(error: BaseException, path: Path) -> str:
    if path.is_file() and path.stat().st_size == 0:
        return "it is empty"
    if isinstance(error, pickle.UnpicklingError):
        return "it holds something else than tensors and plain values, which is not opened"
    if isinstance(error, zipfile.BadZipFile):
        return "it is cut short, or something else"
    return printable(" ".join(str(error).split())[:120]).rstrip(".") or type(error).__name__


def drop(directory: Path) -> None:
    """Remove the checkpoint of a run whose summary says already that it is complete: killed in between, it still has one."""
    try:
        (directory / CHECKPOINT).unlink(missing_ok=True)
    except OSError as error:
        say(f"{directory / CHECKPOINT} can't be removed: {error.strerror or error}.")
