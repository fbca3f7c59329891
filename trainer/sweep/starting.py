"""How a worker process is begun: forked from one that has imported torch, or where that can't be, as a program of its own."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading

from trainer.sweep.child import command, deaf, environment, tell

FORKS = sys.platform == "linux"
"""On a Mac libraries do not bear to be forked, and Windows has no such thing. Nor does CUDA, once it has begun: workers of a GPU,
of which there are few, are programs of their own everywhere."""

SERVER: list[socket.socket] = []
"""Where to ask for workers on a CPU; empty before the first."""

Files = tuple[int, int, int]
"""stdin, stdout and stderr of a worker, its own from here on."""


def prepare() -> None:
    """Have what workers on a CPU need loaded, beside all that is done before they are begun."""
    if FORKS:
        _server()


def begin(device: str, files: Files) -> None:
    """Start a worker. Among its reports are then `begun` with its `pid`, and at last `gone` with its exit `code`."""
    if FORKS and device == "cpu":
        _fork(files)
    else:
        _start(device, files)


def forget() -> None:
    """Have the next workers begun by a server of their own; the one there is leaves."""
    while SERVER:
        SERVER.pop().close()


def _fork(files: Files) -> None:
    directory = os.open(".", os.O_PATH)  # which can be had even where it was taken away
    with os.fdopen(os.memfd_create("environment"), "w+", encoding="utf-8") as wanted:
        json.dump(environment("cpu"), wanted)
        wanted.seek(0)
        asked = [*files, directory, wanted.fileno()]
        try:
            socket.send_fds(_server(), [b"worker"], asked)
        except ConnectionError:  # it was killed
            forget()
            socket.send_fds(_server(), [b"worker"], asked)
    for file in (*files, directory):
        os.close(file)


def _server() -> socket.socket:
    """What forks workers, begun when it is first asked for; it leaves with this process."""
    if not SERVER:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        SERVER.append(ours)
        with theirs, deaf():
            process = subprocess.Popen(
                command("trainer.sweep.fork_server"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment("cpu"),
            )
        atexit.register(process.kill)  # it may still be loading, and nobody waits for that
    return SERVER[0]


def _start(device: str, files: Files) -> None:
    stdin, reports, stderr = files
    with deaf():
        process = subprocess.Popen(
            command("trainer.sweep.worker", device), stdin=stdin, stdout=reports, stderr=stderr, env=environment(device)
        )
    os.close(stdin)
    os.close(stderr)
    tell(reports, event="begun", pid=process.pid)

    def watch() -> None:
        tell(reports, event="gone", code=process.wait())
        os.close(reports)

    threading.Thread(target=watch, daemon=True).start()
