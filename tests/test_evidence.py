"""docs/evidence/claims.md says what the committed runs say.

groups.csv is what `train compare --metric test/accuracy` said of each sweep; runs.csv has a line for each run. The page's tables
are made anew from the first, and what the first says of seeds is computed anew from the second.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

FOLDER = Path(__file__).parents[1] / "docs/evidence"
PAGE = (FOLDER / "claims.md").read_text(encoding="utf-8")
GROUPS = pd.read_csv(FOLDER / "groups.csv")
RUNS = pd.read_csv(FOLDER / "runs.csv")
STUDIES = ("batch_rates", "momentum", "article")
SWEEPS = list(dict.fromkeys(GROUPS["sweep"]))


def of(sweep: str, configuration: str) -> pd.DataFrame:
    """The runs of one group by seed."""
    return RUNS[(RUNS["sweep"] == sweep) & (RUNS["configuration"] == configuration)].set_index("seed")


def row(group: pd.Series) -> str:
    """A line of a table: accuracies in %, differences in points."""
    if pd.isna(group["mean"]):
        accuracy, gap = f"{group['diverged']} of {group['diverged'] + group['n']} diverged", "-"
    else:
        accuracy, gap = f"{100 * group['mean']:.2f} ± {100 * group['sd']:.2f}", _signed(_gap(group))
    difference = "baseline" if group["base"] else "-"
    if not pd.isna(group["difference"]):
        value, low, high = (_signed(100 * group[f"difference{end}"]) for end in ("", "_low", "_high"))
        difference = f"{value} ({low} to {high}), {group['grade']}"
    return f"| `{group['configuration']}` | {accuracy} | {gap} | {difference} |"


def _signed(points: float) -> str:
    return f"{points:+z.2f}".replace("-", "−")


def _gap(group: pd.Series) -> float:
    """Training accuracy minus test accuracy, in points; the former is of the last pass, in training mode."""
    runs = of(group["sweep"], group["configuration"])
    return float(100 * (runs["train/accuracy"] - runs["test/accuracy"]).mean())


def table(sweep: str) -> str:
    head = (
        "| configuration | test accuracy, % | training minus test | against the baseline, points |\n|---|---|---|---|"
    )
    return "\n".join([head, *(row(group) for _, group in GROUPS[GROUPS["sweep"] == sweep].iterrows())])


@pytest.mark.parametrize("sweep", SWEEPS)
def test_the_table_is_that_of_the_results(sweep):
    (shown,) = re.findall(f"<!-- {sweep} -->\n(.*?)\n<!-- /{sweep} -->", PAGE, flags=re.DOTALL)
    assert shown == table(sweep)


@pytest.mark.parametrize("sweep", SWEEPS)
def test_means_and_intervals_follow_from_the_runs(sweep):
    groups = GROUPS[GROUPS["sweep"] == sweep]
    (base,) = groups[groups["base"]]["configuration"]
    for _, group in groups.iterrows():
        runs = of(sweep, group["configuration"])
        diverged = (runs["status"] == "diverged").sum()
        assert (len(runs) - diverged, diverged) == (group["n"], group["diverged"])
        if diverged:
            continue
        assert (runs["test/accuracy"].mean(), runs["test/accuracy"].std()) == pytest.approx(
            (group["mean"], group["sd"])
        )
        if group["configuration"] != base:
            paired = runs["test/accuracy"] - of(sweep, base)["test/accuracy"]
            assert paired.mean() == pytest.approx(group["difference"])
            seeds = stats.t.interval(0.95, len(paired) - 1, paired.mean(), stats.sem(paired))
            assert seeds == pytest.approx((group["seeds_low"], group["seeds_high"]))
            assert group["difference_low"] <= group["seeds_low"] and group["seeds_high"] <= group["difference_high"]


def test_every_group_has_twenty_seeds_and_its_command():
    assert ((GROUPS["n"] + GROUPS["diverged"]) == 20).all()
    assert all(f"name={sweep}" in PAGE or f"name={sweep.partition('_')[0]}" in PAGE for sweep in SWEEPS)


def sentences(study: str) -> str:
    """What a study said, as a list."""
    answer = json.loads((FOLDER / f"{study}.json").read_text(encoding="utf-8"))
    assert answer["status"] == "completed" and answer["seeds"] == 20
    return "\n".join(f"- {sentence}" for sentence in answer["sentences"])


@pytest.mark.parametrize("study", STUDIES)
def test_the_sentences_are_those_of_the_study(study):
    assert f"<!-- {study} -->\n{sentences(study)}\n<!-- /{study} -->" in PAGE


def test_the_numbers_between_the_tables():
    sgd = of("batch", "optimizer=sgd")
    assert (sgd["steps_to_target"] == 430).all() and of("batch", "optimizer=batch_gd")["steps_to_target"].isna().all()
    medians = [
        of("normalization", f"normalization={word}")["steps_to_target"].fillna(float("inf")).median() / 430
        for word in ("batch", "batch_article", "none")
    ]
    assert medians == [2, 3, 5]
    vanishing = of("vanishing", "normalization=none optimizer=sgd").filter(like="grad_norm/").median()
    assert vanishing.round(5).iloc[0] == 0.00005 and vanishing.round(2).iloc[-1] == 0.29
    assert 5500 < vanishing.iloc[-1] / vanishing.iloc[0] < 6500
    guesses = RUNS[RUNS["configuration"].isin([f"normalization=none optimizer={word}" for word in ("sgd", "momentum")])]
    digits = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # how often each is among MNIST's test images
    assert len(guesses) == 40 and (10_000 * guesses["test/accuracy"]).round().isin(digits).all()
    rises = pd.read_csv(FOLDER / "steadiness.csv")
    shares = (rises["rises"] / (rises["records"] - 1)).groupby(rises["configuration"]).mean()
    assert [round(100 * shares[f"batch_size={size}"]) for size in (16, 128)] == [45, 19]
    assert shares["optimizer=batch_gd"] == 0
    steps = {word: of("reach", f"optimizer={word}")["steps_to_target"] for word in ("sgd", "momentum", "heavy_ball")}
    assert [round(own.mean()) for own in steps.values()] == [868, 560, 570]
    seconds = pd.read_csv(FOLDER / "seconds.csv").groupby("configuration")["train_seconds"].median()
    assert [round(seconds[f"optimizer={word}"], 2) for word in ("batch_gd", "sgd")] == [1.12, 1.31]
    paired = steps["momentum"] - steps["sgd"]
    low, high = stats.t.interval(0.95, 19, paired.mean(), stats.sem(paired))
    assert [round(value) for value in (paired.mean(), low, high)] == [-308, -356, -261]
    assert (RUNS[RUNS["sweep"] == "exploding"].groupby("configuration")["status"].first() == "diverged").sum() == 3
    by_norm = 100 * of("clipping", "clip=grad")["test/accuracy"]
    assert (round(by_norm.min()), round(by_norm.max())) == (31, 85)
    assert (RUNS[RUNS["sweep"] == "clipping"]["status"] == "diverged").sum() == 20


def test_each_claim_has_a_figure_and_each_figure_a_claim():
    sections = re.split(r"^## (?=\d)", PAGE, flags=re.MULTILINE)[1:]
    shown = [re.findall(r"!\[[^]]+\]\((figures/[\w.]+)\)", section) for section in sections]
    assert all(shown) and {file for files in shown for file in files} == {
        str(path.relative_to(FOLDER)) for path in (FOLDER / "figures").iterdir()
    }


def figure(name: str) -> list[str]:
    """The words of a figure."""
    return re.findall(r"<text[^>]*>\s*([^<]+?)\s*</text>", (FOLDER / f"figures/{name}.svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "sweep"), [(name, name) for name in ("clipping", "normalization", "vanishing")])
def test_a_figure_has_a_row_for_each_group_of_its_sweep(name, sweep):
    rows = {re.sub(r" n = .*|, baseline|,$", "", row).rstrip(",") for row in figure(name) if " n = " in row}
    words = {frozenset(row.split()) for row in rows}
    assert words == {frozenset(group.split()) for group in GROUPS[GROUPS["sweep"] == sweep]["configuration"]}


@pytest.mark.parametrize("study", ["momentum", "article"])
def test_a_studys_figure_has_a_line_for_each_technique(study):
    answer = json.loads((FOLDER / f"{study}.json").read_text(encoding="utf-8"))
    named = {one["word"] for one in answer["comparisons"] if one["place"] == "alone"}
    assert all(any(word in line for line in figure(study)) for word in named)
    assert f"gained on mnist, 95 %, {answer['seeds']} seeds" in figure(study)


INTERVAL = r"[+−][\d.]+ \([+−][\d.]+ to [+−][\d.]+\)"


def said(page: str) -> str:
    """The page with a study's intervals in the form that the tables have."""
    minus = page.replace("-", "−")
    return re.sub(r" points(?: on mnist)?, 95 % ([+−][\d.]+ to [+−][\d.]+)", r" (\1)", minus)


def test_the_readme_quotes_the_page():
    readme = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    (quoted,) = re.findall("<!-- evidence -->(.*?)<!-- /evidence -->", readme, flags=re.DOTALL)
    found = re.findall(INTERVAL, quoted)
    steps = [of("reach", f"optimizer={word}")["steps_to_target"].mean() for word in ("momentum", "sgd")]
    assert "{:.0f} updates to 97 % instead of {:.0f}".format(*steps) in quoted
    assert len(found) == 8 and [numbers for numbers in found if numbers not in said(PAGE)] == []


STORY = FOLDER.parent / "article"
CHAPTERS = (
    *("batch_gradient_descent", "stochastic_gradient_descent", "momentum", "gradient_clipping", "weight_clipping"),
    *("learning_rate_decay", "batch_normalization", "dropout", "all_together"),
)


def chapter(name: str) -> str:
    return (STORY / f"{name}.md").read_text(encoding="utf-8")


def test_the_story_has_these_chapters_in_this_order():
    index = (STORY / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\|.*?\]\((\w+)\.md\)", index, re.MULTILINE) == list(CHAPTERS)
    assert {path.stem for path in STORY.glob("*.md")} == {*CHAPTERS, "README"}


@pytest.mark.parametrize("place", range(len(CHAPTERS)), ids=CHAPTERS)
def test_a_chapter_leads_back_and_on(place):
    text = chapter(CHAPTERS[place])
    back, on = re.findall(r"\[← [\w -]+\]\((\w+)\.md\)", text), re.findall(r"\[[\w -]+ →\]\((\w+)\.md\)", text)
    assert (back, on) == ([*CHAPTERS[:place][-1:]] * 2, [*CHAPTERS[place + 1 :][:1]] * 2)
    assert "](../evidence/figures/" in text and "## Try it\n\n```sh\ntrain " in text


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_numbers_of_a_chapter_are_those_of_the_evidence(name):
    """Means with deviations and intervals as they stand there, and any other number with decimals too."""
    late = (FOLDER / "staleness.md").read_text(encoding="utf-8")
    evidence, text = (
        said(PAGE) + late,
        " ".join(re.sub(r"```.*?```|`[^`]*`|1/√784 = 0.036", "", chapter(name), flags=re.DOTALL).split()),
    )
    whole = re.findall(rf"{INTERVAL}|\d+\.\d\d ± \d+\.\d\d", text)
    loose = re.findall(r"\d+\.\d+", text)
    assert whole and [number for number in whole if number not in evidence] == []
    assert [number for number in loose if not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", evidence)] == []
