"""The documents against each other and the tree: every link leads somewhere, every file they name is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md"))
    if not path.name.startswith(".")
)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
PAGES = [path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs") and path != ROOT / "docs/README.md"]


def text(path: Path) -> str:
    """A document without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`(?!\])", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def links(path: Path) -> list[str]:
    found = (target or reference for target, reference in LINK.findall(text(path)))
    return [link for link in found if "://" not in link and not link.startswith("mailto:")]


@cache
def anchors(path: Path) -> set[str]:
    """The names of a document's headings, as GitHub makes them."""
    content = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found: list[str] = []
    for heading in re.findall(r"^#+ +(.+?) *$", content, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        again = sum(
            other == name or other.startswith(f"{name}-") and other[len(name) + 1 :].isdigit() for other in found
        )
        found.append(f"{name}-{again}" if again else name)
    return set(found) | set(re.findall(r'<a (?:id|name)="([^"]+)"', content))


def broken(path: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (path.parent / file).resolve() if file else path
    if not target.exists() or not target.is_relative_to(ROOT):
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    assert [link for link in links(path) if broken(path, link)] == []


def test_links_are_found_and_broken_ones_told():
    index = ROOT / "docs/README.md"
    assert len(links(index)) > 20
    assert broken(index, "nowhere.md") and broken(index, "statistics.md#nothing") and broken(index, "../../outside")
    assert not broken(index, "statistics.md#the-model")


def test_every_page_is_reached_from_the_index():
    """By links from docs/README.md, over as many pages as it takes."""
    reached, waiting = set(), [ROOT / "docs/README.md"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        targets = {(path.parent / link.partition("#")[0]).resolve() for link in links(path)}
        waiting += [target for target in targets if target.suffix == ".md" and target not in reached]
    assert [page for page in PAGES if page not in reached] == []


def test_every_source_file_in_the_layout_is_there():
    layout = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Where things are")[1].split("\n## ")[0]
    names = re.findall(r"`([a-z_/]+(?:\.py|/))`", layout)
    rooms = {f"trainer/{path.name}/" for path in (ROOT / "trainer").iterdir() if (path / "__init__.py").exists()}
    assert rooms <= set(names)
    assert not [name for name in names if not (ROOT / name).exists()]


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=lambda path: path.name
)
def test_every_source_file_it_names_is_there(path):
    folders = "trainer|tests|benchmarks|conf|hydra_plugins"
    named = set(re.findall(rf"`((?:{folders})/[\w/.-]+\.\w+)`", path.read_text(encoding="utf-8")))
    assert [name for name in named - {"conf/optimizer/sign_sgd.yaml"} if not (ROOT / name).exists()] == []


def test_the_tests_that_reliability_names_are_there():
    named = set(re.findall(r"`(test_\w+\.py)`", (ROOT / "docs/reliability.md").read_text(encoding="utf-8")))
    assert len(named) > 10 and named <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}


def test_the_glossary_is_in_order_and_every_verdict_is_in_it():
    headings = re.findall(r"^### (.+)$", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == sorted(headings, key=str.lower) and len(headings) > 40
    assert {"Real", "On these images only", "Equal within", "Undecided", "Holm", "Stack", "Cell", "AGC"} <= set(
        headings
    )
