"""From words to configurations and comparisons."""

from __future__ import annotations

import json

import pytest
from questions import question

from trainer.errors import ConfigError
from trainer.study.comparing import comparisons
from trainer.study.question import configurations, factors
from trainer.study.store import check_same, read, write


def keys(**words: list[str]) -> list[str]:
    return [one.key for one in configurations(factors(words))]


def test_three_techniques_are_asked_alone_and_beside_the_others():
    assert keys(optimizer=["momentum"], clip=["grad"], dropout=["half"]) == [
        "plain", "optimizer=momentum", "clip=grad", "dropout=half",
        "all", "all,optimizer=sgd", "all,clip=none", "all,dropout=none",
    ]  # fmt: skip


def test_of_two_techniques_leaving_one_out_is_the_other_alone():
    assert keys(optimizer=["momentum"], clip=["grad"]) == ["plain", "optimizer=momentum", "clip=grad", "all"]
    asked = comparisons(factors({"optimizer": ["momentum"], "clip": ["grad"]}))
    assert [(one.place, one.ours, one.base) for one in asked] == [
        ("alone", "optimizer=momentum", "plain"), ("alone", "clip=grad", "plain"),
        ("beside", "all", "clip=grad"), ("beside", "all", "optimizer=momentum"), ("together", "all", "plain"),
    ]  # fmt: skip


def test_one_technique_is_two_configurations_and_one_comparison():
    assert keys(clip=["grad"]) == ["plain", "clip=grad"]
    (one,) = comparisons(factors({"clip": ["grad"]}))
    assert (one.ours, one.base, one.word, one.against) == ("clip=grad", "plain", "grad", "none")


def test_several_words_are_asked_against_each_other_in_all_pairs():
    assert keys(optimizer=["adam", "sgd", "momentum"]) == ["optimizer=sgd", "optimizer=adam", "optimizer=momentum"]
    asked = comparisons(factors({"optimizer": ["adam", "sgd", "momentum"]}))
    assert [(one.word, one.against) for one in asked] == [("adam", "sgd"), ("momentum", "sgd"), ("momentum", "adam")]


def test_several_words_without_the_plain_one_have_the_first_as_their_reference():
    found = configurations(factors({"clip": ["grad", "agc"], "dropout": ["half"]}))
    assert [(one.key, dict(one.choices)) for one in found][0] == ("base", {"clip": "grad", "dropout": "none"})
    assert {one.key for one in found} == {"base", "clip=agc", "dropout=half", "all"}


def test_every_comparison_is_between_two_configurations_that_differ_in_its_group_alone():
    asked = factors({"optimizer": ["sgd", "adam", "momentum"], "clip": ["grad"], "decay": ["linear"]})
    by_key = {one.key: one.choices for one in configurations(asked)}
    for one in comparisons(asked):
        ours, base = by_key[one.ours], by_key[one.base]
        differing = {group for group in ours if ours[group] != base[group]}
        assert one.place == "together" or differing == {one.group}


def test_the_plain_choice_alone_asks_nothing_and_takes_a_technique_out_of_a_recipe():
    assert keys(optimizer=["momentum"], clip=["none"]) == ["plain", "optimizer=momentum"]
    with pytest.raises(ConfigError, match="needs a technique to ask about"):
        factors({"clip": ["none"]})


@pytest.mark.parametrize("wrong", [{"margin": 0.0}, {"margin": -1}, {"margin": "wide"}, {"seeds": 1}, {"seeds": 2.5}])
def test_limits_that_nothing_can_be_judged_by_are_refused(wrong):
    with pytest.raises(ConfigError, match="is not allowed"):
        question(**wrong)


def test_a_question_survives_its_file_and_knows_another(tmp_path):
    write(tmp_path, question(margin=0.5, seeds=7))
    assert read(tmp_path) == question(margin=0.5, seeds=7)
    check_same(tmp_path, question(margin=1.0, seeds=30))  # how far it goes may be changed
    with pytest.raises(ConfigError, match="the same question with another epochs: choose another name"):
        check_same(tmp_path, question(epochs=3))
    with pytest.raises(ConfigError, match="a study of another question"):
        check_same(tmp_path, question(words={"dropout": ["half"]}))


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"format": 99}', '{"format": 4, "question": {"factors": [{}]}}'])
def test_a_damaged_file_is_named(tmp_path, damage):
    (tmp_path / "study.json").write_text(damage)
    with pytest.raises(ConfigError, match=r"study\.json can't be read as a study"):
        read(tmp_path)


@pytest.mark.parametrize(("group", "word"), [("clip", "../../x"), ("clip", "gard"), ("model", "mlp"), ("seed", "1")])
def test_words_from_a_strangers_file_never_name_a_directory(tmp_path, group, word):
    write(tmp_path, question())
    data = json.loads((tmp_path / "study.json").read_text())
    data["question"]["factors"] = [{"group": group, "words": ["none", word]}]
    (tmp_path / "study.json").write_text(json.dumps(data))
    with pytest.raises(ConfigError, match=r"study\.json can't be read as a study"):
        read(tmp_path)
