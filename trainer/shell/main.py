"""The command `train`: which verb is meant, and how it ends. What needs no torch answers without it, what needs no Hydra
without that. Everything is imported where it is used: until `run` has begun, a Ctrl-C can't be answered."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import NoReturn


def main() -> NoReturn:
    """The console command `train`."""
    from trainer.shell.ending import Ending

    ending = Ending()
    ending.leave(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code. A mistake is answered by one sentence on stderr.

    Until a run or a sweep takes over, nothing is lost by a signal; it is answered at once.
    """
    try:
        from trainer.errors import STOPPED, Stopped
        from trainer.run.signals import Signals

        with Signals() as early:
            from trainer.shell.streams import guarded

            return guarded(lambda: _answered(list(argv)))
    except KeyboardInterrupt:
        return _stopped("interrupted", 130)
    except Stopped as stop:
        # where `early` did not hear the signal, a run or a sweep did: all saved and said
        return _stopped(stop.status, STOPPED[stop.status]) if early.status else STOPPED[stop.status]


def _stopped(status: str, code: int) -> int:
    try:
        print(f"train: {status}.", file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone
        pass
    return code


def check_python(major: int, minor: int) -> None:
    """ConfigError on a Python that the installed Hydra crashes on."""
    if (major, minor) < (3, 14):
        return
    from importlib import metadata

    from trainer.errors import ConfigError

    if (hydra := metadata.version("hydra-core")).startswith("1.3."):
        raise ConfigError(
            f"Hydra {hydra} does not work with Python {major}.{minor}. Type: pip install --upgrade 'hydra-core>=1.4.0rc3'"
        )


def conf() -> Path:
    """The folder of YAML choices: inside the installed package, or beside it in a checkout."""
    from pathlib import Path

    package = Path(__file__).resolve().parents[1]
    return next(folder for folder in (package / "conf", package.parent / "conf") if folder.is_dir())


def _answered(argv: list[str]) -> int:
    from trainer.errors import ConfigError, ExitCode, Unwritten
    from trainer.report.guarded import say

    try:
        from trainer.shell.quiet import obey

        check_python(*sys.version_info[:2])
        return obey(argv, _dispatch)
    except ConfigError as error:
        return _refused(error, str(error))
    except Unwritten:
        return ExitCode.CRASHED
    except MemoryError as error:
        _refused(error, "there is not enough memory (ulimit -v shows a limit).")
        return ExitCode.CRASHED
    except ImportError as error:  # libraries that a limit of memory keeps from being loaded, or a broken installation
        say(f"a library can't be loaded: {' '.join(str(error).split())}. Is there enough memory (ulimit -v)?")
        return ExitCode.CRASHED


def _dispatch(argv: list[str]) -> int:
    if argv and argv[0] in VERBS:
        return VERBS[argv[0]](argv[1:])
    if argv and argv[0] in HOMES:
        from importlib import import_module

        # These commands multiply no large matrices, and NumPy's threads spin from their first moment.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        return int(import_module(HOMES[argv[0]]).main(argv[1:]))
    if {"-sc", "--shell-completion"} & set(argv):
        from trainer.shell.shells import main as completion

        return completion(argv, conf())
    if {"--help", "-h"} & set(argv):
        from trainer.shell.help import help_text

        print(help_text(conf(), argv))
        return 0
    if {"--version", "-V"} & set(argv):
        from trainer.shell.help import version_text

        print(version_text())
        return 0
    _check_working_directory()
    return _train(argv)


def _help(words: list[str]) -> int:
    from trainer.shell.explaining import main as explain

    return explain(words, conf(), _dispatch)


def _resume(words: list[str]) -> int:
    from trainer.shell.resuming import main as resume

    _check_working_directory()
    return resume(words)


def _check_working_directory() -> None:
    from trainer.errors import ConfigError

    try:
        os.getcwd()
    except OSError as error:
        raise ConfigError("The working directory is gone: change to one that exists (cd).") from error


def _study(words: list[str]) -> int:
    from trainer.shell.mistakes import sentence_of
    from trainer.shell.study import main as study

    try:
        return study(words, conf())
    except Exception as error:
        sentence = sentence_of(error, words)
        if sentence is None:
            raise
        return _refused(error, sentence)


def _train(argv: list[str]) -> int:
    from trainer.shell.options import parse_line

    line = parse_line(argv)
    from trainer.shell.cells import CellFailed
    from trainer.shell.command import carry_out
    from trainer.shell.mistakes import sentence_of

    try:
        return carry_out(line, conf())
    except CellFailed:  # the sweep has said so, and whose traceback is where
        return 1
    except Exception as error:
        sentence = sentence_of(error, line.overrides)
        if sentence is None:
            raise
        return _refused(error, sentence)


def _refused(error: Exception, sentence: str) -> int:
    from trainer.errors import ExitCode
    from trainer.report.guarded import say
    from trainer.terminal.printable import printable

    if "1" in (os.environ.get("TRAIN_TRACEBACK"), os.environ.get("HYDRA_FULL_ERROR")):
        import traceback

        traceback.print_exception(error)
    say(printable(sentence))  # one line, whatever was typed
    return ExitCode.WRONG


VERBS = {"help": _help, "resume": _resume, "study": _study}
HOMES = {
    "compare": "trainer.compare.command", "report": "trainer.webpage.command", "runs": "trainer.listing.command",
    "show": "trainer.show.command",
}  # fmt: skip
"""The commands beside training: what carries them out, or where a `main` does that needs nothing of the shell's."""


if __name__ == "__main__":
    main()
