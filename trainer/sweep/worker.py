"""A worker process: trains the stacks its parent sends, one after the other, and tells how they go. `python -m` runs it.

Orders come on stdin and reports go to stdout, a JSON object a line. When stdin ends the parent is gone, and so is the worker.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from typing import Any, NoReturn

from trainer.sweep.child import ignore_signals
from trainer.sweep.pipe import Orders, Reports


def main(device: str) -> None:
    """Work until the parent leaves or a stack crashes."""
    orders, report = Orders(), Reports()
    threading.Thread(target=orders.listen, daemon=True).start()
    from trainer.sweep.work import Work  # imports torch: the parent may leave meanwhile

    while Work(orders.stacks.get(), device, orders, report).train():
        pass  # after a crash memory and device may be in any state: a fresh process goes on


def leave(device: str) -> NoReturn:
    """`main`, and then out without Python's farewell, which must not wait while a thread waits for stdin."""
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
