"""The options of `train runs` as typed."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.compare.arguments import Parser
from trainer.listing.choosing import COLUMNS
from trainer.records import Status

EXAMPLES = {
    "train runs": "the newest runs and sweeps in runs/",
    "train runs runs/first": "each run of a sweep",
    "train runs optimizer=adam,sgd clip=grad": "those with these settings",
    "train runs --status failed,interrupted": "those that did not end well",
    "train runs --sort valid --limit 5": "the five best on validation images",
    "train runs --json -": "all of them as JSON on stdout",
}


def parser() -> argparse.ArgumentParser:
    """The parser of `train runs`; it raises CompareError."""
    parser = Parser(
        "train runs",
        "the runs that there are, the newest first, a sweep in one row: age, status, what is not at its default, accuracies "
        "(of a sweep the lowest and the highest), seconds of training.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("words", metavar="DIR, key=value", nargs="*", help="directories that hold runs, at any depth (runs); settings that "
        "listed runs have, several values with commas")  # fmt: skip
    add("--status", type=_statuses, metavar="WORD", help=f"only runs that stand so: {', '.join(Status)}")
    add("--dataset", metavar="NAME", help="only runs on this data set (the one really used)")
    add("--sort", default="age", metavar="KEY", help=f"by {', '.join(COLUMNS)}, any metric or any key (age): the newest or "
        "the best first")  # fmt: skip
    add("--reverse", action="store_true", help="the other way round")
    add("--cells", action="store_true", help="each run of a sweep in a row of its own")
    add("--limit", type=_limit, default=30, metavar="N", help="rows of the table (30); 0 = all")
    add(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write one line a run, all of them (- = to stdout, instead of the table)",
    )
    add("--json", type=Path, metavar="FILE", help="the same as JSON")
    return parser


def _statuses(text: str) -> str:
    for word in text.split(","):
        if word not in list(Status):
            raise argparse.ArgumentTypeError(f"there is no status {word}. Choose from: {', '.join(Status)}")
    return text


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of rows: give 0 or more")
    return int(text)
