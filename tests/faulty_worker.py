"""Workers in whose stacks the optimizer decides what goes wrong at the second record; started in the fork server's place."""

from __future__ import annotations

import os
import sys

from trainer.engine.loop import Training
from trainer.sweep.child import ignore_signals
from trainer.sweep.fork_server import main
from trainer.sweep.worker import leave

records = Training._records


def faulty(self: Training, norms: dict) -> list:
    word, seeds = self.experiments[0].optimizer.name, [e.seed for e in self.experiments]
    if self.state.step > self.per_epoch:
        if word == "adam":
            sys.exit(3)
        if word == "rmsprop":
            os._exit(4)
        if word == "momentum" and 1 in seeds:
            raise RuntimeError("seed 1 was the one")
    return records(self, norms)


if __name__ == "__main__":
    Training._records = faulty  # type: ignore[method-assign]
    ignore_signals()
    leave(sys.argv[1]) if sys.argv[1:] else main()
