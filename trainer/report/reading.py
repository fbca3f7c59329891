"""Files of runs, read with care: a run's directory may come from a stranger. What kind of file it is, how large and how deeply
nested, is looked at before a parser sees it; what the parser makes of it is plain data of a bounded size."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import yaml

# libyaml reads 300 configurations in 0.1 s, pure Python in 0.7 s.
YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LARGEST = 4 * 2**20  # bytes of a configuration, a summary or one record
LARGEST_LIST = 2**30  # bytes of what grows with the number of cells or records
DEEPEST = 20  # levels of lists and mappings
MOST = 10_000  # values in a configuration, a summary or a record
MOST_LISTED = 20_000_000  # values in the list of a sweep's cells


TEXTS = ("status", "dataset", "dataset_digest", "device")
NUMBERS = (
    "seed", "epochs", "steps", "train_seconds", "wall_seconds", "samples_per_second", "stack", "parameters", "best_epoch",
    "stopped_epoch", "steps_to_target", "samples_to_target", "seconds_to_target", "clipped_fraction",
)  # fmt: skip
SCALARS = ("threads", "error", "format")
"""The keys of a summary by the kind of their values; metrics, whose names hold a slash, are numbers too. Of keys that are not
here their readers look at the kind themselves: other versions may have more."""


class Unreadable(ValueError):
    """A file that is there, and is not opened or not taken for what its name says; the text says why."""


def read_json(path: Path) -> Any:
    """What a JSON file of a run holds, as plain data. Raises OSError or Unreadable."""
    return _parsed(path, json.loads, LARGEST, MOST)


def read_json_list(path: Path) -> Any:
    """The same for a file that grows with the number of cells, such as sweep.json."""
    return _parsed(path, json.loads, LARGEST_LIST, MOST_LISTED)


def read_config(path: Path) -> dict[str, Any]:
    """The keys and values of a run's config.yaml. Raises OSError or Unreadable."""
    return _mapping(_parsed(path, _load_yaml, LARGEST, MOST))


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
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def plain_data(value: Any, most: int = MOST) -> Any:
    """`value`, after it was found to be nothing but mappings, lists, texts, numbers, booleans and null, neither deeper nor
    more of them than in any file of ours, though lists may hold themselves or one another. Raises Unreadable."""
    left, depth, level = most, 0, [value]
    while level:
        left, depth = left - len(level), depth + 1
        if depth > DEEPEST:
            raise Unreadable("it is nested too deeply")
        if left < 0:
            raise Unreadable(f"it holds more than {most:,} values")
        level = [inner for item in level for inner in _inside(item)]
    return value


def _inside(value: Any) -> Any:
    """What a value holds; nothing where it is one of the plain ones."""
    if isinstance(value, str | float) or value is None or (isinstance(value, int) and abs(value) < 2**64):
        return ()
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return value.values()
    what = (
        "a number beyond all bounds"
        if isinstance(value, int)
        else f"something else than plain data ({type(value).__name__})"
    )
    raise Unreadable(f"it holds {what}")


def _mapping(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict) or not content:
        raise Unreadable("it is empty or holds something else than keys and values")
    return content


def _parsed(path: Path, parse: Callable[[str], Any], largest: int, most: int) -> Any:
    with _opened(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise Unreadable(f"it has more than {largest:,} bytes")
    try:
        return plain_data(parse(content.decode()), most)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Unreadable(" ".join(str(error).split())[:160] or type(error).__name__) from None


def _opened(path: Path) -> BinaryIO:
    check_regular(path)
    return open(path, "rb")


def check_regular(path: Path) -> None:
    """Raises Unreadable for pipes, sockets, devices and directories, which are never opened; OSError where nothing is there."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Unreadable("it is no regular file")


def _load_yaml(text: str) -> Any:
    """Plain YAML. Parsers build nested lists by recursion, in C until the stack overflows: the depth is counted before."""
    if "*" in text or _deepest_possible(text) > DEEPEST:
        _check_events(text)
    return yaml.load(text, Loader=YamlLoader)  # a safe loader, in C or in Python


def _deepest_possible(text: str) -> int:
    """A bound on the nesting that costs next to nothing: every bracket is a level, every column of indentation two (a mapping
    and the list that is its value may begin in the same one)."""
    return text.count("[") + text.count("{") + 2 * max(map(len, re.findall(r"[ \t?:-]+", text)), default=0)


def _check_events(text: str) -> None:
    """Raises Unreadable for aliases, which a few lines can nest into billions of values, and for too deep a nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=YamlLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("YAML aliases are not allowed here")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Unreadable("it is nested too deeply")
