"""From plain data to checked values: each kind of field, what it takes, what it refuses, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.errors import ConfigError
from trainer.schema import check, choose, describe, did_you_mean, hints, parse
from trainer.techniques import numbers
from trainer.techniques.numbers import Interval

Positive = Annotated[float, Interval(above=0)]
Share = Annotated[float, Interval(at_least=0, below=1)]
Count = Annotated[int, Interval(at_least=1, at_most=2**53 + 1)]  # 2^53 + 1, which is no float


@dataclass(frozen=True)
class Technique:
    name: ClassVar[str] = "some"
    rate: Positive = 0.5
    many: tuple[Count, ...] | None = None
    on: bool = False


TABLE = {"some": Technique}
WORD = Literal["auto"]

TAKEN = [
    (1, Positive, 1.0), (0.25, Share, 0.25), (0, Share, 0.0), (5, Count, 5), (2**53 + 1, Count, 2**53 + 1),
    ("auto", WORD, "auto"), ("auto", Count | WORD, "auto"), (3, Count | WORD, 3), (None, Count | None, None),
    ([1, 2], tuple[Count, ...], (1, 2)), ((), tuple[Count, ...], ()), ([3], tuple[Count, ...] | None, (3,)),
    (True, bool, True), ("text", str, "text"), (-7.5, float, -7.5),
]  # fmt: skip


@pytest.mark.parametrize("value, hint, expected", TAKEN)
def test_what_fits_is_taken_and_has_the_right_type(value, hint, expected):
    found = check(value, hint, "key")
    assert found == expected and type(found) is type(expected)


ENDS = {
    "Positive": ([1e-300, 1e300], [0, -1e-300]),
    "NotNegative": ([0, 1e300], [-1e-300]),
    "Epsilon": ([1e-30, 1e300], [0.9e-30, 0]),
    "Fraction": ([0, 0.999999], [-1e-300, 1]),
    "Share": ([0, 1], [-1e-300, 1.000001]),
    "PositiveShare": ([1e-300, 1], [0, 1.000001]),
    "Count": ([0, 10**30], [-1]),
    "AtLeastOne": ([1, 10**30], [0]),
    "Seed": ([0, 2**63 - 1], [-1, 2**63]),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_ends_of_each_interval(name):
    inside, outside = ENDS[name]
    interval = getattr(numbers, name).__metadata__[0]
    assert all(x in interval for x in inside) and not any(x in interval for x in outside)


nan, inf = float("nan"), float("inf")
REFUSED = [
    (0, Positive, "key=0 is not allowed: it must be a number above 0."),
    (-1.5, Positive, "key=-1.5 is not allowed: it must be a number above 0."),
    (nan, Positive, "key=nan is not allowed: it must be a number above 0."),
    (inf, Positive, "key=inf is not allowed: it must be a number above 0."),
    (nan, float, "key=nan is not allowed: it must be a number."),
    (10**400, Positive, f"key={10**400} is not allowed: it must be a number above 0."),
    (True, Positive, "key=true is not allowed: it must be a number above 0."),
    ("0.1", Positive, "key=0.1 is not allowed: it must be a number above 0."),
    (None, Positive, "key=null is not allowed: it must be a number above 0."),
    (1, Share, "key=1 is not allowed: it must be a number of at least 0 and below 1."),
    (1.0, Count, "key=1.0 is not allowed: it must be a whole number of at least 1 and at most 9007199254740993."),
    (100.0, Count, "key=100.0 is not allowed: it must be a whole number of at least 1 and at most 9007199254740993."),
    (False, Count, "key=false is not allowed: it must be a whole number of at least 1 and at most 9007199254740993."),
    (
        2**53 + 2,
        Count,
        f"key={2**53 + 2} is not allowed: it must be a whole number of at least 1 and at most {2**53 + 1}.",
    ),
    (1, bool, "key=1 is not allowed: it must be true or false."),
    (1, str, "key=1 is not allowed: it must be text."),
    ("ful", WORD, "key=ful is not allowed: it must be 'auto'."),
    (
        "ful",
        Count | WORD,
        f"key=ful is not allowed: it must be a whole number of at least 1 and at most {2**53 + 1} or 'auto'.",
    ),
    (2.0, Share | None, "key=2.0 is not allowed: it must be a number of at least 0 and below 1 or null."),
    (5, tuple[Count, ...], "key=5 is not allowed: it must be a list like [128,64]."),
    ("12", tuple[Count, ...], "key=12 is not allowed: it must be a list like [128,64]."),
    (
        [1, 0],
        tuple[Count, ...],
        f"key=0 is not allowed: it must be a whole number of at least 1 and at most {2**53 + 1}.",
    ),
]


@pytest.mark.parametrize("value, hint, sentence", REFUSED)
def test_what_does_not_fit_is_refused_with_what_is_allowed(value, hint, sentence):
    with pytest.raises(ConfigError) as error:
        check(value, hint, "key")
    assert str(error.value) == sentence


@given(st.floats())
def test_no_number_outside_its_interval_passes(value):
    try:
        found = check(value, Share, "key")
    except ConfigError:
        assert not 0 <= value < 1
    else:
        assert 0 <= found < 1 and found == value


def test_a_technique_from_a_word_a_mapping_and_itself():
    assert choose(TABLE, "some", "group") == Technique()
    assert choose(TABLE, {"name": "some", "rate": 2, "many": [1]}, "group") == Technique(2.0, (1,))
    own = choose(TABLE, Technique(rate=2, many=[1, 2]), "group")
    assert own == Technique(2.0, (1, 2)) and type(own.rate) is float and hash(own)


@pytest.mark.parametrize(
    "value, sentence",
    [
        ("sone", "There is no group=sone. Did you mean 'some'? Choose one of: some."),
        ("zzz", "There is no group=zzz. Choose one of: some."),
        (None, "group=None is not a choice. Choose one of: some."),
        (3, "group=3 is not a choice. Choose one of: some."),
        ({"rate": 1}, "group={'rate': 1} is not a choice. Choose one of: some."),
        ({"name": ["some"]}, "group={'name': ['some']} is not a choice. Choose one of: some."),
        ({"name": "some", "rat": 1}, "There is no key 'group.rat'. Did you mean 'group.rate'? "
         "Known: group.rate, group.many, group.on."),
        ({"name": "some", "rate": 0}, "group.rate=0 is not allowed: it must be a number above 0."),
        (Technique(rate=-1), "group.rate=-1 is not allowed: it must be a number above 0."),
    ],
)  # fmt: skip
def test_a_choice_that_is_none_is_answered_with_the_choices(value, sentence):
    with pytest.raises(ConfigError) as error:
        choose(TABLE, value, "group")
    assert str(error.value) == sentence


def test_a_technique_without_keys_says_so():
    @dataclass(frozen=True)
    class Bare:
        name: ClassVar[str] = "bare"

    with pytest.raises(ConfigError) as error:
        parse(Bare, {"rate": 1}, "clip.")
    assert str(error.value) == "There is no key 'clip.rate'. 'clip' takes no keys here."


def test_class_variables_are_no_keys():
    assert list(hints(Technique)) == ["rate", "many", "on"]


def test_the_nearest_word_or_none():
    assert did_you_mean("momentun", ["sgd", "momentum", "adam"]) == " Did you mean 'momentum'?"
    assert did_you_mean("xyz", ["sgd", "momentum"]) == ""
    assert did_you_mean("", []) == ""


def test_types_in_words():
    assert describe(tuple[Count, ...] | None).startswith("a list, each entry a whole number of at least 1")
    assert describe(Literal["a", "b", None]) == "'a' or 'b' or null"
