"""`train --help` and `train --version`: text read from conf/ and from what is installed, nothing heavy imported."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path

HEAD = """\
train: which training technique helps, by how much, and is that real?

  train [key=value ...]             train one network
  train -m key=v1,v2 ...            train every combination, as one sweep
  train study [key=value ...]       does a technique help, and is that real? (train study --help)
  train resume RUN_DIR [epochs=N]   go on from a run's last checkpoint
  train from=RUN_DIR [key=value ...]   train the configuration of a run again, with changes; with -m too
  train compare [DIR ...]           statistics over finished runs

Examples
  train                                               everything at its default, on MNIST
  train optimizer=momentum clip=grad                  choose techniques by name
  train optimizer.lr=0.2 epochs=3 name=mine           change numbers; the result is in runs/mine
  train -m optimizer=sgd,adam 'seed=range(5)'         compare two optimizers, five runs each
  train experiment=vanishing normalization=batch      start from a recipe
"""

TAIL = """\
Other options
  -q, --quiet          print nothing but warnings and errors (on stderr); also with resume, study and compare
  --cfg job            show the whole configuration instead of running; --info defaults: how it came about
  -sc install=bash     the script for tab completion (bash, zsh, fish): eval "$(train -sc install=bash)"
  --config-dir DIR     look for choices and recipes in DIR too
  --version            this program, torch, Hydra and Python
  --hydra-help         options of Hydra, which reads the command line; TRAIN_TRACEBACK=1 shows full errors

The keys of a choice (optimizer.lr, clip.threshold, ...) are those of its file: {conf}/<group>/<choice>.yaml
"""


def help_text(conf: Path) -> str:
    """The whole of `train --help`: each choice with the first line of its file, each key with its default and comment."""
    main = (conf / "config.yaml").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^  - (\w+): (\w+)", main, re.MULTILINE))
    groups = "\n".join(_group(conf / group, default) for group, default in defaults.items())
    keys = re.findall(r"^(\w+): (\S+) +# (.*)$", main, re.MULTILINE)
    settings = "\n".join(f"  {f'{key}={value}':<22}{comment}" for key, value, comment in keys)
    return "\n".join([HEAD, f"Choices (* = default)\n{groups}", f"Settings\n{settings}\n", TAIL.format(conf=conf)])


def _group(folder: Path, default: str) -> str:
    """A line for each word of a group, the default first."""
    files = sorted(folder.glob("*.yaml"), key=lambda file: (file.stem not in (default, "none"), file.stem))
    return "".join(f"  {_mark(file, default):<30}{first_line(file)}\n" for file in files)


def _mark(file: Path, default: str) -> str:
    return f"{file.parent.name}={file.stem}{'*' if file.stem == default else ''}"


def first_line(file: Path) -> str:
    """What a choice is, from the first comment of its file (a recipe's header for Hydra passed over)."""
    lines = (line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("# @"))
    return next(lines).lstrip("# ").rpartition("; select with ")[0]


def version_text() -> str:
    """One line: our version and those that results depend on."""
    from trainer import __version__

    packages = {"torch": "torch", "Hydra": "hydra-core"}
    versions = [f"{title} {_installed(package)}" for title, package in packages.items()]
    return f"train {__version__} ({', '.join(versions)}, Python {platform.python_version()})"


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"
