"""Sixteen cells that every engine trains, on real processes and machines that are killed on the way, to the same bits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from commands import TINY, same_bits, summary, train

SWEEP = ("-m", *TINY, "optimizer=sgd,adam,momentum,rmsprop", "seed=range(4)", "checkpoint.epochs=20")
EPOCHS = "epochs=1200"
"""Some seconds a stack, so that there is time to kill somebody."""


def undisturbed(cwd: Path) -> Path:
    """The sweep by this machine's own workers, left alone."""
    command = train(cwd, *SWEEP, EPOCHS, "hydra.launcher.workers=2", "name=local")
    assert command.end() == 0, command.err
    return cwd / "runs/local"


def statuses(sweep: Path) -> Counter[str]:
    return Counter(summary(path.parent)["status"] for path in sweep.glob("*/summary.json"))


def assert_same(sweep: Path, local: Path) -> None:
    """All sixteen, and their table."""
    names = {path.name for path in local.glob("optimizer=*")}
    assert len(names) == 16 and {path.name for path in sweep.glob("optimizer=*")} == names
    assert_same_runs(sweep, local, names)
    assert (sweep / "results.csv").read_text().count("\n") == 17


def assert_same_runs(sweep: Path, local: Path, names: Iterable[str]) -> None:
    """Every network and every record; how many were trained together is no part of a run. Nothing else is left behind."""
    for name in names:
        (local / name / "summary.json").write_text(
            json.dumps(summary(local / name) | {"stack": summary(sweep / name)["stack"]})
        )
        same_bits(sweep / name, local / name)
    assert not list(sweep.rglob(".lease")) and not list(sweep.rglob(".*.partial"))


def worker_of(pids: list[int]) -> int | None:
    """One of the processes that trains: forked by one that runs the same program."""
    return next((pid for pid in pids if _is_server(pid) and _is_server(_parent(pid))), None)


def _is_server(pid: int) -> bool:
    try:
        return b"trainer.sweep.fork_server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0
