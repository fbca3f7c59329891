"""Configurations compared: which keys differ, what a group is called, how users name keys and groups."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from difflib import get_close_matches

from trainer.compare.runs import Run
from trainer.errors import CompareError
from trainer.identity import changes, is_learning, show

Settings = dict[str, Hashable]
Keys = tuple[str, ...]
MANY = 4  # keys that a name can have and still be read
ABSENT = None  # a key that a configuration does not have (a word without that number)


def group_runs(runs: Iterable[Run], keys: Keys | None, ignored: Keys = ()) -> list[list[Run]]:
    """Runs by their values of `keys`, or by their whole configuration without the `ignored` keys; in order found."""
    groups: dict[Hashable, list[Run]] = {}
    places: dict[Hashable, Hashable] = {}  # of each configuration: thousands of runs may have a handful
    for run in runs:
        if run.identity not in places:
            places[run.identity] = _place(run, keys, ignored)
        groups.setdefault(places[run.identity], []).append(run)
    return list(groups.values())


def _place(run: Run, keys: Keys | None, ignored: Keys) -> Hashable:
    if keys is not None:
        return values_of(run, keys)
    return frozenset((key, value) for key, value in run.settings.items() if key not in ignored)


def values_of(run: Run, keys: Keys) -> tuple[Hashable, ...]:
    return tuple(run.settings.get(key, ABSENT) for key in keys)


def _variants(runs: Sequence[Run]) -> dict[str, dict[Hashable, set[Hashable]]]:
    """For each key the values seen, under each word of its group (sgd's rates are no rivals of adam's)."""
    distinct = {run.identity: run for run in runs}.values()
    variants: dict[str, dict[Hashable, set[Hashable]]] = {key: {} for run in distinct for key in run.settings}
    for run in distinct:
        for key, by_word in variants.items():
            by_word.setdefault(_word(run, key), set()).add(run.settings.get(key, ABSENT))
    return variants


def _word(run: Run, key: str) -> Hashable:
    """The word of the group that a number belongs to: `momentum` for `optimizer.beta`."""
    group, dot, _ = key.partition(".")
    return run.settings.get(group, ABSENT) if dot else ABSENT


def varying(runs: Sequence[Run]) -> Keys:
    """The keys that differ among runs, numbers only where they differ under the same word."""
    return tuple(key for key, by_word in _variants(runs).items() if any(len(seen) > 1 for seen in by_word.values()))


def labels(groups: Sequence[Sequence[Run]], keys: Keys | None, ignored: Keys = ()) -> list[str]:
    """The name of each group: its values of `keys`, or of the keys that differ among the groups.

    Where many differ, as among the runs of several sweeps, a name has only those that are not at their defaults."""
    if keys is not None:
        return [_words(runs[0], keys) or f"without {' '.join(keys)}" for runs in groups]
    variants = _variants([run for runs in groups for run in runs])
    own = [_own_keys(runs[0], variants, ignored) for runs in groups]
    if len({key for each in own for key in each}) > MANY:
        shorter = [_changed(runs[0], each) for runs, each in zip(groups, own, strict=True)]
        return [_words(runs[0], each) or "all at default" for runs, each in zip(groups, shorter, strict=True)]
    return [_words(runs[0], each) or _techniques(runs[0]) for runs, each in zip(groups, own, strict=True)]


def _own_keys(run: Run, variants: dict[str, dict[Hashable, set[Hashable]]], ignored: Keys) -> Keys:
    """The keys by which a run differs from others that have the same word."""
    return tuple(key for key in variants if key not in ignored and len(variants[key][_word(run, key)]) > 1)


def _changed(run: Run, keys: Keys) -> Keys:
    changed = changes(run.settings)
    return tuple(key for key in keys if key in changed)


def _words(run: Run, keys: Keys) -> str:
    return " ".join(f"{key}={show(run.settings[key])}" for key in keys if key in run.settings)


def _techniques(run: Run) -> str:
    """What a lone group is called: the words that are switched on."""
    words = (key for key in run.settings if any(other.startswith(f"{key}.") for other in run.settings))
    return _words(run, tuple(k for k in words if k != "dataset" and run.settings[k] != "none")) or "all runs"


def check_keys(option: str, keys: Iterable[str], runs: Sequence[Run]) -> None:
    """Raises CompareError for a key that no run has, with the nearest one that exists."""
    known = {key: None for run in runs for key in run.settings}
    for key in keys:
        if key == "seed":
            raise CompareError(f"{option} seed: runs are averaged over seeds and paired by them; choose another key.")
        if not is_learning(key):
            raise CompareError(f"{option} {key}: this key cannot change what a run learns; choose another.")
        if key not in known:
            allowed = ", ".join(varying(runs)) or "none"
            raise CompareError(f"{option} {key}: no run has this key{nearest(key, known)} Keys that vary: {allowed}.")


def nearest(word: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown word ends: with the nearest match, if there is one."""
    match = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]}?" if match else "."


def find_group(wanted: str, groups: Sequence[Sequence[Run]], names: Sequence[str]) -> int | None:
    """The group called `wanted`: its whole label, or words (`optimizer=sgd`, or just `sgd`) that only it has.

    None where no group matches; raises CompareError where several do."""
    if wanted in names:
        return names.index(wanted)
    matches = [i for i, runs in enumerate(groups) if all(_has(runs, names[i], word) for word in wanted.split())]
    if len(matches) > 1:
        some = "; ".join(names[i] for i in matches[:3]) + ("; …" if len(matches) > 3 else "")
        raise CompareError(f"--baseline {wanted}: {len(matches)} groups match, say more of its label: {some}.")
    return matches[0] if matches else None


def _has(runs: Sequence[Run], label: str, word: str) -> bool:
    key, equals, value = word.partition("=")
    if not equals:
        return any(part.partition("=")[2] == word for part in label.split())
    return bool(value) and all(key in run.settings and _same(run.settings[key], value) for run in runs)


def _same(value: Hashable, text: str) -> bool:
    if show(value) == text:
        return True
    try:
        return isinstance(value, int | float) and float(text) == value
    except ValueError:
        return False
