"""docs/choices.md is conf/: every choice, what it is, its keys. `python tests/test_choices.py` writes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from trainer.experiment import GROUPS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/choices.md"
HEAD = """\
# Every choice and its defaults

Made from [`conf/`](../conf), one file per choice, by `make docs`. [techniques.md](techniques.md) explains each choice, as
`train help optimizer=momentum` does; `train --help` lists them. A key is typed with its group: `optimizer.lr=0.1`.
"""


def page() -> str:
    default = {key: word for entry in _defaults() for key, word in entry.items()}
    return "\n".join([HEAD, *(_section(group, default.get(group)) for group in (*GROUPS, "experiment"))])


def _defaults() -> list[dict[str, str]]:
    entries = yaml.safe_load((ROOT / "conf/config.yaml").read_text())["defaults"]
    return [entry for entry in entries if isinstance(entry, dict) and not any("override" in key for key in entry)]


def _section(group: str, default: str | None) -> str:
    paths = sorted((ROOT / "conf" / group).glob("*.yaml"), key=lambda path: (path.stem != default, path.stem))
    keyed = any(_keys(path) for path in paths if group != "experiment")
    head = "| choice | what | keys |\n|---|---|---|" if keyed else "| choice | what |\n|---|---|"
    return "\n".join([f"## {group}\n", head, *(_row(group, path, path.stem == default, keyed) for path in paths), ""])


def _row(group: str, path: Path, is_default: bool, keyed: bool) -> str:
    comments = [line for line in path.read_text().splitlines() if line.startswith("# ") and "select with" in line]
    what = comments[0].removeprefix("# ").rsplit("; select with", 1)[0].replace("|", "\\|")
    keys = ", ".join(f"`{key}={_shown(value)}`" for key, value in _keys(path).items())
    return f"| `{group}={path.stem}`{' (default)' if is_default else ''} | {what} |{f' {keys} |' if keyed else ''}"


def _keys(path: Path) -> dict[str, Any]:
    return {key: value for key, value in yaml.safe_load(path.read_text()).items() if key != "name"}


def _shown(value: object) -> str:
    """A value as YAML and the command line write it."""
    return yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("...").strip().replace(" ", "")


def test_the_page_of_choices_is_what_conf_holds():
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
