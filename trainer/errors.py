"""Every error whose text is a sentence for the user, and the exit codes of the command."""

from __future__ import annotations

from enum import IntEnum

from trainer.records import Status


class ExitCode(IntEnum):
    """How the command ends."""

    DONE = 0
    CRASHED = 1
    WRONG = 2  # the command, the configuration or the data
    DIVERGED = 3  # a single run; in a sweep that is a result
    INTERRUPTED = 130
    TERMINATED = 143


class UserError(ValueError):
    """Something the user can mend: one sentence with what is wrong, what is allowed and what to type."""


class ConfigError(UserError):
    """A command or configuration that can't be run."""


class CheckpointError(ConfigError):
    """A checkpoint that a run can't continue from."""


class DataError(UserError):
    """Data that are not available or do not fit the configuration."""


class CompareError(UserError):
    """A comparison that can't be made."""


class Unwritten(Exception):
    """Results that the disk refused, which has been said: the command ends as crashed, and what was saved is whole."""


STOPPED = {Status.INTERRUPTED: ExitCode.INTERRUPTED, Status.TERMINATED: ExitCode.TERMINATED}
"""The exit codes of runs that a signal has stopped."""


class Stopped(BaseException):
    """A signal has stopped the command; `status` says which kind: interrupted or terminated."""

    def __init__(self, status: Status):
        super().__init__(status)
        self.status = status
