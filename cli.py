"""The `train` command. What needs no torch answers without it, what needs no Hydra without that."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from trainer.fields import ConfigError
from trainer.signals import EXIT_CODES, Stopped

CONF = Path(__file__).resolve().parent / "conf"
DONE, CRASHED, WRONG, INTERRUPTED = 0, 1, 2, 130


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
    except Stopped as stop:  # by a signal, all saved and said
        return EXIT_CODES[stop.status]
    except KeyboardInterrupt:
        print("train: interrupted.", file=sys.stderr)
        return INTERRUPTED


def check_python(major: int, minor: int) -> None:
    """ConfigError on a Python that Hydra 1.3 crashes on."""
    if (major, minor) >= (3, 14):
        found = f"{major}.{minor}"
        raise ConfigError(
            f"This is Python {found}, and Hydra 1.3 works with 3.11 to 3.13: install train with one of those."
        )


def _dispatch(argv: list[str]) -> int:
    if argv[:1] == ["compare"]:
        from trainer.compare.command import main as compare

        return compare(argv[1:])
    if {"--help", "-h"} & set(argv):
        from trainer.shell.help import help_text

        print(help_text(CONF))
        return DONE
    if {"--version", "-V"} & set(argv):
        from trainer.shell.help import version_text

        print(version_text())
        return DONE
    return _resume(argv[1:]) if argv[:1] == ["resume"] else _train(argv)


def _resume(words: list[str]) -> int:
    from trainer.shell.options import parse_resume

    directory, epochs = parse_resume(words)
    if (directory / "sweep.json").exists():
        from trainer.sweep import resume_sweep

        return resume_sweep(directory, epochs)
    from trainer.run import resume

    return resume(directory, epochs)


def _train(argv: list[str]) -> int:
    from trainer.shell.meant import check_grammar
    from trainer.shell.options import parse_options

    check_grammar(argv)
    options = parse_options(argv)
    from hydra_plugins.train_launcher._cells import CellFailed
    from hydra_plugins.train_launcher._command import carry_out
    from hydra_plugins.train_launcher._mistakes import sentence_of

    try:
        return carry_out(options, CONF)
    except CellFailed:  # the sweep has said so, and whose traceback is where
        return CRASHED
    except Exception as error:
        sentence = sentence_of(error, options.overrides)
        if sentence is None:
            raise
        return _refused(error, sentence)


def _refused(error: Exception, sentence: str) -> int:
    if "1" in (os.environ.get("TRAIN_TRACEBACK"), os.environ.get("HYDRA_FULL_ERROR")):
        traceback.print_exception(error)
    print(f"train: {sentence}", file=sys.stderr)
    return WRONG


if __name__ == "__main__":
    main()
