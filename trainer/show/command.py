"""`train show`: the command line of looking inside runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.compare.arguments import Parser, picture
from trainer.errors import CompareError, ConfigError
from trainer.report.pipe import Pipe, tell_written
from trainer.show.finding import find
from trainer.show.page import print_page

EXAMPLES = {
    "train show runs/mine": "loss, accuracy, gradients of each layer, and what they mean",
    "train show runs/mine --plot mine.png": "the same as a sheet",
    "train show runs/a runs/b": "two runs together",
    "train show runs/sweep": "the runs of a small sweep",
}


def parser() -> argparse.ArgumentParser:
    """The parser of `train show`; it raises CompareError."""
    parser = Parser(
        "train show",
        "what happened inside a run: loss and accuracy, the gradient's norm in each layer, clipping, the learning rate, the size "
        "of updates, and what they mean. Several runs are drawn together, a curve each.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("directories", metavar="DIR", nargs="*", type=Path, help="a run's directory, or one that holds some")
    add("--plot", type=picture, metavar="FILE", help="draw a sheet; a .png, .svg or .pdf file")
    return parser


def main(argv: list[str]) -> int:
    """Runs the command; returns 0. Raises ConfigError for what is no run, a wrong option or a file that can't be written."""
    try:
        arguments = parser().parse_intermixed_args(argv)
    except CompareError as error:
        raise ConfigError(str(error)) from error
    except SystemExit as end:  # argparse ends --help this way
        return int(end.code or 0)
    if not arguments.directories:
        raise ConfigError("Which run? Type train show RUN_DIR; train runs lists them.")
    shown = find(arguments.directories)
    if arguments.plot:  # first, for `| head` may end the program while it prints
        from trainer.show.sheet import draw  # matplotlib is an extra, and slow to load

        draw(shown, arguments.plot)
    print_page(shown, Pipe(highlight=False))
    tell_written(*filter(None, [arguments.plot]))
    return 0
