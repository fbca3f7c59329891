"""`train compare`: statistics over finished run directories, without torch, Hydra or OmegaConf.

runs → groups → comparison (with options and statistics) → table, export, plot; fairness says what to doubt.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "CompareError": "runs",
    "Comparison": "comparison",
    "Options": "options",
    "compare": "comparison",
    "compare_table": "command",
    "main": "command",
}
__all__ = ["CompareError", "Comparison", "Options", "compare", "compare_table", "main"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: a run needs the list of housekeeping keys and not SciPy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trainer.compare' has no attribute '{name}'")
    return getattr(import_module(f"trainer.compare.{_HOMES[name]}"), name)
