"""What would work on this machine and not on another: text files in the system's own encoding, and a lock out of date."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FILES = [cli for name in ("trainer", "hydra_plugins", "benchmarks") for cli in sorted((ROOT / name).rglob("*.py"))]
READERS = {"open": 1, "fdopen": 1, "read_text": 0, "write_text": 1}
"""What opens a text file, and the position of its encoding or, for the first two, of its mode."""


def in_systems_encoding(call: ast.Call) -> bool:
    """Whether this call opens a text file without naming an encoding."""
    function = call.func
    name = getattr(function, "id", getattr(function, "attr", ""))
    if name not in READERS or any(keyword.arg in ("encoding", None) for keyword in call.keywords):
        return False
    if name in ("read_text", "write_text"):
        return len(call.args) <= READERS[name]
    mode = ast.unparse(call.args[1]) if len(call.args) > 1 else "'r'"
    return isinstance(function, ast.Name) and "b" not in mode or name == "fdopen" and "b" not in mode


def test_every_text_file_names_its_encoding():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and in_systems_encoding(node)
    ]
    assert not found


def test_the_lock_has_every_dependency_within_its_bounds():
    """requirements-lock.txt is made by hand before a release: a bound that was raised since shows here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements-lock.txt").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    for text in (*project["dependencies"], *project["optional-dependencies"]["plot"]):
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"python_version": "3.11"}):
            assert wanted.specifier.contains(locked[wanted.name.lower()], prereleases=True), text
