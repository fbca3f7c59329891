"""Many runs: those of one structure are trained as stacks by worker processes. No torch in the parent.

cells → existing (what is there already) → plan (stacks) → scheduler and workers → results. A worker is `worker` → `work`.
"""
