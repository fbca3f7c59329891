"""`train report`: the command line of the page."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.compare.arguments import Parser, add_question, options_of
from trainer.compare.comparison import compare
from trainer.errors import CompareError, ConfigError
from trainer.report.pipe import tell_written
from trainer.webpage.page import page

EXAMPLES = {
    "train report runs/sweep -o sweep.html": "one sweep",
    "train report runs -o all.html --by optimizer": "everything below runs/, a row an optimizer",
    "train report runs/rates -o rates.html --tune optimizer.lr": "each at its own best rate",
}
SUFFIXES = (".html", ".htm")


def parser() -> argparse.ArgumentParser:
    """The parser of `train report`; it raises CompareError."""
    parser = Parser(
        "train report",
        "runs compared, as one page for a browser: result, picture, doubts, methods, conditions, how to repeat it. The file "
        "needs no other.",
        EXAMPLES,
    )
    add_question(parser)
    parser.add_argument(
        "-o", "--output", type=_html, metavar="FILE", required=True, help="the page to write, a .html file"
    )
    return parser


def _html(text: str) -> Path:
    if Path(text).suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text} should end in {' or '.join(SUFFIXES)}")
    return Path(text)


def main(argv: list[str]) -> int:
    """Runs the command; returns 0. Raises ConfigError where there is nothing to compare, for a wrong option and for a file that
    can't be written."""
    try:
        arguments = parser().parse_intermixed_args(argv)
        text = page(compare(arguments.directories or [Path("runs")], options_of(arguments)))
    except CompareError as error:
        raise ConfigError(str(error)) from error
    except SystemExit as end:  # argparse ends --help this way
        return int(end.code or 0)
    try:
        arguments.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{arguments.output} can't be written: {error.strerror or error}.") from error
    tell_written(arguments.output)
    return 0
