"""`train help`: every choice is explained in full, every word is found, and the page of the documentation says the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import composing
import pytest
from composing import sweep_of
from hydra.types import RunMode

import cli
from trainer.experiment import GROUPS, Experiment
from trainer.schema import describe, hints
from trainer.shell.choice_files import groups, main_settings, read_choice
from trainer.shell.composing import experiment_of
from trainer.shell.explaining import explain
from trainer.shell.main import conf
from trainer.shell.options import parse_line

ROOT = Path(__file__).parents[2]
TECHNIQUES = [(group, word) for group in GROUPS if group not in ("dataset", "model") for word in GROUPS[group]]
CHOICES = [(group, word) for group, words in GROUPS.items() for word in words]
RECIPES = sorted(path.stem for path in (conf() / "experiment").glob("*.yaml"))


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def parts(group: str, word: str) -> dict[str, str]:
    return read_choice(conf() / group / f"{word}.yaml").parts


# -- texts


@pytest.mark.parametrize(("group", "word"), TECHNIQUES)
def test_a_technique_says_when_to_use_it_when_not_what_to_watch_and_where_it_is_from(group, word):
    labels = {"When"} if word == "none" else {"When", "When not", "Watch", "See", "Source"}
    assert labels <= set(parts(group, word)) <= {"When", "When not", "Watch", "See", "Source"}


@pytest.mark.parametrize(("group", "word"), [(g, w) for g, w in CHOICES if "See" in parts(g, w)])
def test_the_command_that_shows_a_choice_can_be_run_and_has_the_choice(group, word):
    """Every run of it is composed and checked, as the command itself does before anything is trained."""
    options = parse_line(shlex.split(parts(group, word)["See"])[1:])
    loader = composing.loader()
    config = loader.load_configuration("config", options.overrides, RunMode.MULTIRUN, validate_sweep_overrides=False)
    cells = sweep_of(loader, config)
    assert options.multirun or config.hydra.mode is RunMode.MULTIRUN or cells == [options.overrides]
    experiments = [experiment_of(loader.cell(config, cell)[0]) for cell in cells]
    recipe = next((each for each in options.overrides if each.startswith("experiment=")), None)
    assert len(set(experiments)) == len(cells)
    assert word in {getattr(e, group).name for e in experiments} or (word, recipe) == ("none", f"experiment={group}")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_says_what_it_shows(recipe):
    assert set(parts("experiment", recipe)) == {"Shows"}


# -- help


@pytest.mark.parametrize(("group", "word"), CHOICES)
def test_a_choice_is_shown_with_its_formula_and_every_number_with_meaning_default_and_range(group, word):
    text = " ".join(explain([f"{group}={word}"], conf()).split())
    file = read_choice(conf() / group / f"{word}.yaml")
    first = (GROUPS[group][word].__doc__ or "").split("\n\n")[0].replace("`", "")
    assert " ".join(first.split()) in text
    for each in file.settings:
        assert f"{group}.{each.key}={each.default} {each.meaning}" in text
        assert f"Allowed: {describe(hints(GROUPS[group][word])[each.key])}" in text
    for label in ("When", "When not", "Watch"):
        assert file.parts.get(label, "").rstrip(".")[1:] in text


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "word", ["optimizer=adam", "clip", "clip.threshold", "epochs", "experiment=clipping", "normalization"]
)
def test_no_line_is_too_long_and_no_word_is_broken(word, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    whole = set(explain([word], conf()).split())
    monkeypatch.setenv("COLUMNS", str(columns))
    text = explain([word], conf())
    commands = [line for line in text.splitlines() if line.startswith("  train ")]
    assert max(len(line) for line in text.splitlines() if line not in commands) < columns
    assert set(text.split()) == whole


def test_a_group_lists_its_choices_and_whose_its_numbers_are():
    text = explain(["optimizer"], conf())
    assert all(re.search(rf"^  optimizer={word}\*? ", text, re.MULTILINE) for word in GROUPS["optimizer"])
    assert re.search(r"^  optimizer.beta1 .*\(adam, adamw\)$", re.sub(r"\n {5,}", " ", text), re.MULTILINE)
    assert re.search(r"^  optimizer.lr .*\(all of them\)$", re.sub(r"\n {5,}", " ", text), re.MULTILINE)


def test_a_number_is_shown_as_each_choice_has_it():
    text = re.sub(r"\n {5,}", " ", explain(["clip.threshold"], conf()))
    assert "  clip=grad            c: the longest gradient norm that is left alone; default 1.0\n" in text
    assert "\n  train clip=agc clip.threshold=0.01" in text and "\n  train optimizer.lr=0.2" in explain(
        ["optimizer.lr"], conf()
    )


@pytest.mark.parametrize("key", [each.key for each in main_settings(conf())])
def test_every_setting_is_explained(key):
    assert explain([key], conf()).startswith(f"{key}=")


def test_every_group_says_what_it_does_and_is_named_by_help_alone():
    text = explain([], conf())
    for group in groups(conf()):
        assert group.what and f"\n  {group.name} " in text
        assert explain([group.name], conf()).startswith(f"{group.name}: ")


def is_unmistakable(word: str) -> bool:
    return word not in hints(Experiment) and sum(word in words for words in GROUPS.values()) == 1


@pytest.mark.parametrize(("group", "word"), [(g, w) for g, w in CHOICES if is_unmistakable(w)])
def test_a_choice_may_be_named_without_its_group(group, word):
    assert explain([word], conf()) == explain([f"{group}={word}"], conf())


def test_a_word_that_is_a_setting_and_a_choice_is_the_setting_and_names_the_choice():
    text = " ".join(explain(["target"], conf()).split())
    assert text.startswith("target=null: a setting") and "stop=target ends the run there" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["mometum"],
            "There is no group, choice or setting called 'mometum'. Did you mean 'momentum'? See: train help",
        ),
        (
            ["optimizer=mometum"],
            "There is no optimizer=mometum. Did you mean 'momentum'? Choose one of: sgd, batch_gd,",
        ),
        (["clip.treshold"], "There is no key 'clip.treshold'. Did you mean 'clip.threshold'? Known: clip.threshold,"),
        (
            ["none"],
            "'none' may be clip=none or decay=none or normalization=none or dropout=none or staleness=none or stop=none: type",
        ),
        (["--verbose"], "train help takes words, --config-dir DIR and --markdown, not --verbose."),
        (["--config-dir", "nowhere"], "There is no directory nowhere for --config-dir."),
        (["optimizer", "--config-dir"], "--config-dir takes a directory."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_word_that_means_nothing_is_answered_with_the_nearest(words, sentence, capsys):
    assert cli.run(["help", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(f"train: {sentence}") and captured.err.count("\n") == 1


def test_a_user_s_own_choices_are_explained_and_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own/optimizer").mkdir(parents=True)
    (tmp_path / "own/optimizer/gentle.yaml").write_text(
        "# slow and sure\n# When: always.\nname: sgd\nlr: 0.001  # the rate\n"
    )
    (tmp_path / "own/optimizer/bare.yaml").write_text("name: sgd\n")
    assert cli.run(["help", "gentle", "--config-dir", "own"]) == 0
    text = capsys.readouterr().out
    assert "optimizer=gentle: slow and sure" in text and "θ ← θ − ηg" in text and "optimizer.lr=0.001  the rate" in text
    assert cli.run(["--help", "--config-dir=own"]) == 0
    assert re.search(r"^  optimizer=gentle +slow and sure$", capsys.readouterr().out, re.MULTILINE)
    assert cli.run(["help", "optimizer=bare", "-cd", "own"]) == 0


def test_a_command_is_explained_by_itself(capsys):
    assert cli.run(["help", "show"]) == 0
    assert capsys.readouterr().out.startswith("train show: what happened inside a run")
    assert cli.run(["help", "compare"]) == 0
    assert capsys.readouterr().out.startswith("train compare: statistics over finished runs.")


def test_the_page_of_the_documentation_is_what_help_says():
    """To write it anew: train help --markdown > docs/techniques.md"""
    assert explain(["--markdown"], conf()) + "\n" == (ROOT / "docs/techniques.md").read_text(encoding="utf-8")
