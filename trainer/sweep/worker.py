"""A worker process: trains the stacks its parent sends, one after the other, and tells how they go. `python -m` runs it.

Orders come on stdin and reports go to stdout, a JSON object a line. When stdin ends the parent is gone, and so is the worker.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import Any, NoReturn

from trainer.sweep.child import ignore_signals


class Orders:
    """What the parent wants: stacks to train, and `status`, the word under which to stop at the next update."""

    def __init__(self) -> None:
        self.stacks: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.status: str | None = None
        self.training = False

    def listen(self) -> NoReturn:
        """Read until the parent closes the pipe or dies. Files are written whole, so leaving at once spoils none."""
        for line in sys.stdin:
            order = json.loads(line)
            if "stop" not in order:
                self.stacks.put(order)
            elif self.training:
                self.status = order["stop"]
            else:
                break
        os._exit(0)


class Reports:
    """The parent's end of the line: stdout, which from here on is stderr for everybody else in this process."""

    def __init__(self) -> None:
        self.file = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def __call__(self, event: str, **facts: Any) -> None:
        self.file.write(json.dumps({"event": event, **facts}) + "\n")


def main(device: str) -> None:
    """Work until the parent leaves or a stack crashes."""
    orders, report = Orders(), Reports()
    threading.Thread(target=orders.listen, daemon=True).start()
    from trainer.sweep.work import train_stack  # imports torch: the parent may leave meanwhile

    while train_stack(orders.stacks.get(), device, orders, report):
        pass  # after a crash memory and device may be in any state: a fresh process goes on


def leave(device: str) -> NoReturn:
    """`main`, and then out without Python's farewell, which can't be had while a thread waits for stdin."""
    code: Any = 0
    try:
        main(device)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        code = 1
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    ignore_signals()
    leave(sys.argv[1])
