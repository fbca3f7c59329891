"""Many runs: those of one structure are trained as stacks by worker processes. No torch in the parent.

cells → existing (what is there already) → plan (stacks) → scheduler and workers → results. A worker is `worker` → `work`.
"""


def __getattr__(name: str) -> object:
    """The interface for Python, imported when it is asked for: other programs of this room need not pay for it."""
    if name != "run":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from trainer.sweep import asking

    return getattr(asking, name)
