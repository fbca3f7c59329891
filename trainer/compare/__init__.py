"""Statistics over finished runs, as tables, files and plots. No torch, no Hydra.

runs → groups → comparison (with options and statistics) → table, export, plot; fairness says what to doubt.
"""


def __getattr__(name: str) -> object:
    """The interface for Python, imported when it is asked for: other programs of this room need not pay for it."""
    if name != "of":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from trainer.compare import asking

    return getattr(asking, name)
