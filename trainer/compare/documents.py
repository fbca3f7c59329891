"""The comparison for a paper: its tables and a methods paragraph, as Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from trainer.compare.columns import Column, difference_columns, sample_columns
from trainer.compare.comparison import Comparison, Table
from trainer.compare.effect_table import HEAD, SIDES, effect_rows, explained
from trainer.compare.factorial import Factorial, factorial, in_a_sentence
from trainer.compare.fairness import flags
from trainer.compare.learning import learned_nothing
from trainer.compare.methods import methods
from trainer.compare.options import Options
from trainer.compare.overall import overall
from trainer.compare.rate_search import searches
from trainer.compare.rate_words import told
from trainer.terminal.printable import printable

ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "<": r"$<$", ">": r"$>$", "→": r"$\to$",
}  # fmt: skip


def markdown(comparison: Comparison) -> str:
    """All tables as Markdown, each with its sentence before it, and what to mind and the methods paragraph after it."""
    return "\n".join(line for table in comparison.tables for line in _markdown(table, comparison.options))


def _markdown(table: Table, options: Options) -> Iterator[str]:
    head, rows = cells(table, options, _markdown_text)
    sentence = _markdown_text(overall(table, options) or "")
    yield from (f"> {_markdown_text(doubt)}\n" for doubt in learned_nothing(table, options))
    yield from (f"**{_markdown_text(_title(table, options))}.** {sentence}".rstrip(), "")
    yield from _markdown_table(head, [column.justify for column in columns(table, options)], rows)
    if options.effects:
        yield from ("", *_markdown_effects(factorial(table, options), options))
    for search in searches(table, options):
        yield from ("", _markdown_text(told(search)))
    yield from ("", _markdown_text(methods(table, options)), "")
    yield from (f"- {_markdown_text(flag)}" for flag in flags(table, options))
    yield ""


def _markdown_table(head: Sequence[str], sides: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' if side == 'left' else '---:' for side in sides)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _markdown_effects(found: Factorial, options: Options) -> Iterator[str]:
    if found.problem:
        yield _markdown_text(found.problem)
        return
    yield from (f"**Effects.** {_markdown_text(in_a_sentence(found, options.metric))}", "")
    rows = [[_markdown_text(cell) for cell in row] for row in effect_rows(found, options.metric)]
    yield from _markdown_table(HEAD, SIDES, rows)
    yield from ("", _markdown_text(explained(found)))


def latex(comparison: Comparison) -> str:
    """All tables as LaTeX (booktabs), the sentence as caption, the methods paragraph and what to mind after each."""
    return "\n".join(line for table in comparison.tables for line in _latex(table, comparison.options))


def _latex(table: Table, options: Options) -> Iterator[str]:
    head, rows = cells(table, options, tex)
    yield from (f"\\emph{{{tex(doubt)}}}\n" for doubt in learned_nothing(table, options))
    caption = tex(f"{_title(table, options)}. {overall(table, options) or ''}".rstrip())
    yield from _latex_table(head, [column.justify for column in columns(table, options)], rows, caption)
    if options.effects:
        yield from _latex_effects(factorial(table, options), options)
    for search in searches(table, options):
        yield from (tex(told(search)), "")
    yield from (tex(methods(table, options)), "")
    yield from (f"% {printable(flag)}" for flag in flags(table, options))


def _latex_table(
    head: Sequence[str], sides: Sequence[str], rows: Iterable[Sequence[str]], caption: str
) -> Iterator[str]:
    places = "".join(side[0] for side in sides)
    yield from (r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{places}}}", r"\toprule")
    yield f"{' & '.join(head)} \\\\"
    yield r"\midrule"
    yield from (f"{' & '.join(row)} \\\\" for row in rows)
    yield from (r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}", r"\end{table}", "")


def _latex_effects(found: Factorial, options: Options) -> Iterator[str]:
    if found.problem:
        yield f"% {printable(found.problem)}"
        return
    rows = [[tex(cell) for cell in row] for row in effect_rows(found, options.metric)]
    caption = tex(f"Effects. {in_a_sentence(found, options.metric)} {explained(found)}".replace("`", "'"))
    yield from _latex_table(HEAD, SIDES, rows, caption)


def cells(table: Table, options: Options, text: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """The headers and the rows of the terminal's table, each cell made into the document's `text`."""
    shown = columns(table, options)
    rows = [[text(str(column.cell(row))) for column in shown] for row in table.rows]
    return [text(column.header) for column in shown], rows


def columns(table: Table, options: Options) -> list[Column]:
    """The terminal's columns, a table's both halves."""
    against = difference_columns(table, options) if len(table.rows) > 1 else ()
    return [*sample_columns(table, options), *against]


def _title(table: Table, options: Options) -> str:
    unit = " in %" if options.metric.endswith("accuracy") else ""
    return f"{options.metric}{unit} on {printable(table.dataset)}"


def _markdown_text(text: str) -> str:
    return "".join(f"\\{c}" if c in r"\`*_[]<>|" else c for c in printable(text))


def tex(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(ESCAPES.get(c, c) for c in printable(text))
