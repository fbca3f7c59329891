"""A process that imports torch once, for all workers on a machine's CPU, and forks one whenever it is asked: `python -m` runs it.

stdin is a socket. Each request comes with five files: the stdin, stdout and stderr of a worker, its working directory, and its
environment, a JSON object. Among the worker's reports it tells `begun` with its number, and `gone` with its exit code. When the
socket ends the parent is gone, and so is this process; workers see that for themselves.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import traceback
from contextlib import suppress
from typing import NoReturn

from trainer.sweep.child import ignore_signals, tell
from trainer.sweep.worker import leave


class ForkServer:
    """`parent` is where requests come from. Of each child: where its end is noticed, for nobody else holds that pipe, its number,
    and where its end is told."""

    def __init__(self, parent: socket.socket):
        self.parent = parent
        self.children: dict[int, tuple[int, int]] = {}

    def serve(self) -> None:
        """Until the parent has gone."""
        while True:
            ready, _, _ = select.select([self.parent.fileno(), *self.children], [], [])
            for life in set(ready) & self.children.keys():
                self._end(life, *self.children.pop(life))
            if self.parent.fileno() in ready and not self._begin():
                return

    def _begin(self) -> bool:
        """A worker for the next request; False where there is none any more."""
        asked, files, _, _ = socket.recv_fds(self.parent, 16, 5)
        if not asked:
            return False
        _, reports, stderr, *_ = files
        life, held = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes
            os.write(stderr, f"{error}\n".encode())
            tell(reports, event="gone", code=1)
            _close(life, held, *files)
            return True
        if pid == 0:
            self._become_worker(life, *files)
        _close(held, *(file for file in files if file != reports))
        tell(reports, event="begun", pid=pid)
        self.children[life] = pid, reports
        return True

    def _become_worker(
        self, life: int, stdin: int, stdout: int, stderr: int, directory: int, environment: int
    ) -> NoReturn:
        """In the child: nothing of the server's stays open, and the request's files are the standard ones."""
        try:
            self.parent.close()
            for other, (_, reports) in self.children.items():
                _close(other, reports)
            for standard, file in enumerate((stdin, stdout, stderr)):
                os.dup2(file, standard)
            os.fchdir(directory)
            with open(environment, encoding="utf-8") as wanted:
                os.environ.clear()
                os.environ.update(json.load(wanted))
            _close(life, stdin, stdout, stderr, directory)
            gc.enable()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        leave("cpu")

    def _end(self, life: int, pid: int, reports: int) -> None:
        tell(reports, event="gone", code=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        _close(life, reports)


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def main() -> NoReturn:
    """The program."""
    parent = socket.socket(fileno=os.dup(0))
    gc.disable()
    with suppress(Exception):  # a library that can't be loaded: the worker that needs it says so
        import trainer.sweep.work  # noqa: F401
    gc.freeze()  # what all workers share is garbage in none, and need not be looked through
    ForkServer(parent).serve()
    os._exit(0)


if __name__ == "__main__":
    ignore_signals()
    main()
