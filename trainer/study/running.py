"""A study as the command line runs it: carried out, written down, and ended with an exit code. What it will do has been said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from trainer.errors import STOPPED, ExitCode, Stopped, Unwritten
from trainer.report.files import STUDY
from trainer.report.guarded import Guarded, leave, say
from trainer.report.pipe import Pipe
from trainer.run.lease import alone
from trainer.run.signals import Signals
from trainer.study import report, store
from trainer.study.answer import Answer
from trainer.study.conducting import JUDGE, RunsFailed, conduct
from trainer.study.judging import METRIC
from trainer.study.question import Question
from trainer.terminal.printable import command

UNLIMITED = 10_000  # columns of text


def run(question: Question, directory: Path) -> int:
    """Answer the question in `directory`; returns the exit code. Raises Stopped where a signal came before the first run."""
    screen = Guarded("the console", _console)
    try:
        answer = carry_out(question, directory)
    except Stopped as stop:
        if not (directory / STUDY).exists():
            say(f"{stop.status} before the first run; nothing was written.")
            raise
        _go_on(screen, directory)
        return STOPPED[stop.status]
    except (RunsFailed, Unwritten) as error:
        if isinstance(error, RunsFailed):  # the other has been said
            say(f"{error}, so the study has no answer yet.")
        _go_on(screen, directory)
        return ExitCode.CRASHED
    except OSError as error:
        say(f"{directory} can't be written: {error.strerror or error}. What the runs saved is whole.")
        return ExitCode.CRASHED
    _show(screen, answer)
    return ExitCode.DONE


def _console() -> Console:
    """Stdout; a pipe has no width, and every sentence stands on a line of its own."""
    console = Pipe(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = UNLIMITED
    return console


def carry_out(question: Question, directory: Path) -> Answer:
    """The answer, with its files written. Raises what `conduct` raises, and OSError."""
    with Signals(), alone(directory):
        store.write(directory, question)
        answer = conduct(question, directory)
        for problem in report.write(answer):
            say(problem)
        return answer


def _go_on(screen: Guarded, directory: Path) -> None:
    screen("print", Text(f"  {command('resume', directory)}  # go on with what is missing"))
    leave(sys.stdout, sys.stderr)


def _show(screen: Guarded, answer: Answer) -> None:
    judged = command("compare", answer.directory / JUDGE, "--metric", METRIC)
    for part in report.render(answer):
        screen("print", part)
    screen(
        "print", Text(f"Saved to {answer.directory}: study.md, with the methods for a paper, study.json and pictures")
    )
    screen("print", Text(f"  {judged}  # the same runs in one table"))
    leave(sys.stdout, sys.stderr)
