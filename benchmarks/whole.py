"""A peer as a whole process: `python -m benchmarks.whole MODULE EPOCHS` trains, tells the loss of its network, and ends."""

from __future__ import annotations

import importlib
import sys

from benchmarks.work import Clock, load_work


def main(module: str, epochs: str) -> None:
    work = load_work(None)
    clock = Clock(work)
    importlib.import_module(f"benchmarks.contestants.{module}").epochs(work, int(epochs), clock)
    print(f"{len(clock.seconds)} epochs, training loss after the first {clock.losses()[0]:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
