"""The comparison for a paper: its tables and a methods paragraph, as Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainer.compare.columns import Column, difference_columns, sample_columns
from trainer.compare.comparison import Comparison, Table
from trainer.compare.fairness import flags
from trainer.compare.methods import methods
from trainer.compare.options import Options
from trainer.compare.overall import overall
from trainer.printable import printable

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
    yield from (f"**{_markdown_text(_title(table, options))}.** {sentence}".rstrip(), "")
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' if column.justify == 'left' else '---:' for column in _columns(table, options))}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield from ("", _markdown_text(methods(table, options)), "")
    yield from (f"- {_markdown_text(flag)}" for flag in flags(table, options))
    yield ""


def latex(comparison: Comparison) -> str:
    """All tables as LaTeX (booktabs), the sentence as caption, the methods paragraph and what to mind after each."""
    return "\n".join(line for table in comparison.tables for line in _latex(table, comparison.options))


def _latex(table: Table, options: Options) -> Iterator[str]:
    head, rows = cells(table, options, tex)
    places = "".join(column.justify[0] for column in _columns(table, options))
    yield from (r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{places}}}", r"\toprule")
    yield f"{' & '.join(head)} \\\\"
    yield r"\midrule"
    yield from (f"{' & '.join(row)} \\\\" for row in rows)
    yield from (r"\bottomrule", r"\end{tabular}")
    yield rf"\caption{{{tex(f'{_title(table, options)}. {overall(table, options) or str()}'.rstrip())}}}"
    yield from (r"\end{table}", "", tex(methods(table, options)), "")
    yield from (f"% {printable(flag)}" for flag in flags(table, options))


def cells(table: Table, options: Options, text: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """The headers and the rows of the terminal's table, each cell made into the document's `text`."""
    columns = _columns(table, options)
    rows = [[text(str(column.cell(row))) for column in columns] for row in table.rows]
    return [text(column.header) for column in columns], rows


def _columns(table: Table, options: Options) -> list[Column]:
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
