"""A comparison as a page: for each data set the sentence, the table, what to doubt, the methods, the runs, how to repeat them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from trainer.compare.columns import WAY
from trainer.compare.comparison import Comparison, Table
from trainer.compare.documents import cells, columns
from trainer.compare.effect_table import HEAD as EFFECTS
from trainer.compare.effect_table import SIDES as EFFECT_SIDES
from trainer.compare.effect_table import effect_rows, explained
from trainer.compare.factorial import factorial, in_a_sentence
from trainer.compare.fairness import flags
from trainer.compare.learning import learned_nothing
from trainer.compare.methods import methods
from trainer.compare.notes import left_out, notes, way_note, way_title
from trainer.compare.options import Options
from trainer.compare.overall import overall
from trainer.compare.rate_search import searches
from trainer.compare.rate_words import chart, told
from trainer.compare.typed import commands
from trainer.webpage import facts
from trainer.webpage.elements import document, element, escaped, folded, listed, table
from trainer.webpage.picture import picture

MANY = 50  # commands


def page(comparison: Comparison) -> str:
    """The whole page as HTML."""
    places = ", ".join(map(str, comparison.roots))
    parts = [
        element("h1", f"Runs in {places}"),
        element("p", f"Made by train report on {date.today():%Y-%m-%d}.", "note"),
        listed(comparison.warnings, "doubt"),
        *(part for each in comparison.tables for part in _results(each, comparison.options)),
        *(element("p", sentence, "doubt") for sentence in left_out(comparison)),
        element("h2", "Curves and intervals"),
        picture(comparison),
        *(part for each in comparison.tables for part in _origin(each)),
    ]
    return document(f"Runs in {places}", parts)


def _results(found: Table, options: Options) -> Iterator[str]:
    yield element("h2", f"{options.metric} on {found.dataset}")
    yield from (element("p", doubt, "doubt") for doubt in learned_nothing(found, options))
    yield element("p", overall(found, options) or "", "overall")
    head, rows = cells(found, options, str)
    yield table(head, [column.justify for column in columns(found, options)], rows)
    yield from (element("p", note, "note") for note in notes(found, options))
    for search in searches(found, options):
        yield f"<pre>{escaped_lines(chart(search, 100))}</pre>"
        yield element("p", told(search))
    if options.effects:
        yield from _effects(found, options)
    yield from _way(found)
    if doubts := flags(found, options):
        yield element("h3", "What to know before believing it")
        yield listed(doubts, "doubt")
    yield element("h3", "Methods")
    yield element("p", methods(found, options))


def _way(found: Table) -> Iterator[str]:
    if title := way_title(found):
        yield element("h3", title)
        rows = ([column.cell(row) for column in WAY] for row in found.rows)
        yield table([column.header for column in WAY], [column.justify for column in WAY], rows)
        yield element("p", way_note(found), "note")


def escaped_lines(lines: Iterator[str]) -> str:
    """Lines of equal letters."""
    return "\n".join(map(escaped, lines))


def _effects(found: Table, options: Options) -> Iterator[str]:
    effects = factorial(found, options)
    yield element("h3", "Effects")
    if effects.problem:
        yield element("p", effects.problem, "doubt")
        return
    yield element("p", in_a_sentence(effects, options.metric), "overall")
    yield table(EFFECTS, EFFECT_SIDES, effect_rows(effects, options.metric))
    yield element("p", explained(effects), "note")


def _origin(found: Table) -> Iterator[str]:
    runs = facts.runs_of(found)
    yield element("h2", f"How {found.dataset} was trained")
    yield table(("condition", "value"), ("left", "left"), facts.conditions(runs))
    typed = commands(runs)
    yield element("h3", "To repeat it")
    yield f"<pre>{escaped_lines(iter(typed[:MANY]))}</pre>"
    if len(typed) > MANY:
        yield element("p", f"{len(typed) - MANY} more configurations are not listed.", "note")
    more = f", the first {facts.MOST:,}" if len(runs) > facts.MOST else ""
    yield folded(f"The {len(runs):,} runs{more}", table(facts.HEAD, facts.SIDES, facts.lines(runs)))
