"""The tables of docs/statistics.md, from the result files it names: `python -m benchmarks.statistics_page` writes them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.results import RESULTS

PAGE = Path(__file__).parent.parent / "docs" / "statistics.md"
SOURCE = re.compile(r"<!-- (\w+), results/([\w.-]+\.json) -->\n.*?<!-- /\1 -->", re.DOTALL)


def methods(data: dict) -> str:
    names = list(dict.fromkeys(row["method"] for row in data["rates"]))
    rows = []
    for name in names:
        mine = [row for row in data["rates"] if row["method"] == name]
        power = sum(row["power"] for row in mine) / len(mine)
        rows.append([name, f"{max(row['false'] for row in mine):.3f}", f"{power:.3f}"])
    return table(["interval", "most false claims × comparisons", "mean power"], rows)


def null(data: dict) -> str:
    """False claims and power for each design, over the kinds of tables."""
    alike = [name for name in data if "no effect" in name or "independent" in name]
    differ = [name for name in data if name not in alike]

    def largest_and_mean(rates: Sequence[float]) -> str:
        return f"{max(rates):.3f} ({_mean(rates):.3f})"

    def mean(rates: Sequence[float]) -> str:
        return f"{_mean(rates):.2f}"

    lines = [
        ("false `real`: largest (mean)", "real", largest_and_mean, list(data)),
        ("false by seeds alone, images alike", "seeds only", largest_and_mean, alike),
        ("by seeds alone, images differ", "seeds only", mean, differ),
        ("power of `real`", "power", mean, list(data)),
        ("power of seeds alone", "power of seeds only", mean, list(data)),
    ]
    rows = []
    for groups in ("2", "4", "8"):
        for n in ("3", "5", "10", "20"):
            cells = [how([data[name]["fixed"][groups][n][key] for name in names]) for _, key, how, names in lines]
            rows.append([groups, n, *cells])
    return table(["groups", "n", *(label for label, *_ in lines)], rows)


def study(data: dict) -> str:
    ways = list(next(iter(data.values()))["study"])
    rows = []
    for way in ways:
        cells = [[one["study"][way][groups]["real"] for one in data.values()] for groups in ("2", "4", "8")]
        rows.append([way, *(f"{max(cell):.3f} ({_mean(cell):.3f})" for cell in cells)])
    return table(["schedule and level", *(f"{g} groups: largest (mean)" for g in (2, 4, 8))], rows)


def families(data: dict) -> str:
    """False claims for each kind of question, over the kinds of tables."""
    rows = []
    for question, row in data.items():
        cells = [[one[key] for one in row.values()] for key in ("fixed", "real")]
        compared = next(iter(row.values()))["comparisons"]
        rows.append([question, str(compared), *(f"{max(cell):.3f} ({_mean(cell):.3f})" for cell in cells)])
    return table(["question", "comparisons", "ten seeds, 5 %: largest (mean)", "a study's rule: largest (mean)"], rows)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, ["---"] * len(columns), *rows))


def page(text: str) -> str:
    """The page with each table between its marks made anew."""
    builders = {"methods": methods, "null": null, "study": study, "families": families}

    def replaced(mark: re.Match[str]) -> str:
        data = json.loads((RESULTS / mark[2]).read_text(encoding="utf-8"))["data"]
        return f"<!-- {mark[1]}, results/{mark[2]} -->\n{builders[mark[1]](data)}\n<!-- /{mark[1]} -->"

    return SOURCE.sub(replaced, text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
