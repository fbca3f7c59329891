"""Hydra's and OmegaConf's errors as one sentence of ours: what is wrong, what is allowed, what to type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import ENOSPC, EPIPE

from hydra.core.override_parser.types import Override
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from trainer.errors import ConfigError, DataError
from trainer.experiment import GROUPS
from trainer.shell.choices import dotted, takes_list, unknown_key, unknown_word
from trainer.shell.options import as_sweep, check_once, retyped
from trainer.shell.settings import misused
from trainer.terminal.printable import command


def check_words(overrides: Sequence[Override], argv: Sequence[str]) -> None:
    """ConfigError for words that Hydra would take, and that mean nothing here or something else than they seem to."""
    for override in overrides:
        is_hydras = override.is_hydra_override() or override.key_or_group == "hydra"
        if sentence := misused(override, argv) if is_hydras else _misuse(override, argv):
            raise ConfigError(sentence)
    check_once(str(override.input_line) for override in overrides)


def _misuse(o: Override, argv: Sequence[str]) -> str | None:
    key, typed = o.key_or_group, str(o.input_line)
    group, _, field = key.partition(".")
    value = typed.partition("=")[2]
    if not key:
        return f"'{typed}' has no key: write key=value."
    if o.is_delete():
        return f"{typed}: nothing can be deleted. Leave {key} out, and it has its default."
    if o.is_add():
        return f"{typed}: leave out the +. Type: {retyped(argv, typed, typed[1:])}"
    if o.package is not None:
        return f"{typed}: each group has one place. Type: {retyped(argv, typed, f'{key}={value}')}"
    if group in GROUPS and field == "name":
        return f"{typed}: the word alone decides. Type: {retyped(argv, typed, f'{group}={value}')}"
    if key in (*GROUPS, "experiment") and isinstance(o.value(), list):
        several = retyped(as_sweep(argv), typed, f"{key}={value.strip('[]')}")
        return f"{typed}: a run has one {key}. To try several type: {several}"
    if key in GROUPS and isinstance(o.value(), dict):
        return f"{typed}: {key} takes a word, and its numbers are set one by one, as in {_example(key)}."
    if key == "name" and o.is_sweep_override():
        return f"{typed}: a sweep has one name, and its runs are named by what differs."
    return None


def _example(group: str) -> str:
    key = next((key for key in dotted() if key.startswith(f"{group}.")), group)
    return f"{key}=0.1" if not key.startswith("model") else "model.hidden=[128]"


def check_no_sweep(overrides: Sequence[Override], argv: Sequence[str]) -> None:
    """ConfigError for several values where one run is asked for."""
    for override in overrides:
        if override.is_sweep_override():
            typed = str(override.input_line)
            key, _, value = typed.partition("=")
            as_list = f", or as one list: {retyped(argv, typed, f'{key}=[{value}]')}" if takes_list(key) else ""
            raise ConfigError(
                f"{typed} has several values. To train them all type: {command(*as_sweep(argv))}{as_list}"
            )


def sentence_of(error: BaseException, typed: Sequence[str] = ()) -> str | None:
    """One sentence for a mistake in the words `typed`; None where the error is no mistake of the user's."""
    causes = list(_chain(error))
    for cause in causes:
        if isinstance(cause, ConfigError | DataError):
            return _as_typed(str(cause), typed)
        if isinstance(cause, MissingConfigException):
            return _missing(cause)
        if isinstance(cause, OverrideParseException):
            return f"'{cause.override}' can't be read as key=value.{_why(cause.override)}"
    for cause in causes:
        if isinstance(cause, OmegaConfBaseException):
            return _unfit(cause)
    return f"{_first_line(error)}." if type(error).__module__.startswith("hydra.") else None


@contextmanager
def hydras_errors(overrides: Sequence[Override]) -> Iterator[None]:
    """Errors in here are mistakes in `overrides` or in a recipe: no code of ours runs but checks. Where Hydra's error does not
    say what it is about, name the words that speak to Hydra. Raises what it got, or ConfigError."""
    try:
        yield
    except Exception as error:
        if sentence_of(error) is not None or getattr(error, "errno", None) in (
            EPIPE,
            ENOSPC,
        ):  # stdout is gone, or full
            raise
        speaking = [
            str(o.input_line) for o in overrides if o.is_hydra_override() or o.key_or_group in ("hydra", "experiment")
        ]
        reason = "Hydra refuses it" if isinstance(error, AssertionError) else _first_line(error)
        raise ConfigError(f"{' '.join(speaking) or 'The configuration'} is not allowed: {reason}.") from error


def _as_typed(sentence: str, typed: Sequence[str]) -> str:
    """The sentence with epochs=1e2 as it was typed, and not as epochs=100.0."""
    shown = re.match(r"([\w.]+)=(\S+)(?= is not allowed)", sentence)
    same = [word for word in typed if shown and _same_number(word, shown[1], shown[2])]
    return f"{same[-1]}{sentence[shown.end() :]}" if shown and same else sentence


def _same_number(word: str, key: str, value: str) -> bool:
    try:
        return word.startswith(f"{key}=") and float(word.partition("=")[2]) == float(value)
    except ValueError:
        return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _missing(error: MissingConfigException) -> str:
    """A word that a group does not have, a group that is not there, or another main configuration that is not."""
    group, slash, word = str(error.missing_cfg_file).rpartition("/")
    if not slash:
        return f"There is no configuration '{word}' in conf/ (or in --config-dir)."
    return unknown_word(group, word, error.options or [])


def _unfit(error: OmegaConfBaseException) -> str:
    """A key that is not there, or a value that can't stand there."""
    key = str(error.full_key or error.key or "")
    if isinstance(error, ConfigKeyError | ConfigAttributeError) and key and not key.startswith("hydra"):
        return unknown_key(key)
    if isinstance(error, MissingMandatoryValue):
        return f"{key}=??? says that a value is still missing: type {key}= with one."
    reason = _first_line(error)
    return f"{key}: {reason}." if key and key not in reason else f"{reason}."


def _why(override: str) -> str:
    """What is the matter with a word that Hydra's grammar refuses, as far as it shows."""
    value = override.partition("=")[2]
    for opening, closing in ("[]", "()", "{}"):
        if value.count(opening) != value.count(closing):
            return f" Does a '{closing if value.count(opening) > value.count(closing) else opening}' lack?"
    if any(character in value for character in " :;,=()[]{}'\""):
        return f""" Put a text with special characters in two kinds of quotes: '{override.partition("=")[0]}="..."'"""
    return ""


def _first_line(error: BaseException) -> str:
    """What an error says, without the hint that OmegaConf 2.4 adds and 2.3 does not."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line.partition(" Did you mean ")[0].rstrip(" .")
