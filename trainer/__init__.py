"""train: which training technique helps, by how much, and is that real?

from trainer import Experiment, train, load_model
for record in train(Experiment(optimizer="momentum", clip="grad", dataset="digits")):
    print(record.epoch, record.metrics["valid/accuracy"])
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing takes as long to import as all the rest, and until then Ctrl-C can't be answered
if TYPE_CHECKING:
    from typing import Any

    from trainer.engine.loop import train
    from trainer.errors import ConfigError
    from trainer.experiment import Experiment
    from trainer.records import Record
    from trainer.run.export import load_model

# Threads that wait by spinning take the core from whoever has work, ourselves included: beside a busy neighbour an update on two
# threads took 20 times as long (docs/performance.md). Read when torch is loaded; a value that is set already stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # turns: about to the next operation of an update

__version__ = "0.1.0"
__all__ = ["ConfigError", "Experiment", "Record", "__version__", "load_model", "train"]

_HOMES = {
    "ConfigError": "errors",
    "Experiment": "experiment",
    "Record": "records",
    "load_model": "run.export",
    "train": "engine.loop",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: `import trainer` alone must not cost the import of torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trainer' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"trainer.{_HOMES[name]}"), name)
