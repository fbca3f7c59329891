"""conf/ and the dataclasses say the same; every choice says what it is; every recipe can be run."""

from __future__ import annotations

import dataclasses
import re
from itertools import dropwhile
from pathlib import Path

import composing
import pytest
import yaml
from composing import compose, sweep_of
from omegaconf import OmegaConf

from trainer.experiment import GROUPS, SECTIONS, Experiment
from trainer.shell.composing import experiment_of

CONF = Path(__file__).parents[2] / "conf"
CHOICES = [(group, word) for group, words in GROUPS.items() for word in words]
RECIPES = sorted(file.stem for file in (CONF / "experiment").glob("*.yaml"))
FILES = sorted(CONF.rglob("*.yaml"))


@pytest.fixture
def loader(monkeypatch):
    monkeypatch.delenv("TRAIN_DATA", raising=False)
    return composing.loader()


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_one_file_a_word(group):
    assert {file.stem for file in (CONF / group).iterdir()} == set(GROUPS[group])


@pytest.mark.parametrize(("group", "word"), CHOICES)
def test_a_file_holds_the_defaults_of_its_dataclass_field_for_field(group, word, monkeypatch):
    monkeypatch.delenv("TRAIN_DATA", raising=False)
    cls = GROUPS[group][word]
    expected = {"name": word, **dataclasses.asdict(cls())}
    found = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{word}.yaml"), resolve=True)
    lists = {key: list(value) if isinstance(value, tuple) else value for key, value in expected.items()}
    assert found == lists
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in lists.items()}


@pytest.mark.parametrize(("group", "word"), CHOICES)
def test_a_file_says_what_it_is_and_how_to_select_it_and_comments_every_value(group, word):
    first, *lines = (CONF / group / f"{word}.yaml").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(rf"# .+; select with {group}={word}", first)
    lines = list(dropwhile(lambda line: line.startswith("# "), lines))
    assert lines[0] == f"name: {word}"
    assert all(re.fullmatch(r"\w+: .*\S +# .+", line) for line in lines[1:])


def test_the_main_file_holds_the_defaults_of_experiment():
    main = yaml.safe_load((CONF / "config.yaml").read_text(encoding="utf-8"))
    defaults = {f.name: f.default for f in dataclasses.fields(Experiment) if f.name not in GROUPS}
    expected = {**defaults, **{key: dataclasses.asdict(cls()) for key, cls in SECTIONS.items()}}
    assert {key: value for key, value in main.items() if key not in ("defaults", "hydra")} == expected


def test_its_defaults_list_lets_recipes_have_the_last_word():
    listed = yaml.safe_load((CONF / "config.yaml").read_text(encoding="utf-8"))["defaults"]
    groups = [
        next(iter(entry))
        for entry in listed
        if isinstance(entry, dict) and not next(iter(entry)).startswith("override")
    ]
    assert listed[0] == "_self_" and groups == [*GROUPS, "experiment"]


def test_the_bare_command_is_the_default_experiment(loader):
    root = str(Path("data").absolute())  # a relative one would mean another folder on resuming elsewhere
    assert experiment_of(compose(loader)) == Experiment(dataset={"name": "mnist", "root": root})


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(CONF)) for file in FILES])
def test_configuration_is_data(file):
    assert "_target_" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_says_what_it_is_and_every_run_of_it_is_legal(recipe, loader):
    header, first, *_ = (CONF / "experiment" / f"{recipe}.yaml").read_text(encoding="utf-8").splitlines()
    assert header == "# @package _global_"
    assert re.fullmatch(rf"# .+; select with experiment={recipe}", first)
    config = compose(loader, f"experiment={recipe}")
    cells = sweep_of(loader, config)
    for cell in {_without_seed(cell): cell for cell in cells}.values():
        experiment_of(loader.load_sweep_config(config, cell))
    assert (f"({len(cells)} runs)" in first) == (config.hydra.mode is not None)


def _without_seed(cell: list[str]) -> tuple[str, ...]:
    return tuple(word for word in cell if not word.startswith("seed="))


def test_a_recipe_changes_what_it_says(loader):
    vanishing = experiment_of(compose(loader, "experiment=vanishing"))
    assert (vanishing.model.activation, len(vanishing.model.hidden)) == ("sigmoid", 5)
    article = experiment_of(compose(loader, "experiment=article"))
    names = [
        article.optimizer.name,
        article.clip.name,
        article.decay.name,
        article.normalization.name,
        article.dropout.name,
    ]
    assert names == ["momentum", "grad_weight", "exponential", "batch_article", "half"]


def test_the_command_line_overrules_a_recipe(loader):
    changed = experiment_of(compose(loader, "experiment=article", "optimizer=adam", "optimizer.lr=0.5"))
    assert (changed.optimizer.name, changed.optimizer.lr, changed.clip.name) == ("adam", 0.5, "grad_weight")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("group", [group for group in GROUPS if len(GROUPS[group]) > 1])
def test_any_choice_of_a_recipe_can_be_changed_by_its_word(recipe, group, loader):
    """A recipe that sets a number of one choice would stop the others."""
    first, *_, last = GROUPS[group]
    word = first if f"/{group}: {last}" in (CONF / "experiment" / f"{recipe}.yaml").read_text() else last
    changed = experiment_of(compose(loader, f"experiment={recipe}", f"{group}={word}"))
    assert getattr(changed, group).name == word
