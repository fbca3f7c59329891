"""What a benchmark found: tables and figures, on the console and as a dated file (JSON and Markdown)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One number that documents may quote, and what it must be; `at_least`: more is better."""

    name: str
    value: float
    unit: str = "×"
    must: float | None = None
    aim: float | None = None
    at_least: bool = False

    def reaches(self, goal: float | None) -> bool | None:
        if goal is None:
            return None
        return self.value >= goal if self.at_least else self.value <= goal

    def row(self) -> list[str]:
        sign = "≥" if self.at_least else "≤"
        goals = [
            f"{sign} {goal:g}: {'yes' if self.reaches(goal) else 'NO'}" if goal else ""
            for goal in (self.must, self.aim)
        ]
        return [self.name, f"{self.value:.3g} {self.unit}", *goals]


@dataclass(frozen=True)
class Sheet:
    """A table: cells are text, numbers are kept in the report's `data`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass
class Report:
    """All that one benchmark found."""

    kind: str
    machine: dict[str, Any]
    sheets: list[Sheet] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))

    def all_sheets(self) -> list[Sheet]:
        """The tables, and that of the figures with their goals."""
        figures = Sheet(
            "Figures and goals", ("figure", "value", "must", "aim"), [figure.row() for figure in self.figures]
        )
        return [*self.sheets, *([figures] if self.figures else [])]

    def show(self, console: Console) -> None:
        for sheet in self.all_sheets():
            table = Table(*sheet.columns, title=sheet.title, caption=sheet.note or None)
            for row in sheet.rows:
                table.add_row(*row)
            console.print(table)
        for note in self.notes:
            console.print(note)

    def save(self, directory: Path = RESULTS) -> Path:
        """Write <date>-<kind>.json and .md; a second one of a day gets a number. Returns the path of the JSON."""
        directory.mkdir(parents=True, exist_ok=True)
        stems = [f"{self.date}-{self.kind}", *(f"{self.date}-{self.kind}-{i}" for i in range(2, 100))]
        stem = next(stem for stem in stems if not (directory / f"{stem}.json").exists())
        figures = {
            figure.name: {**asdict(figure), "reaches must": figure.reaches(figure.must)} for figure in self.figures
        }
        whole = {"kind": self.kind, "date": self.date, "machine": self.machine, "figures": figures, "notes": self.notes}
        path = directory / f"{stem}.json"
        path.write_text(json.dumps({**whole, "data": self.data}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(self.markdown(), encoding="utf-8")
        return path

    def markdown(self) -> str:
        machine = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        parts = [f"# {self.kind}, {self.date}", machine]
        for sheet in self.all_sheets():
            lines = [
                "| " + " | ".join(cells) + " |" for cells in (sheet.columns, ["---"] * len(sheet.columns), *sheet.rows)
            ]
            parts += [f"## {sheet.title}", "\n".join(lines), *filter(None, [sheet.note])]
        return "\n\n".join([*parts, *self.notes]) + "\n"
