"""What can be typed: the groups, their words and keys, and the sentence for what can't."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trainer.experiment import GROUPS, SECTIONS, Experiment
from trainer.schema import did_you_mean, hints

FROM_RUN = "from"
"""How `base` names the choices of another run to Hydra: nobody need type it, and no list of choices has it."""


def top_level() -> list[str]:
    """The keys without a dot, groups and `experiment` included."""
    return [*hints(Experiment), "experiment"]


def dotted() -> list[str]:
    """Every key with a dot that some choice takes."""
    keys = {
        f"{group}.{field}": None for group, words in GROUPS.items() for cls in words.values() for field in hints(cls)
    }
    return [*keys, *(f"{section}.{field}" for section, cls in SECTIONS.items() for field in hints(cls))]


def takes_list(key: str) -> bool:
    """Whether a list of values is one value of this key, as for model.hidden."""
    group, _, field = key.partition(".")
    return any("tuple" in str(hints(cls).get(field)) for cls in GROUPS.get(group, {}).values())


def takes_text(key: str) -> bool:
    """Whether a key's value is a text, of any spelling: name=2024 is no number."""
    group, _, field = key.partition(".")
    classes = GROUPS.get(group, {}).values() if field else [Experiment]
    return any(hints(cls).get(field or key) in (str, str | None) for cls in classes)


def unknown_word(group: str, word: str, words: Iterable[str]) -> str:
    """The sentence for a word that its group does not have."""
    words = set(words) - {FROM_RUN}
    words = sorted(words) if group not in GROUPS else [*GROUPS[group], *sorted(words - set(GROUPS[group]))]
    choices = f" Choose one of: {', '.join(words)}." if words else ""
    return f"There is no {group}={word}.{did_you_mean(word, words)}{choices}"


def unknown_key(key: str) -> str:
    """The sentence for a key that is not there: whose it is, or what was probably meant."""
    group, _, field = key.partition(".")
    if group in GROUPS and (owners := _owners(group, field)):
        return _belongs(key, group, owners)
    if known := [known for known in dotted() if known.startswith(f"{group}.")]:
        return f"There is no key '{key}'.{did_you_mean(key, known)} Known: {', '.join(known)}."
    return f"There is no key '{key}'.{_nearest(key)} Known: {', '.join(top_level())}."


def _owners(group: str, field: str) -> list[str]:
    return [word for word, cls in GROUPS[group].items() if field in hints(cls)]


def _belongs(key: str, group: str, owners: Sequence[str]) -> str:
    if len(owners) == 1:
        return f"{key} belongs to {group}={owners[0]}: add {group}={owners[0]}."
    several = f"{', '.join(owners[:-1])} and {owners[-1]}"
    return f"{key} belongs to {group}={several}: add one of them, for instance {group}={owners[0]}."


def _nearest(key: str) -> str:
    """The key meant by one without its group (lr), by a misspelt group (optimiser.lr) or by a misspelt key (epoch)."""
    same_end = [known for known in dotted() if known.endswith(f".{key.rpartition('.')[2]}")]
    misspelt = did_you_mean(key, top_level() if "." not in key else dotted())
    if same_end and not misspelt:
        return f" Did you mean '{same_end[0]}'?"
    return misspelt
