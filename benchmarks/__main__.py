"""The command: `python -m benchmarks [peers|wall|scaling|overheads|precision|gpu]`."""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path

from rich.console import Console

from benchmarks.plot import plot
from benchmarks.results import RESULTS
from benchmarks.work import load_work

PARTS = {
    "peers": "us and the peers in turn, against the floor",
    "wall": "what a user waits for: whole processes, the first line, small runs, compare",
    "scaling": "time and memory against runs, width, batch, depth and updates",
    "overheads": "logging, checkpoints, start-up, --help, compare, a busy neighbour, a sweep",
    "precision": "what bf16 (and tf32 on a GPU) costs in accuracy, over seeds",
    "gpu": "one run, stacks and a sweep on CUDA",
}
DEFAULT = ("peers", "wall")


def main() -> None:
    parts = "\n".join(f"  {name:10} {text}" for name, text in PARTS.items())
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=f"{__doc__}\n\n{parts}\n\nWithout a part: {' and '.join(DEFAULT)}, under eight minutes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="about two minutes")
    parser.add_argument("--rounds", type=int, help="how often each contestant runs (3; quick 2)")
    parser.add_argument(
        "--data", type=Path, help="where MNIST lies (default TRAIN_DATA, else synthetic data of its shape)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the dated files go")
    options = parser.parse_args()
    if options.data:
        os.environ["TRAIN_DATA"] = str(options.data.resolve())  # for the commands and peers that are started
    for part in [options.part] if options.part else DEFAULT:
        measure(part, options)


def measure(name: str, options: argparse.Namespace) -> None:
    """One part, shown and written down."""
    console, work = Console(), load_work(None)
    part = importlib.import_module(f"benchmarks.{name}")
    with console.status(f"{name} on {work.name}") as status:
        report = part.run(work, options.rounds or (2 if options.quick else 3), options.quick, status.update)
    report.show(console)
    path = report.save(options.results)
    if name == "peers":
        plot(path)
    console.print(f"Written to {path} and {path.with_suffix('.md').name}")


if __name__ == "__main__":
    main()
