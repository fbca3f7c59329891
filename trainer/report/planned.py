"""What a run is about to do, in one line that needs no library: no rich, no NumPy, no torch."""

from __future__ import annotations

from pathlib import Path

from trainer.experiment import GROUPS, Experiment


def plan(e: Experiment, directory: Path) -> str:
    """One line, known before torch is loaded: techniques, data set, network, amount of work, place."""
    hidden = "-".join(str(units) for units in e.model.hidden) or "none"
    batch = "full" if e.batch_size == "full" else f"{e.batch_size:,}"
    epochs = f"{e.epochs:,} {'epoch' if e.epochs == 1 else 'epochs'}"
    return (
        f"{techniques(e)} on {e.dataset.name}; {e.model.name}, hidden {hidden}, {e.model.activation}; "
        f"{epochs}, batch {batch}, seed {e.seed}; in {directory}"
    )


def techniques(experiment: Experiment) -> str:
    """The techniques in use as one types them: `optimizer=momentum clip=grad`."""
    words = {group: getattr(experiment, group).name for group in GROUPS if group not in ("dataset", "model")}
    return " ".join(f"{group}={word}" for group, word in words.items() if word != "none")
