"""Runs on a terminal: what each is and how it ended, the charts beside each other as the width allows, what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from trainer.report.closing import result, stopped
from trainer.report.diagnoses import diagnose
from trainer.report.planned import techniques
from trainer.show.chart import Look, chart
from trainer.show.finding import Shown
from trainer.show.panels import Panel, panels_of
from trainer.terminal.printable import printable

GAP = 2  # columns between charts
NARROWEST, HIGHEST = 36, 8  # columns and lines of a chart


def print_page(shown: Sequence[Shown], console: Console) -> None:
    """Print the whole page; sentences are broken on a screen alone."""
    for line in page(shown, console.width, look_of(console)):
        console.print(line, soft_wrap=not console.is_terminal)


def look_of(console: Console) -> Look:
    return Look(bool(console.color_system) and not console.no_color, console.encoding.lower().startswith("utf"))


def page(shown: Sequence[Shown], width: int, look: Look) -> Iterator[Text]:
    for run in shown:
        yield Text(printable(run.directory), "bold")
        yield Text(facts(run), "dim")
        yield Text(f"{printable(result(run.history.summary))}.")
        if early := stopped(run.history):
            yield Text(printable(early))
    yield from _rows(panels_of([(run.name, run.history) for run in shown]), width, look)
    yield Text()
    for run in shown:
        yield from _meaning(run, len(shown) > 1)


def facts(run: Shown) -> str:
    """The network and the techniques in a line."""
    e = run.history.experiment
    hidden = "-".join(str(units) for units in e.model.hidden) or "none"
    batch = "full" if e.batch_size == "full" else f"{e.batch_size:,}"
    return printable(f"hidden {hidden}, {e.model.activation}; {techniques(e)}; batch {batch}, seed {e.seed}")


def _rows(panels: Sequence[Panel], width: int, look: Look) -> Iterator[Text]:
    """The charts, as many beside each other as have room."""
    beside = max(1, min(3, (width + GAP) // (NARROWEST + GAP)))
    each = (width - GAP * (beside - 1)) // beside
    for start in range(0, len(panels), beside):
        charts = [chart(panel, each, HIGHEST, look) for panel in panels[start : start + beside]]
        yield Text()
        for lines in zip_longest(*charts, fillvalue=Text()):
            yield _beside(lines, each)


def _beside(lines: Sequence[Text], width: int) -> Text:
    row = Text()
    for place, line in enumerate(lines):
        row.append(" " * (place * (width + GAP) - row.cell_len)).append(line)
    return row


def _meaning(run: Shown, several: bool) -> Iterator[Text]:
    name = f"{printable(run.name)}: " if several else ""
    if not run.history.summary.get("steps"):
        yield Text(f"{name}Not trained: no update was made.")
        return
    found = diagnose(run.history)
    for diagnosis in found:
        yield Text(f"! {name}{diagnosis}", "yellow")
    if not found:
        yield Text(f"{name}Nothing unusual in its records.", "green")
