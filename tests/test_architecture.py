"""ARCHITECTURE.md against the code: the files it names are there, and each arrow of its picture is an import."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PATH = r"(?:trainer|hydra_plugins)/[\w/]+\.py|cli\.py"
DOWNWARDS = [
    ("trainer/shell/command.py", "trainer/run/run.py"),
    ("trainer/shell/composing.py", "trainer/experiment.py"),
    ("hydra_plugins/train_launcher/stack_launcher.py", "trainer/sweep/sweep.py"),
    ("trainer/run/run.py", "trainer/run/stack_run.py"),
    ("trainer/run/stack_run.py", "trainer/engine/loop.py"),
    ("trainer/run/stack_run.py", "trainer/run/run_directory.py"),
    ("trainer/engine/loop.py", "trainer/records.py"),
    ("trainer/run/run_directory.py", "trainer/report/tensorboard.py"),
    ("trainer/run/run_directory.py", "trainer/run/checkpoint.py"),
]
"""The arrows that run from line to line; a test can't follow them, so they are listed."""


def arrows() -> list[tuple[str, str]]:
    """Those within a line: `a → b`, and `b ◄── a`."""
    right = re.findall(rf"(?=({PATH}) → ({PATH}))", TEXT)
    left = [(b, a) for a, b in re.findall(rf"(?=({PATH}) ◄── ({PATH}))", TEXT)]
    return right + left


def imports(importer: str, imported: str) -> bool:
    package, _, name = imported.removesuffix(".py").replace("/", ".").rpartition(".")
    source = (ROOT / importer).read_text(encoding="utf-8")
    return bool(re.search(rf"from {package}\.{name} import|from {package} import .*\b{name}\b", source))


def test_every_file_and_folder_it_names_is_there():
    named = set(re.findall(rf"{PATH}|`(?:\w+/)+`", TEXT))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name.strip("`")).exists()]


def test_every_arrow_is_an_import():
    assert len(arrows()) >= 10
    assert {file for pair in DOWNWARDS for file in pair} <= set(re.findall(PATH, TEXT))
    assert not [pair for pair in arrows() + DOWNWARDS if not imports(*pair)]


def test_it_fits_on_one_screen():
    assert len(TEXT.splitlines()) <= 45
