"""From the words of a command to experiments: Hydra composes, `Experiment` checks."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError

from trainer.errors import ConfigError
from trainer.experiment import GROUPS, Experiment
from trainer.shell.choices import takes_text, unknown_word
from trainer.shell.hydra_private import ConfigLoaderImpl, Repository
from trainer.shell.paths import home


class Composer(ConfigLoaderImpl):
    """Hydra's loader, quick with the many cells of a sweep: those that choose the same words differ in values alone.

    Hydra composes a cell in 60 ms, and three times: to check it, to see again that it can be composed, and to launch it. Here
    the words are composed once, a cell's values are set in plain data, and `checked` keeps what came of
    it, by the cell's words, for the launcher that trains stacks."""

    def __init__(self, search_path: ConfigSearchPath) -> None:
        super().__init__(search_path)
        self.repository = Repository(search_path)
        self.parser = OverridesParser.create()
        self.master: DictConfig | None = None
        self.bases: dict[tuple[str, ...], tuple[DictConfig, dict[Any, Any] | None]] = {}
        self.spelled: dict[str, Override] = {}
        self.checked: dict[tuple[str, ...], Experiment] = {}

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Hydra's composition. That of a whole sweep passes over keys that only some of its cells have."""
        spelled = [spell(override) for override in self.parser.parse_overrides(overrides)]
        load = partial(
            super().load_configuration,
            config_name=config_name,
            run_mode=run_mode,
            from_shell=from_shell,
            validate_sweep_overrides=validate_sweep_overrides,
        )
        try:
            return load(overrides=spelled)
        except ConfigCompositionException as error:
            if run_mode is RunMode.RUN or unfit_key(error) is None:
                raise
        parsed = self.parser.parse_overrides(spelled)
        bare = load(overrides=[line for line, o in zip(spelled, parsed, strict=True) if not _is_value(o)])
        config = load(overrides=[line for line, o in zip(spelled, parsed, strict=True) if fits(o, bare)])
        config.hydra.overrides.task = [
            line for line, o in zip(spelled, parsed, strict=True) if not o.is_hydra_override()
        ]
        return config

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Hydra's composition of a cell; its sweeper asks for it only to see whether it can be made where that is known."""
        if tuple(sweep_overrides) in self.checked:
            return master_config
        return super().load_sweep_config(master_config, [str(o.input_line) for o in self._parsed(sweep_overrides)])

    def cell(self, master_config: DictConfig, words: Sequence[str]) -> tuple[Mapping[Any, Any], DictConfig]:
        """A cell's configuration, in which Hydra's own part may be missing, and one that has it."""
        parsed = self._parsed(words)
        if all(_is_plain(override) for override in parsed):
            whole, plain = self._base(master_config, [str(o.input_line) for o in parsed if not _is_value(o)])
            if plain and (config := with_values(plain, [o for o in parsed if _is_value(o)])):
                return config, whole
        whole = self.load_sweep_config(master_config, list(words))
        return whole, whole

    def _parsed(self, words: Sequence[str]) -> list[Override]:
        """Overrides spelled out; a sweep's cells share most of their words."""
        for word in words:
            if word not in self.spelled:
                (typed,) = self.parser.parse_overrides([word])
                (self.spelled[word],) = self.parser.parse_overrides([spell(typed)])
        return [self.spelled[word] for word in words]

    def _base(self, master_config: DictConfig, words: list[str]) -> tuple[DictConfig, dict[Any, Any] | None]:
        """The composition of cells without their values; as plain data too, where no key follows another."""
        if master_config is not self.master:
            self.master, self.bases = master_config, {}
        if (key := tuple(words)) not in self.bases:
            whole = super().load_sweep_config(master_config, words)
            own = OmegaConf.masked_copy(whole, [str(key) for key in whole if key != "hydra"])
            is_plain = all(text.startswith("oc.env:") for text in str(OmegaConf.to_container(own)).split("${")[1:])
            self.bases[key] = whole, _container(own) if is_plain else None
        return self.bases[key]


def with_values(plain: Mapping[Any, Any], values: Sequence[Override]) -> dict[Any, Any] | None:
    """Plain data with other values; None where one is more than a literal or its key is not there."""
    config: dict[Any, Any] = copy.deepcopy(dict(plain))
    for override in values:
        *path, last = override.key_or_group.split(".")
        group = config
        for key in path:
            group = group.get(key, {}) if isinstance(group, dict) else {}
        value = override.value()
        if not isinstance(group, dict) or last not in group or isinstance(group[last], dict) or not _is_literal(value):
            return None
        group[last] = value
    return config


def _is_literal(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_literal, value))
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and "${" not in value)


def composer_of(loader: ConfigLoader) -> Composer:
    """A loader that Hydra hands out, which is the one it was given."""
    assert isinstance(loader, Composer)
    return loader


def _is_plain(override: Override) -> bool:
    return override.type is OverrideType.CHANGE and override.package is None and not override.is_hydra_override()


def _is_value(override: Override) -> bool:
    return not override.is_hydra_override() and override.key_or_group not in (*GROUPS, "experiment")


def fits(override: Override, config: DictConfig) -> bool:
    """Whether a composition has the key of an override; groups and Hydra's own keys are looked up by Hydra."""
    if override.is_sweep_override() or not _is_value(override):
        return True
    try:
        ConfigLoaderImpl._apply_overrides_to_config([override], copy.deepcopy(config))
    except ConfigCompositionException as error:
        return unfit_key(error) is None
    return True


def unfit_key(error: BaseException) -> str | None:
    """The key that a composition does not have, where an error says that; Hydra's own keys aside."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, ConfigKeyError | ConfigAttributeError):
        cause = cause.__cause__
    key = str(cause.full_key or cause.key or "") if cause else ""
    return None if not key or key.partition(".")[0] == "hydra" else key


def spell(override: Override) -> str:
    """An override as it was typed, in quotes where only a text can stand and Hydra would read a number: name=2024."""
    typed, key = str(override.input_line), override.key_or_group
    is_word = "/" in key or key in (*GROUPS, "experiment")
    a_text = takes_text(key) and override.value() is not None
    if override.is_delete() or override.is_sweep_override() or not (is_word or a_text):
        return typed
    if not (override.value() is None or isinstance(override.value(), bool | int | float)):
        return typed
    left, _, value = typed.partition("=")
    return f"{left}='{value.strip()}'"


def experiment_of(config: Mapping[Any, Any]) -> Experiment:
    """The checked experiment that a composed configuration describes. ConfigError, or OmegaConf's where it can't be read."""
    data = {str(key): _container(config[key]) for key in config if key != "hydra"}
    for group, words in GROUPS.items():
        if group not in data:
            raise ConfigError(unknown_word(group, "null", words))
    for key in ("root", "path"):  # from here on the same place: a run may be resumed from another folder
        if isinstance(data["dataset"], dict) and isinstance(place := data["dataset"].get(key), str):
            data["dataset"][key] = str(home(place).absolute())
    return Experiment.from_dict(data)


def _container(value: Any) -> Any:
    """Plain data, interpolations resolved."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def check_place(experiment: Experiment, here: bool = True) -> None:
    """ConfigError or DataError for a split that does not fit, and for a device that is not there, where it is to be trained
    here, before anything is written."""
    experiment.dataset.check_files()
    if here and experiment.device not in ("auto", "cpu"):  # those are always there, and torch takes seconds to import
        from trainer.engine.devices import resolve

        resolve(experiment.device)
