"""Configurations are parsed section by section, and mean what the parser makes of the whole text."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.experiment import Experiment
from trainer.identity import complete, flatten
from trainer.report import reading, yaml_text
from trainer.report.plain import Unreadable
from trainer.report.yaml_text import WHOLE, load_yaml, seed_apart

PIECES = (
    "a:|bc:|null:|d: 1|e: x y|f: null|g: 1.0e-05|h: 2024-01-01|i: '#'|j: [1, 2]|- 3|-|k: - 1|l: a: b|...|---|<<: x|m: a #b|"
    "n: a, b|o: =|p: 1_0|q: 0x1f|r: 1:59|? s|t: >|u: &v 1|w: yes"
).split("|")
LINES = st.tuples(st.sampled_from(["", "  ", "   ", "    ", "\t"]), st.sampled_from(PIECES)).map("".join)
TEXTS = st.lists(LINES, max_size=8).map(lambda lines: "".join(f"{line}\n" for line in lines))


def outcome(parse: Any, text: str) -> Any:
    try:
        return repr(parse(text))
    except (yaml.YAMLError, Unreadable, ValueError):
        return "refused"


@settings(max_examples=2000)
@given(TEXTS)
def test_sections_mean_what_the_whole_means(text):
    assert outcome(load_yaml, text) == outcome(yaml_text._parse, text)


SEEDS = st.sampled_from(
    ["seed: 7", "seed: 12", "seed: 007", "seed: 1_0", "seed:", "  seed: 3", "seed: x", "  name: y", "a:"]
)
CONFIGURATIONS = st.lists(st.one_of(SEEDS, LINES), max_size=6).map(
    lambda lines: "a: 1\n" + "".join(f"{line}\n" for line in lines)
)


@settings(max_examples=500)
@given(CONFIGURATIONS)
def test_a_configuration_that_is_read_once_for_all_seeds_is_what_its_text_says(text):
    expected = outcome(lambda text: complete(flatten(load_yaml(text))), text)
    assert outcome(reading._flat, text) == expected


def test_the_runs_of_all_seeds_have_one_text_in_common():
    """Otherwise each of thousands of configurations would be parsed."""
    texts = {seed: yaml.safe_dump(Experiment(seed=seed).to_dict(), sort_keys=False) for seed in (0, 3, 123)}
    apart = {seed: seed_apart(text) for seed, text in texts.items()}
    assert apart == {seed: (texts[0], seed) for seed in texts}


def test_a_configuration_of_ours_is_read_by_sections_and_nobody_shares_it():
    text = yaml.safe_dump({"format": 4, **Experiment(decay="step", name="a-b_1").to_dict()}, sort_keys=False)
    assert WHOLE.fullmatch(text)
    first, second = load_yaml(text), load_yaml(text)
    assert first == second == yaml.safe_load(text)
    first["model"]["hidden"].append(7)
    assert load_yaml(text) == second
