"""Many runs: those of one structure are trained as stacks by worker processes, here or on a cluster. No torch in the parent.

cells → existing (what is there already) → plan (stacks) → scheduler, with an engine → results. A worker is `worker` → `work`, a
unit on another machine `unit` → scheduler, with the engine of that machine.
"""


def __getattr__(name: str) -> object:
    """The interface for Python, imported when it is asked for: other programs of this room need not pay for it."""
    if name != "run":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from trainer.sweep import asking

    return getattr(asking, name)
