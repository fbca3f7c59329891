"""A worker's two ends of its pipe: orders from its parent, reports to it, a JSON object a line."""

from __future__ import annotations

import json
import os
import sys
from queue import SimpleQueue
from typing import Any, NoReturn

from trainer.records import Status


class Orders:
    """What the parent wants: stacks to train, and `status`, the word under which to stop at the next update."""

    def __init__(self) -> None:
        self.stacks: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.status: Status | None = None
        self.training = False

    def listen(self) -> NoReturn:
        """Read until the parent closes the pipe or dies. Files are written whole, so leaving at once spoils none."""
        for line in sys.stdin:
            order = json.loads(line)
            if "stop" not in order:
                self.stacks.put(order)
            elif self.training:
                self.status = Status(order["stop"])
            else:
                break
        os._exit(0)


class Reports:
    """The parent's end of the line: stdout, which from here on is stderr for everybody else in this process."""

    def __init__(self) -> None:
        self.file = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, event: str, **facts: Any) -> None:
        self.file.write(json.dumps({"event": event, **facts}) + "\n")
