"""Sweeps: many experiments, those of one structure trained as stacks, by worker processes. No torch in the parent.

cells → standing (what is there already) → plan (stacks) → crew (workers) → results; `prune` is used by the workers.
"""

from __future__ import annotations

from typing import Any

_HOMES = {"Cell": "cells", "SweepSettings": "cells", "resume_sweep": "sweep", "run_sweep": "sweep"}
__all__ = ["Cell", "SweepSettings", "resume_sweep", "run_sweep"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: workers need none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trainer.sweep' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"trainer.sweep.{_HOMES[name]}"), name)
