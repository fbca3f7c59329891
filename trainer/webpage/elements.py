"""The pieces of a page as text. Whatever is shown is escaped here: names and messages may be a stranger's."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from trainer.terminal.printable import printable

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
.overall { font-size: 1.1rem; font-weight: 600; } .doubt { color: #8a4b00; } .note { color: #555; font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #888; } .right { text-align: right; white-space: nowrap; } svg { max-width: 100%; height: auto; }
pre { background: #f5f5f5; padding: .6rem .8rem; overflow-x: auto; font-size: .85rem; } summary { cursor: pointer; }
@media print { body { margin: 0; max-width: none; } }
"""


def escaped(text: object) -> str:
    """Text as it is read, without control characters."""
    return html.escape(printable(text))


def element(tag: str, text: object, kind: str = "") -> str:
    """A tag around a text."""
    return f"<{tag}{f' class={kind!r}' if kind else ''}>{escaped(text)}</{tag}>"


def listed(texts: Sequence[object], kind: str = "") -> str:
    """A list; nothing where there is nothing in it."""
    items = "".join(element("li", text, kind) for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def table(head: Sequence[str], sides: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; `sides` are left or right, a column each."""
    titles = "".join(element("th", title, side) for title, side in zip(head, sides, strict=True))
    lines = ("".join(element("td", cell, side) for cell, side in zip(row, sides, strict=True)) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<div class='wide'><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def folded(title: str, inside: str) -> str:
    """A part that is opened by a click."""
    return f"<details><summary>{escaped(title)}</summary>{inside}</details>"


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page. It loads nothing and runs nothing, and the browser is told so."""
    inside = "\n".join(part for part in parts if part)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escaped(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n<body>\n'
        f"{inside}\n</body></html>\n"
    )
