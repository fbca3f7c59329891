"""Configurations are parsed section by section, and mean what the parser makes of the whole text."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.experiment import Experiment
from trainer.report import yaml_text
from trainer.report.plain import Unreadable
from trainer.report.yaml_text import WHOLE, load_yaml

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


def test_a_configuration_of_ours_is_read_by_sections_and_nobody_shares_it():
    text = yaml.safe_dump({"format": 4, **Experiment(decay="step", name="a-b_1").to_dict()}, sort_keys=False)
    assert WHOLE.fullmatch(text)
    first, second = load_yaml(text), load_yaml(text)
    assert first == second == yaml.safe_load(text)
    first["model"]["hidden"].append(7)
    assert load_yaml(text) == second
