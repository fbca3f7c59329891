"""From the words of `train study` to its question: recipes taken apart, numbers that go where their word is."""

from __future__ import annotations

import pytest
import yaml

from trainer.data.datasets import Digits
from trainer.errors import ConfigError
from trainer.experiment import TECHNIQUES, Experiment
from trainer.shell.main import conf
from trainer.shell.study import question_of
from trainer.study import store
from trainer.study.question import Question
from trainer.techniques.clipping import NoClip
from trainer.techniques.optimizers import Momentum


def asked(*words: str) -> Question:
    return question_of(words, conf())[0]


def words_of(question: Question) -> dict[str, tuple[str, ...]]:
    return {factor.group: factor.words for factor in question.factors}


def test_a_recipe_is_taken_apart_into_the_techniques_it_switches_on():
    question = asked("experiment=article", "epochs=5", "margin=0.1")
    assert words_of(question) == {
        "optimizer": ("sgd", "momentum"), "clip": ("none", "grad_weight"), "decay": ("none", "exponential"),
        "normalization": ("none", "batch_article"), "dropout": ("none", "half"),
    }  # fmt: skip
    assert len(question.experiments) == 1 + 5 + 1 + 5
    assert question.experiments["plain"] == Experiment(epochs=5, dataset=question.experiments["plain"].dataset)
    assert question.margin == 0.1


def test_a_word_takes_a_technique_out_of_a_recipe():
    assert "clip" not in words_of(asked("experiment=article", "clip=none"))


def test_a_recipe_that_sweeps_over_words_asks_them_against_each_other():
    assert words_of(asked("experiment=normalization"))["normalization"][0] == "none"


def test_other_settings_of_a_recipe_are_common_to_all():
    question = asked("experiment=vanishing", "normalization=batch")
    assert words_of(question) == {"normalization": ("none", "batch")}
    assert {e.model.activation for e in question.experiments.values()} == {"sigmoid"}


def test_a_number_goes_to_the_configurations_whose_word_has_it():
    question = asked("optimizer=momentum", "clip=grad", "clip.threshold=0.5", "optimizer.beta=0.5")
    for experiment in question.experiments.values():
        assert getattr(experiment.clip, "threshold", 0.5) == 0.5
        assert getattr(experiment.optimizer, "beta", 0.5) == 0.5


def test_each_optimizer_has_its_own_default_rate_and_batch():
    question = asked("optimizer=sgd,batch_gd,adam")
    by_key = question.experiments
    assert (by_key["optimizer=batch_gd"].batch_size, by_key["optimizer=adam"].batch_size) == ("full", 128)
    assert len({e.optimizer.lr for e in by_key.values()}) == 3


@pytest.mark.parametrize("group", TECHNIQUES)
def test_every_group_of_techniques_can_be_asked_about(group):
    from trainer.experiment import GROUPS
    from trainer.identity import plain_word

    word = next(word for word in GROUPS[group] if word != plain_word(group))
    assert words_of(asked(f"{group}={word}")) == {group: (plain_word(group), word)}


def test_a_rate_is_not_to_be_set():
    with pytest.raises(ConfigError, match=r"chooses optimizer\.lr itself"):
        asked("optimizer=adam", "optimizer.lr=0.1")


def test_a_technique_taken_out_of_a_recipe_is_in_no_network():
    assert {e.clip for e in asked("experiment=article", "clip=none").experiments.values()} == {NoClip()}


def test_the_techniques_of_a_run_are_asked_about_with_its_numbers(tmp_path):
    own = Experiment(optimizer=Momentum(beta=0.7), dropout="half", dataset="digits", epochs=3, seed=5)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(own.to_dict()))
    question = asked(f"from={tmp_path}", "clip=grad")
    assert words_of(question) == {
        "optimizer": ("sgd", "momentum"),
        "dropout": ("none", "half"),
        "clip": ("none", "grad"),
    }
    by_key = question.experiments
    assert by_key["optimizer=momentum"].optimizer == by_key["all"].optimizer == Momentum(beta=0.7)
    assert by_key["plain"].optimizer == Experiment().optimizer
    assert {(e.epochs, type(e.dataset)) for e in by_key.values()} == {(3, Digits)}


def test_a_recipe_of_ones_own_may_give_numbers_to_its_words(tmp_path):
    folder = tmp_path / "experiment"
    folder.mkdir()
    recipe = "# @package _global_\ndefaults: [override /optimizer: momentum]\noptimizer: {beta: 0.5}\ndataset: {limit: 300}\n"
    (folder / "mine.yaml").write_text(recipe)
    by_key = asked("--config-dir", str(tmp_path), "experiment=mine").experiments
    assert by_key["optimizer=momentum"].optimizer == Momentum(beta=0.5)
    assert by_key["plain"].optimizer == Experiment().optimizer
    assert {e.dataset.limit for e in by_key.values()} == {300}


def test_processes_may_be_given_and_are_kept(tmp_path):
    question = asked("optimizer=adam", "hydra.launcher.workers=3")
    store.write(tmp_path, question)
    assert store.read(tmp_path).workers == question.workers == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-m", "optimizer=adam"], "takes no --multirun"),
        (["--cfg", "job", "optimizer=adam"], "takes no --cfg"),
        (["optimizer=adam", "hydra.launcher.prune=median"], "takes hydra.launcher.workers alone"),
        (["optimizer=adam", "hydra.launcher.workers=0"], "must be null or a whole number"),
        (["optimizer=adam", "optimizer=sgd"], "is given twice"),
    ],
)
def test_what_a_study_does_not_take(words, sentence):
    with pytest.raises(ConfigError, match=sentence):
        asked(*words)
