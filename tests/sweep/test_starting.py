"""How worker processes begin and end: forked or started, what is told of them, and what becomes of them without their server."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import cli
from trainer.sweep import devices, starting
from trainer.sweep.devices import WorkerSlot
from trainer.sweep.failures import reason
from trainer.sweep.workers import Worker

SLOT = WorkerSlot("cpu", 1 << 30)
FORKLESS = """
import os, trainer.sweep.fork_server as server
def fork(): raise BlockingIOError(11, os.strerror(11))
os.fork = fork
server.main()
"""
"""A fork server where no more processes are allowed."""

TELLING = """
import json, os, trainer.sweep.fork_server as server
def leave(device):
    long, home, threads = map(os.environ.get, ("LONG", "HOME", "OMP_NUM_THREADS"))
    told = {"device": device, "directory": os.getcwd(), "long": long, "home": home, "threads": threads}
    print(json.dumps({"event": "told", **told}), flush=True)
    os._exit(0)
server.leave = leave
server.main()
"""
"""A fork server whose workers tell what they find."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of this test alone, which leaves with it."""
    monkeypatch.setattr(starting, "SERVER", [])
    yield
    starting.forget()


@pytest.fixture(params=[True, False], ids=["forked", "started"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not starting.FORKS:
        pytest.skip("workers are forked on Linux alone")
    monkeypatch.setattr(starting, "FORKS", request.param)


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError("it never came")


def begun() -> Worker:
    worker = Worker(SLOT, SimpleQueue())
    until(lambda: worker.pid)
    return worker


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def files(pid: int) -> set[str]:
    """The pipes and sockets that a process has open."""
    links = (os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())
    return {link for link in links if link.startswith(("pipe:", "socket:"))}


@pytest.mark.usefixtures("way")
def test_one_that_is_dismissed_leaves_by_itself():
    worker = begun()
    assert worker.pid != os.getpid() and not worker.has_gone()
    worker.dismiss()
    worker.end()
    assert worker.has_gone() and worker.code == 0
    assert worker.inbox.get(timeout=1) == (worker, {"event": "gone"})
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)


@pytest.mark.usefixtures("way")
def test_how_it_ended_is_told():
    worker = begun()
    os.kill(worker.pid, signal.SIGKILL)
    worker.end()
    assert worker.code == -signal.SIGKILL and "killed by SIGKILL (out of memory?)" in worker.reason()


@pytest.mark.usefixtures("way")
def test_what_it_writes_to_stderr_is_heard():
    worker = begun()
    worker.orders.write("no JSON\n")  # a mistake of ours: its listening thread ends with a traceback
    worker.orders.flush()
    until(lambda: any("JSONDecodeError" in line for line in worker.last_words))
    worker.kill()
    worker.end()
    assert worker.code == -signal.SIGKILL


@linux
@pytest.mark.usefixtures("own_server")
def test_all_come_from_one_server_and_know_nothing_of_each_other():
    first, second = begun(), begun()
    server = parent(first.pid)
    assert server == parent(second.pid) != os.getpid()
    until(lambda: len(files(second.pid)) == 4)  # stdin, and stderr in stdout's place; the reports; nothing else but
    assert not files(first.pid) & files(second.pid)
    for worker in (first, second):
        worker.dismiss()
        worker.end()
    assert (first.code, second.code) == (0, 0)
    starting.forget()
    until(lambda: not Path(f"/proc/{server}/cmdline").exists() or not Path(f"/proc/{server}/cmdline").read_bytes())


@linux
@pytest.mark.usefixtures("own_server")
def test_it_has_directory_and_environment_of_its_parent_by_then(tmp_path, monkeypatch):
    monkeypatch.setattr(starting, "command", lambda module: [sys.executable, "-c", TELLING])
    starting.prepare()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LONG", long := "é" * 300_000)
    monkeypatch.delenv("HOME", raising=False)
    worker = Worker(SLOT, SimpleQueue())
    told = {"device": "cpu", "directory": str(tmp_path), "long": long, "home": None, "threads": "1"}
    assert worker.inbox.get(timeout=60) == (worker, {"event": "told", **told})
    worker.end()


@linux
def test_a_directory_that_was_taken_away_stops_no_worker(tmp_path, monkeypatch):
    """As where a sweep that loses a worker was begun in a folder that somebody has removed since."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    worker = begun()
    worker.dismiss()
    worker.end()
    assert (worker.code, list(worker.last_words)) == (0, [])


@linux
@pytest.mark.usefixtures("own_server")
def test_without_their_server_workers_go_on_and_others_have_a_new_one():
    first = begun()
    os.kill(server := parent(first.pid), signal.SIGKILL)
    until(lambda: parent(first.pid) != server)
    second = begun()
    assert parent(second.pid) != server and not first.has_gone()
    os.kill(first.pid, signal.SIGKILL)
    first.end()
    assert first.code is None and first.reason() == reason(None)
    assert "and so is the one that started it" in first.reason()
    second.dismiss()
    second.end()
    assert second.code == 0


@linux
def test_a_line_cut_short_by_a_kill_spoils_no_other():
    worker = begun()
    stdout = f"/proc/{worker.pid}/fd/"
    reports = next(
        path for path in Path(stdout).iterdir() if int(path.name) > 2 and os.readlink(path).startswith("pipe:")
    )
    with open(reports, "w") as pipe:
        pipe.write('{"event": "progress", "cel')
    os.kill(worker.pid, signal.SIGKILL)
    worker.end()
    assert worker.code == -signal.SIGKILL
    assert worker.inbox.get(timeout=1) == (worker, {"event": "gone"}) and worker.inbox.empty()


@linux
@pytest.mark.usefixtures("own_server")
def test_where_no_process_can_be_had_the_reason_is_told(monkeypatch):
    monkeypatch.setattr(starting, "command", lambda module: [sys.executable, "-c", FORKLESS])
    worker = Worker(SLOT, SimpleQueue())
    until(worker.has_gone)
    worker.end()
    assert worker.code == 1 and "Resource temporarily unavailable" in worker.last_words[0]


@linux
@pytest.mark.usefixtures("own_server")
def test_a_library_that_can_not_be_loaded_is_the_workers_to_say(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('broken on purpose')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(starting, "environment", lambda device: {**os.environ, "PYTHONPATH": _path(tmp_path)})
    worker = Worker(SLOT, SimpleQueue())
    until(worker.has_gone)
    worker.end()
    assert worker.code == 1 and any("broken on purpose" in line for line in worker.last_words)


def _path(first: Path) -> str:
    return os.pathsep.join((str(first), str(Path(starting.__file__).parents[2])))


@pytest.mark.parametrize("gpu", [True, False])
@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["seed=range(99)"], "never"),
        (["seed=range(100)"], "without a GPU"),
        (["seed=range(100)", "device=cpu"], "always"),
        (["seed=range(100)", "hydra/launcher=basic"], "never"),
        (["seed=range(100)", "hydra/launcher=stack_slurm"], "never"),
    ],
)
def test_a_long_sweep_has_its_server_begin_while_it_is_composed(words, begins, gpu, monkeypatch, tmp_path, capsys):
    """The mistake ends it before anything else is done."""
    asked: list[bool] = []
    monkeypatch.setattr(starting, "prepare", lambda: asked.append(True))
    monkeypatch.setattr(devices, "may_have_gpu", lambda: gpu)
    monkeypatch.chdir(tmp_path)
    assert cli.run(["-m", *words, "epochs=-1"]) == 2
    assert bool(asked) == {"never": False, "always": True, "without a GPU": not gpu}[begins]
    assert "epochs=-1 is not allowed" in capsys.readouterr().err and not list(tmp_path.iterdir())


@linux
def test_a_gpu_has_workers_of_its_own_making(monkeypatch):
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(starting, "_fork", lambda files: asked.append(("forked", "cpu")))
    monkeypatch.setattr(starting, "_start", lambda device, files: asked.append(("started", device)))
    for device in ("cpu", "cuda:1", "mps"):
        starting.begin(device, (0, 1, 2))
    assert asked == [("forked", "cpu"), ("started", "cuda:1"), ("started", "mps")]
