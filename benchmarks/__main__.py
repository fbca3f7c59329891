"""The command: `python -m benchmarks [peers|scaling|overheads|precision|gpu]`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from rich.console import Console

from benchmarks.plot import plot
from benchmarks.results import RESULTS
from benchmarks.work import load_work

PARTS = {
    "peers": "us and the peers in turn, against the floor (about ten minutes)",
    "scaling": "time and memory against runs, width, batch, depth and updates",
    "overheads": "logging, checkpoints, start-up, --help, compare, a busy neighbour, a sweep",
    "precision": "what bf16 (and tf32 on a GPU) costs in accuracy, over seeds",
    "gpu": "one run, stacks and a sweep on CUDA",
}


def main() -> None:
    parts = "\n".join(f"  {name:10} {text}" for name, text in PARTS.items())
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=f"{__doc__}\n\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", choices=PARTS, default="peers")
    parser.add_argument("--quick", action="store_true", help="about two minutes")
    parser.add_argument("--rounds", type=int, help="how often each contestant runs (4; quick 2)")
    parser.add_argument(
        "--data", type=Path, help="where MNIST lies (default TRAIN_DATA, else synthetic data of its shape)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the dated files go")
    options = parser.parse_args()
    console = Console()
    part = importlib.import_module(f"benchmarks.{options.part}")
    work = load_work(options.data)
    with console.status(f"{options.part} on {work.name}") as status:
        report = part.run(work, options.rounds or (2 if options.quick else 4), options.quick, status.update)
    report.show(console)
    path = report.save(options.results)
    if options.part == "peers":
        plot(path)
    console.print(f"Written to {path} and {path.with_suffix('.md').name}")


if __name__ == "__main__":
    main()
