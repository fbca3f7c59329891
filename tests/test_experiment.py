"""An experiment is checked whole when it is made; every legal one trains, every illegal one is answered in a sentence."""

from __future__ import annotations

import dataclasses
import itertools
import math
import typing
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from subjects import bounds, literals, narrow, options, tiny

from trainer.engine.loop import Training
from trainer.errors import ConfigError
from trainer.experiment import GROUPS, SECTIONS, Checkpoint, Experiment, Report
from trainer.schema import choose, hints

ALL_WORDS = [(group, word) for group, table in GROUPS.items() for word in table]
TECHNIQUES = {group: table for group, table in GROUPS.items() if group != "dataset"}
DATA = tiny(features=20, samples=40, held_out=10)


def test_everything_has_a_default():
    e = Experiment()
    assert (e.dataset.name, e.optimizer.name, e.clip.name, e.model.hidden) == ("mnist", "sgd", "none", (128,))
    assert e.batch_size == 128 and e.device == "auto"


def test_batch_gd_takes_the_whole_set_by_itself():
    assert Experiment(optimizer="batch_gd").batch_size == "full"
    assert Experiment(optimizer="sgd", batch_size="full").batch_size == "full"


@pytest.mark.parametrize("group, word", ALL_WORDS)
def test_a_technique_survives_its_way_through_plain_data(group, word):
    e = Experiment(**{group: word})
    plain = e.to_dict()
    assert plain[group]["name"] == word
    assert Experiment.from_dict(plain) == e
    assert_plain(plain)
    with pytest.raises(dataclasses.FrozenInstanceError):
        e.seed = 1


def assert_plain(value: Any) -> None:
    """What YAML and JSON know, and no class of ours."""
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        value = list(value.values())
    if isinstance(value, list):
        return [assert_plain(entry) for entry in value] and None
    assert value is None or type(value) in (str, int, float, bool)


def test_every_number_survives_its_way_through_plain_data():
    e = Experiment(
        name="x", seed=2**63 - 1, epochs=0, batch_size=7, device="cuda:1", threads=3, target=0.5, record_every=2,
        checkpoint={"epochs": 2, "seconds": None}, report={"images": True}, model={"name": "mlp", "hidden": [3, 4]},
        decay={"name": "step", "milestones": [1, 2]}, optimizer={"name": "adam", "lr": 1e-3, "beta1": 0.25},
    )  # fmt: skip
    assert Experiment.from_dict(e.to_dict()) == e
    assert e.checkpoint == Checkpoint(2, None) and e.report == Report(images=True) and e.model.hidden == (3, 4)


NONSENSE = [
    ({"optimizer": "batch_gd", "batch_size": 64}, "optimizer=batch_gd means one update from the whole training set: "
     "leave out batch_size=64, or choose optimizer=sgd."),
    ({"normalization": "batch", "batch_size": 1}, "normalization=batch needs at least 2 samples a batch: "
     "choose batch_size=2 or more."),
    ({"normalization": "batch_article", "batch_size": 1}, "normalization=batch_article needs at least 2 samples a batch: "
     "choose batch_size=2 or more."),
    ({"normalization": "layer", "model": narrow(hidden=[])}, "normalization=layer normalizes hidden layers and "
     "model.hidden=[] has none: choose normalization=none or model.hidden=[128]."),
    ({"dropout": "half", "model": narrow(hidden=[])}, "dropout.rate drops hidden activations and model.hidden=[] has none: "
     "choose dropout=none, dropout.rate=0 or model.hidden=[128]."),
    ({"clip": "agc", "model": narrow(hidden=[])}, "clip=agc leaves the output layer alone and model.hidden=[] has no other: "
     "choose clip=grad or model.hidden=[128]."),
    ({"target": 0.9, "dataset": {"name": "digits", "validation": 0}}, "target=0.9 is an accuracy on validation images and "
     "dataset.validation=0 holds none out: leave one of them out."),
    ({"optimizer": "momentun"}, "There is no optimizer=momentun. Did you mean 'momentum'? Choose one of: "
     + ", ".join(GROUPS["optimizer"]) + "."),
    ({"optimizer": {"name": "sgd", "beta": 0.9}}, "There is no key 'optimizer.beta'. "
     "Known: optimizer.lr, optimizer.weight_decay."),
    ({"clip": {"name": "none", "threshold": 1}}, "There is no key 'clip.threshold'. 'clip' takes no keys here."),
    ({"epochs": -1}, "epochs=-1 is not allowed: it must be a whole number of at least 0."),
    ({"epochs": 1e2}, "epochs=100.0 is not allowed: it must be a whole number of at least 0."),
    ({"batch_size": 0}, "batch_size=0 is not allowed: it must be a whole number of at least 1 or 'full' or null."),
    ({"batch_size": "ful"}, "batch_size=ful is not allowed: it must be a whole number of at least 1 or 'full' or null."),
    ({"seed": 2**63}, f"seed={2**63} is not allowed: it must be a whole number of at least 0 and at most {2**63 - 1}."),
    ({"target": 1.5}, "target=1.5 is not allowed: it must be a number above 0 and at most 1 or null."),
    ({"precision": "fp8"}, "precision=fp8 is not allowed: it must be 'float32' or 'tf32' or 'bf16'."),
    ({"device": "gpu"}, "There is no device=gpu. Choose one of: auto, cpu, cuda, cuda:N, mps."),
    ({"model": {"name": "mlp", "activation": "swish"}},
     "model.activation=swish is not allowed: it must be 'relu' or 'tanh' or 'sigmoid' or 'gelu'."),
    ({"dropout": {"name": "half", "rate": 1}}, "dropout.rate=1 is not allowed: it must be a number of at least 0 and below 1."),
    ({"checkpoint": {"every": 1}},
     "There is no key 'checkpoint.every'. Known: checkpoint.epochs, checkpoint.seconds, checkpoint.keep."),
    ({"checkpoint": {"keep": 0}}, "checkpoint.keep=0 is not allowed: it must be true or false."),
    ({"checkpoint": 5}, "checkpoint=5 is not allowed: give checkpoint.epochs=5 or checkpoint.seconds=60."),
    ({"report": True}, "report=True is not allowed: give report.images=true."),
    ({"report": {"images": 1}}, "report.images=1 is not allowed: it must be true or false."),
    ({"checkpoint": {"epochs": 0}}, "checkpoint.epochs=0 is not allowed: it must be a whole number of at least 1 or null."),
    ({"staleness": {"name": "fixed", "updates": 1001}}, "staleness.updates=1001 is not allowed: it must be a whole number of "
     "at least 0 and at most 1000."),
    ({"dataset": {"name": "digits", "validation": 1500}}, "dataset.validation=1500 does not fit: digits has 1,500 training "
     "images; type dataset.validation= with a number from 0 to 1499."),
]  # fmt: skip


@pytest.mark.parametrize("keys, sentence", NONSENSE)
def test_what_makes_no_sense_is_answered_in_a_sentence(keys, sentence):
    with pytest.raises(ConfigError) as error:
        Experiment(**keys)
    assert str(error.value) == sentence


def test_the_longest_delay_is_allowed():
    assert Experiment(staleness={"name": "fixed", "updates": 1000}).staleness.updates == 1000


def test_a_precision_that_the_device_does_not_have_is_refused():
    with pytest.raises(ConfigError, match="precision=tf32 is a mode of NVIDIA GPUs since Ampere and cpu is none"):
        Training([Experiment(precision="tf32", device="cpu", dataset="synthetic")], DATA)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 101, "a b", "-x", "a\n"])
def test_a_name_that_can_leave_its_directory_or_break_a_shell_is_refused(name):
    with pytest.raises(ConfigError, match="can't name a directory"):
        Experiment(name=name)


def test_unknown_keys_of_a_file_are_refused():
    with pytest.raises(
        ConfigError, match=r"^There is no key 'optimiser'. Did you mean 'optimizer'\? Known: name, seed"
    ):
        Experiment.from_dict({"optimiser": "adam"})


# Fuzz: configurations made from the fields' own annotations


def legal(hint: Any) -> st.SearchStrategy:
    """Values that a field's annotation allows; whole numbers and lists small enough to be trained in no time."""
    if len(options(hint)) > 1:
        return st.one_of(*(legal(option) for option in options(hint)))
    if literals(hint):
        return st.sampled_from(literals(hint))
    if typing.get_origin(hint) is Annotated:
        return _inside(hint)
    if typing.get_origin(hint) is tuple:
        return st.lists(legal(typing.get_args(hint)[0]), max_size=3)
    return {bool: st.booleans(), type(None): st.none(), float: st.floats(-1e3, 1e3), str: st.just("x")}[hint]


def _inside(hint: Any) -> st.SearchStrategy:
    interval = hint.__metadata__[0]
    low, high = bounds(hint)
    if hint.__origin__ is int:
        return st.integers(int(low), int(min(high, low + 40)))
    most = None if high == float("inf") else high
    return st.floats(low, most, exclude_min=interval.above is not None, exclude_max=interval.below is not None,
                     allow_nan=False, allow_infinity=False)  # fmt: skip


def illegal(hint: Any) -> st.SearchStrategy:
    """Values that a field's annotation forbids: outside the interval, or of another kind."""
    kinds: list[Any] = [
        st.just(object()),
        st.just({"a": 1}),
        st.just("no such word"),
        st.sampled_from([math.nan, math.inf, -math.inf]),
    ]
    for option in options(hint):
        if typing.get_origin(option) is Annotated:
            low, high = bounds(option)
            below = st.integers(max_value=int(low) - 1)
            kinds += [below] if option.__origin__ is int else [below, below.map(float)]
            kinds += [st.floats(high * 1.01, 1e300)] if high < 10 else []
    if hint is not bool and bool not in options(hint):
        kinds.append(st.booleans())
    return st.one_of(*kinds)


@st.composite
def technique(draw: st.DrawFn, group: str) -> dict[str, Any]:
    """Any word of a group, with any of its keys."""
    word = draw(st.sampled_from(list(GROUPS[group])))
    fields = hints(GROUPS[group][word])
    keys = draw(st.lists(st.sampled_from(list(fields)), unique=True)) if fields else []
    return {"name": word, **{key: draw(legal(fields[key])) for key in keys}}


configurations = st.fixed_dictionaries(
    {group: technique(group) for group in TECHNIQUES},
    optional={key: legal(hints(Experiment)[key]) for key in ("seed", "batch_size", "record_every", "target")},
)
IN_COMBINATION = (
    " means one update ",
    " needs at least 2 ",
    " hidden layers and ",
    " hidden activations and ",
    " leaves the output ",
)


@settings(max_examples=250)
@given(configurations)
def test_every_legal_configuration_trains_three_updates(keys):
    """Alone and in a stack of two. Numbers may be absurd, and then the run diverges; nothing may raise."""
    for group in TECHNIQUES:
        choose(GROUPS[group], keys[group], group)
    try:
        first = Experiment(epochs=3, device="cpu", threads=1, dataset="synthetic", **keys)
    except ConfigError as error:
        assert any(part in str(error) for part in IN_COMBINATION)
        return
    for stack in ([first], [first, dataclasses.replace(first, seed=5)]):
        training = Training(stack, DATA)
        records = list(itertools.islice(training, 3))
        assert training.state.step == 3 or not training.alive
        assert {record.status for batch in records for record in batch} <= {"running", "completed", "diverged"}
    assert Experiment.from_dict(first.to_dict()) == first


def fields_of_all() -> list[tuple[str, str | None, str]]:
    """(group, word, key) of every field, and (key, None, key) of those outside the groups."""
    top = [(key, None, key) for key in hints(Experiment) if key not in (*GROUPS, *SECTIONS, "name", "device")]
    return top + [(group, word, key) for group, word in ALL_WORDS for key in hints(GROUPS[group][word])]


@pytest.mark.parametrize("group, word, key", fields_of_all())
@settings(max_examples=25)
@given(data=st.data())
def test_every_illegal_value_is_refused_in_a_sentence(group, word, key, data):
    hint = hints(GROUPS[group][word] if word else Experiment)[key]
    if hint is str or options(hint)[0] is str:
        value = data.draw(st.sampled_from([1, True, 0.5, [], object()]))
    else:
        value = data.draw(illegal(hint))
    with pytest.raises(ConfigError) as error:
        Experiment(**{group: {"name": word, key: value} if word else value})
    sentence = str(error.value)
    assert "\n" not in sentence and sentence.endswith(".") and f"{key}=" in sentence and len(sentence) < 400


def test_literal_is_what_the_fuzz_takes_it_for():
    assert literals(Literal["a"]) == ("a",) and literals(int) == () and options(int | None) == (int, type(None))
