"""`-q`, with every verb: nothing on stdout. Files are written as always; warnings and errors are on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout

from trainer.errors import STOPPED, ConfigError, ExitCode, Stopped
from trainer.records import Status
from trainer.report.guarded import say

QUIET = ("-q", "--quiet")
SHOWING = (
    "--help", "-h", "--version", "-V", "--cfg", "-c", "--info", "-i", "--hydra-help", "--shell-completion", "-sc"
)  # fmt: skip
"""Options that only show something."""
ENDS = {ExitCode.DIVERGED: Status.DIVERGED, **{code: status for status, code in STOPPED.items()}}
"""How a run ends that is neither complete nor an error, by exit code: without `-q` stdout says so."""


def obey(argv: Sequence[str], command: Callable[[list[str]], int]) -> int:
    """Carry out a command line without its `-q`, and where it has one with nothing on stdout; returns the exit code."""
    words = [word for word in argv if word not in QUIET]
    is_completing = "".join(argv[1:2]).startswith("query=")  # -sc: the line that is completed may hold a -q
    if len(words) == len(argv) or is_completing:
        return command(list(argv))
    if shown := next((word for word in words if word.partition("=")[0] in SHOWING), None):
        raise ConfigError(f"-q shows nothing, and {shown} is there to show something: leave out one of them.")
    return _silently(lambda: command(words))


def _silently(command: Callable[[], int]) -> int:
    """In one word, on stderr, how a run ended that was stopped or diverged."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        try:
            code = command()
        except Stopped as stop:
            code = STOPPED[stop.status]
    if code in ENDS:
        say(f"{ENDS[ExitCode(code)]}.")
    return code
