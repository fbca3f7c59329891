"""We: a sweep over all cores, a worker process with one thread and its share of the runs on each."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np

from benchmarks.work import Clock, Work


def epochs(work: Work, n: int, clock: Clock, runs: int = 32) -> None:
    from trainer.engine.cores import cores

    workers = min(cores(), runs)
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(workers + 1), context.SimpleQueue()
    shares = [range(runs * i // workers, runs * (i + 1) // workers) for i in range(workers)]
    processes = [context.Process(target=_work, args=(work, n, share, barrier, queue), daemon=True) for share in shares]
    for process in processes:
        process.start()
    for _ in range(n):
        barrier.wait()
        clock.start()
        barrier.wait()
        clock.stop()
    clock.first = [np.concatenate(tensors) for tensors in zip(*(queue.get() for _ in processes), strict=True)]
    for process in processes:
        process.join()


def _work(work: Work, n: int, share: range, barrier: Barrier, queue: Any) -> None:
    """One worker: its stack trains an epoch whenever all are ready."""
    from benchmarks.contestants.ours import new_training, weights

    training = new_training(work, n, len(share), threads=1, first=share.start)
    updates = iter(training)
    for epoch in range(n):
        barrier.wait()
        while training.step < (epoch + 1) * training.per_epoch:
            next(updates)
        barrier.wait()
        if epoch == 0:
            first = [np.array(w) for w in weights(training)]
    queue.put(first)
