"""Many runs: those of one structure are trained as stacks by worker processes, here or on a cluster. No torch in the parent.

cells → existing (what is there already) → plan (stacks) → scheduler, with an engine → results. A worker is `worker` → `work`, a
unit on another machine `unit` → scheduler, with the engine of that machine.
"""
