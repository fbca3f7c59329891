"""Names of directories below runs/: readable, safe in a shell, and never shared by two runs."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from trainer.errors import ConfigError
from trainer.run.lease import LEASE
from trainer.run.signals import Held

LONGEST = 100
"""Characters that one component of a path may have."""


def now() -> str:
    """The name of a directory that was given none: date and time."""
    return f"{datetime.now():%Y-%m-%d_%H-%M-%S}"


def claim(root: Path, name: str | None = None) -> Path:
    """Make a new directory in `root` that is the caller's alone: `name`, or the date and time; `name-2`, … where it is taken.

    mkdir either makes a directory or fails, so that of processes started in the same instant each gets its own.
    Raises ConfigError where `name` would leave `root` or the disk refuses.
    """
    wanted = name or now()
    check_component(wanted)
    for number in itertools.count(1):
        suffix = f"-{number}" if number > 1 else ""
        directory = root / f"{wanted[: LONGEST - len(suffix)]}{suffix}"
        try:
            root.mkdir(parents=True, exist_ok=True)
            directory.mkdir()
            return directory
        except FileExistsError as error:
            if not root.is_dir():
                raise unwritable(root, error) from error
        except OSError as error:
            raise unwritable(directory, error) from error
    raise AssertionError("unreachable: count never ends")


def reuse(root: Path, name: str) -> Path:
    """The directory `name` in `root` for a sweep, which goes on where it stopped. ConfigError where a single run lives there."""
    check_component(name)
    directory = root / name
    if (directory / "config.yaml").exists():
        raise ConfigError(f"{directory} holds a single run, not a sweep: choose another name.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(directory, error) from error
    return directory


@contextmanager
def taken(place: Callable[[Path, str], Path], root: Path, name: str) -> Iterator[Path]:
    """The directory that `place` (`claim` or `reuse`) gives. Where an error or a signal ends the block before anything has
    begun there, it goes away again, and `root` with it, unless they were there before."""
    directories: list[Path] = []
    earlier = root / name if os.path.exists(root / name) else None
    is_first = not os.path.exists(root)
    try:
        with Held():  # no signal between the directory and its name
            directories.append(place(root, name))
        yield directories[0]
    except BaseException:
        for directory in directories:
            if directory != earlier and is_blank(directory):
                shutil.rmtree(directory, ignore_errors=True)
        if is_first:
            with suppress(OSError):
                root.rmdir()
        raise


def is_blank(directory: Path) -> bool:
    """Whether nothing has begun in a directory: it has no files, or those alone that are written before, by Hydra and who
    holds it."""
    files = [path for path in directory.rglob("*") if path.is_file() and path.stat().st_size]
    return all(path.parent.name == ".hydra" or path.name in ("multirun.yaml", LEASE) for path in files)


def check_component(name: str) -> None:
    """ConfigError unless `name` is one harmless component of a path."""
    if len(name) > LONGEST or re.search(r"[^\w.=,+-]", name, re.ASCII) or name.startswith(("-", ".")):
        raise ConfigError(
            f"'{name}' can't name a directory: use up to {LONGEST} letters, digits and _ - . = , +, first a letter or digit."
        )


def unwritable(directory: Path, error: OSError) -> ConfigError:
    """The sentence for a directory that can't be made."""
    return ConfigError(f"{directory} can't be made: {error.strerror}. Runs are written below the working directory.")


def cell_names(cells: Sequence[Sequence[str]], command: Sequence[str] = ()) -> list[str]:
    """A directory name for each cell of a sweep, from those of its `key=value` words by which it differs from the others.

    A cell alone is named by the words that are not on the command line as they are. Names are unique, and depend on the
    cell's own words and on which keys vary, so that a sweep with more seeds finds its old directories again.
    """
    shared = set(command) if len(cells) == 1 else set.intersection(*(set(cell) for cell in cells)) if cells else set()
    own = [[word for word in cell if word not in shared and not word.startswith("name=")] for cell in cells]
    names = [_readable(words) for words in own]
    count = Counter(names)
    return [
        name if count[name] == 1 and len(name) <= LONGEST else _hashed(name, cell)
        for name, cell in zip(names, cells, strict=True)
    ]


def _readable(words: Sequence[str]) -> str:
    text = ",".join(re.sub(r"[^\w.=+-]+", "-", word, flags=re.ASCII).strip("-") for word in words)
    return text.replace("=-", "=").replace("--", "-").lstrip(".-") or "run"


def _hashed(name: str, cell: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(cell).encode()).hexdigest()[:8]
    return f"{name[: LONGEST - 9]}-{digest}"


def is_setting(word: str) -> bool:
    """Whether a word of a command line is key=value and no directory: the cells of sweeps are named so too."""
    key, equals, _ = word.partition("=")
    return bool(equals) and "/" not in key and not os.path.isdir(word)
