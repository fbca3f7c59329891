"""What every test starts from."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# Before torch is loaded: two threads that wait actively for each other take a hundred times longer beside a busy neighbour.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# No time limits, no files left behind, and the same examples for everybody.
settings.register_profile("train", deadline=None, database=None, derandomize=True, max_examples=60)
settings.load_profile("train")


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one more than there are cores, since many tests wait for other processes and for disks."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """One thread at the start of each test; torch is not imported for tests that do without."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def float64():
    """New tensors in double precision, so that formulas can be compared to twelve digits."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
