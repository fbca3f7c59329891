"""The command `train`: which verb is meant, and how it ends. What needs no torch answers without it, what needs no Hydra
without that."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import trainer
from trainer.errors import STOPPED, ConfigError, ExitCode, Stopped, Unwritten


def main() -> NoReturn:
    """The console command `train`."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code. A mistake is answered by one sentence on stderr."""
    try:
        check_python(*sys.version_info[:2])
        return _dispatch(list(argv))
    except ConfigError as error:
        return _refused(error, str(error))
    except Unwritten:
        return ExitCode.CRASHED
    except Stopped as stop:  # by a signal, all saved and said
        return STOPPED[stop.status]
    except KeyboardInterrupt:
        print("train: interrupted.", file=sys.stderr)
        return ExitCode.INTERRUPTED


def check_python(major: int, minor: int) -> None:
    """ConfigError on a Python that the installed Hydra crashes on."""
    if (major, minor) < (3, 14):
        return
    from importlib import metadata

    if (hydra := metadata.version("hydra-core")).startswith("1.3."):
        raise ConfigError(
            f"Hydra {hydra} does not work with Python {major}.{minor}. Type: pip install --upgrade 'hydra-core>=1.4.0rc3'"
        )


def conf() -> Path:
    """The folder of YAML choices: inside the installed package, or beside it in a checkout."""
    package = Path(trainer.__file__).resolve().parent
    return next(folder for folder in (package / "conf", package.parent / "conf") if folder.is_dir())


def _dispatch(argv: list[str]) -> int:
    if argv[:1] == ["compare"]:
        from trainer.compare.command import main as compare

        return compare(argv[1:])
    if argv[:1] == ["study"]:
        return _study(argv[1:])
    if {"--help", "-h"} & set(argv):
        from trainer.shell.help import help_text

        print(help_text(conf()))
        return ExitCode.DONE
    if {"--version", "-V"} & set(argv):
        from trainer.shell.help import version_text

        print(version_text())
        return ExitCode.DONE
    return _resume(argv[1:]) if argv[:1] == ["resume"] else _train(argv)


def _resume(words: list[str]) -> int:
    from trainer.shell.options import parse_resume
    from trainer.study.store import STUDY
    from trainer.sweep.cells import SWEEP

    directory, epochs = parse_resume(words)
    if (directory / STUDY).exists():
        from trainer.study.running import resume as resume_study

        if epochs is not None:
            raise ConfigError("A study can't be changed by resuming: leave out epochs, or ask anew under another name.")
        return resume_study(directory)
    settings = {} if epochs is None else {"epochs": epochs}
    if (directory / SWEEP).exists():
        from trainer.sweep.sweep import resume_sweep

        return resume_sweep(directory, settings)
    from trainer.run.run import resume

    return resume(directory, settings)


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
    from trainer.shell.options import parse_options
    from trainer.shell.suggestions import check_grammar

    check_grammar(argv)
    options = parse_options(argv)
    from trainer.shell.cells import CellFailed
    from trainer.shell.command import carry_out
    from trainer.shell.mistakes import sentence_of

    try:
        return carry_out(options, conf())
    except CellFailed:  # the sweep has said so, and whose traceback is where
        return ExitCode.CRASHED
    except Exception as error:
        sentence = sentence_of(error, options.overrides)
        if sentence is None:
            raise
        return _refused(error, sentence)


def _refused(error: Exception, sentence: str) -> int:
    if "1" in (os.environ.get("TRAIN_TRACEBACK"), os.environ.get("HYDRA_FULL_ERROR")):
        traceback.print_exception(error)
    from trainer.report.guarded import say

    say(sentence)
    return ExitCode.WRONG


if __name__ == "__main__":
    main()
