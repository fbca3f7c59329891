"""The warning about runs that were not made in one environment."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.compare.comparison import Table
from trainer.compare.options import Options
from trainer.report.origin import differences, origin
from trainer.terminal.printable import printable


def mixed_origins(table: Table, options: Options) -> Iterator[str]:
    """The same seed gives the same bits in one environment only, so pairing by seed means less in several."""
    found = differences(origin(run.summary) for row in table.rows for run in row.runs)
    if found:
        listed = "; ".join(f"{name} {', '.join(map(printable, values))}" for name, values in found.items())
        yield (
            f"The runs were made in different environments ({listed}), so a part of a difference may be due to that. "
            "To be sure, repeat them in one."
        )
