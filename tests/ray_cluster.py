"""A real Ray cluster on this machine alone: a head without cores, and nodes of one core each that can be lost.

`python tests/ray_cluster.py` starts one for trials by hand, prints its address, and stops it at Ctrl-C.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NODES = 2
MEMORY = 80 << 20  # bytes for objects, of which there are none


def missing() -> str | None:
    """What is not installed, as a reason to skip; None where it is there."""
    return None if find_spec("ray") else "Ray is not installed: pip install 'train-compare[ray]'"


class RayCluster:
    """A context manager; `address` is what hydra.launcher.address takes."""

    def __enter__(self) -> RayCluster:
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY})
        self.nodes = [self._begin() for _ in range(NODES)]
        self.address = self.cluster.address
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.shutdown()

    def _begin(self) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=MEMORY)

    def processes(self, node: int) -> list[int]:
        """All that runs below a node's own process."""
        raylet = self.nodes[node].all_processes["raylet"][0].process.pid
        return descendants(raylet)

    def lose(self, node: int) -> None:
        """What is left of a node when its power fails: nothing, and nobody is told. Another one comes in its place."""
        self.cluster.remove_node(self.nodes[node], allow_graceful=False)
        self.nodes[node] = self._begin()


def descendants(pid: int) -> list[int]:
    """The processes below a process."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


if __name__ == "__main__":
    if reason := missing():
        raise SystemExit(reason)
    with RayCluster() as cluster, suppress(KeyboardInterrupt):
        print(f"hydra.launcher.address={cluster.address}", flush=True)
        signal.pause()
