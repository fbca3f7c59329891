"""Files of runs, read with care: a run's directory may come from a stranger. What kind of file it is, how large and how deeply
nested, is looked at before a parser sees it; what the parser makes of it is plain data of a bounded size."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO

import yaml

from trainer.identity import complete, flatten
from trainer.report.plain import Unreadable, plain_data
from trainer.report.yaml_text import load_yaml, seed_apart

LARGEST = 4 * 2**20  # bytes of a configuration, a summary or one record
LARGEST_LIST = 2**30  # bytes of what grows with the number of cells or records
MOST_LISTED = 20_000_000  # values in the list of a sweep's cells


TEXTS = {"status", "dataset", "dataset_digest", "device"}
NUMBERS = {
    "seed", "epochs", "steps", "train_seconds", "wall_seconds", "samples_per_second", "stack", "parameters", "best_epoch",
    "stopped_epoch", "steps_to_target", "samples_to_target", "seconds_to_target", "clipped_fraction",
}  # fmt: skip
SCALARS = {"threads", "error", "format"}
"""The keys of a summary by the kind of their values; metrics, whose names hold a slash, are numbers too. Of keys that are not
here their readers look at the kind themselves: other versions may have more."""


def read_json(path: Path) -> Any:
    """What a JSON file of a run holds, as plain data. Raises OSError or Unreadable."""
    return _parsed(path, lambda text: plain_data(json.loads(text)), LARGEST)


def read_json_list(path: Path) -> Any:
    """The same for a file that grows with the number of cells, such as sweep.json."""
    return _parsed(path, lambda text: plain_data(json.loads(text), MOST_LISTED), LARGEST_LIST)


def read_config(path: Path) -> dict[str, Any]:
    """The keys and values of a run's config.yaml. Raises OSError or Unreadable."""
    return _mapping(_parsed(path, load_yaml, LARGEST))


def read_flat_config(path: Path) -> dict[str, Hashable]:
    """The same as complete flat keys: `{"optimizer": "sgd", "optimizer.lr": 0.1, …}`. Raises OSError or Unreadable."""
    return _parsed(path, _flat, LARGEST)  # type: ignore[no-any-return]


def _flat(text: str) -> dict[str, Hashable]:
    if apart := seed_apart(text):
        common, seed = apart
        return _flat_of_all(common) | {"seed": seed}
    return complete(flatten(_mapping(load_yaml(text))))


@lru_cache(maxsize=10_000)
def _flat_of_all(common: str) -> dict[str, Hashable]:
    return complete(flatten(load_yaml(common)))


def read_summary(path: Path) -> dict[str, Any]:
    """A run's summary.json; what its readers rely on is of the right kind. Raises OSError or Unreadable."""
    summary = _mapping(read_json(path))
    if not isinstance(summary.get("status"), str):
        raise Unreadable("it has no status, so it is not the summary of a run")
    for key, value in summary.items():
        if not _fits(key, value):
            raise Unreadable(f"its {key[:40]} is {str(value)[:40]}")
    words = summary.get("overrides")
    summary["overrides"] = [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
    return summary


def _fits(key: str, value: Any) -> bool:
    """Whether a value of a summary is of the kind that its key asks for."""
    if key in NUMBERS or "/" in key:
        return _is_number(value)
    if key in TEXTS:
        return isinstance(value, str)
    return key not in SCALARS or not isinstance(value, list | dict)


def read_records(path: Path, keys: Sequence[str] = ("epoch", "step", "seconds")) -> Iterator[dict[str, Any]]:
    """The records of a metrics.jsonl that have the `keys`, to the first line that is none: a kill can cut the
    last one short. Raises OSError, or Unreadable before the first record."""
    with _opened(path) as file:
        left = LARGEST_LIST
        while left > 0 and (line := file.readline(LARGEST)):
            left -= len(line)
            try:
                row = plain_data(json.loads(line))
            except (ValueError, RecursionError):
                return
            if not _is_record(row, keys):
                return
            yield row


def _is_record(row: Any, keys: Sequence[str]) -> bool:
    if not isinstance(row, dict) or not all(_is_number(value) for value in row.values()):
        return False
    return all(row.get(key) is not None and math.isfinite(row[key]) for key in keys)


def _is_number(value: Any) -> bool:
    return type(value) in (float, int, NoneType)  # of what JSON has, and a boolean is none


def _mapping(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict) or not content:
        raise Unreadable("it is empty or holds something else than keys and values")
    return content


def _parsed(path: Path, parse: Callable[[str], Any], largest: int) -> Any:
    content = read_whole(path, largest)
    try:
        return parse(content.decode())
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Unreadable(" ".join(str(error).split())[:160] or type(error).__name__) from None


def read_whole(path: Path, largest: int) -> bytes:
    """All of a file. Raises OSError, or Unreadable where it is no file or has more than `largest` bytes."""
    check_regular(path)
    content = b""
    with open(path, "rb", buffering=0) as file:
        # A buffer for the largest file that is taken would cost more than all the rest.
        size = min(os.fstat(file.fileno()).st_size, largest) + 1
        while len(content) <= largest and (more := file.read(size)):
            content += more
    if len(content) > largest:
        raise Unreadable(f"it has more than {largest:,} bytes")
    return content


def _opened(path: Path) -> BinaryIO:
    check_regular(path)
    return open(path, "rb")


def check_regular(path: Path) -> None:
    """Raises Unreadable for pipes, sockets, devices and directories, which are never opened; OSError where nothing is there."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Unreadable("it is no regular file")


def kept_records(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics file, those of earlier sessions too; none where they can't be read."""
    try:
        return list(read_records(path))
    except (OSError, ValueError):
        return []
