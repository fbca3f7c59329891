"""Verdicts of studies whose truth is known: hits are simulated, runs are files, the judging is the real one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compare_runs import write_run
from questions import question

from trainer.compare.runs import Run, read_run
from trainer.errors import ConfigError
from trainer.report.hits import write_hits
from trainer.study.answer import Answer, Chosen
from trainer.study.choosing import STEPS, Trial
from trainer.study.comparing import comparisons
from trainer.study.judging import grade, is_enough, limit, verdicts
from trainer.study.methods import methods
from trainer.study.question import factors
from trainer.study.report import as_data, markdown
from trainer.study.schedule import STUDY_LEVEL, schedule, seeds
from trainer.study.sentences import sentences

IMAGES = 400


def runs_of(
    root: Path, shift: dict[str, float], n: int = 10, diverged: dict[str, int] | None = None
) -> dict[str, list[Run]]:
    """Runs of each configuration: right on about 80 % of the images, by `shift` more of them than the plain network."""
    random = np.random.default_rng(1)
    base = [random.random(IMAGES) for _ in range(n)]  # the same luck for all configurations of a seed
    found: dict[str, list[Run]] = {}
    for key, more in shift.items():
        for i, seed in enumerate(seeds(n)):
            lost = i < (diverged or {}).get(key, 0)
            right = base[i] + 0.01 * random.standard_normal(IMAGES) < 0.8 + more
            summary = {"test/accuracy": None if lost else float(right.mean()), "clipped_fraction": 0.004}
            directory = write_run(root / key, seed, status="diverged" if lost else "completed", summary=summary)
            if not lost:
                write_hits(directory, {"test": right}, "digest", "the last ones")
            found.setdefault(key, []).append(read_run(directory))
    return found


def answer_of(root: Path, words: dict[str, list[str]], runs: dict[str, list[Run]], margin: float = 0.02) -> Answer:
    asked = question(words, margin=100 * margin, seeds=10)
    found, wanted = verdicts(comparisons(asked.factors), runs, margin)
    from trainer.study.judging import sample

    chosen = {key: Chosen(0.2, 0.2, tuple(Trial(step, (0.9 - step**2 / 100,)) for step in STEPS)) for key in runs}
    samples = {key: sample(own) for key, own in runs.items()}
    return Answer(asked, root, "mnist", IMAGES, 10, wanted, limit(found, wanted), chosen, samples, tuple(found))


def test_a_large_difference_is_real_and_a_small_one_equal(tmp_path):
    words = {"optimizer": ["momentum"], "clip": ["grad"]}
    shift = {"plain": 0.0, "optimizer=momentum": 0.1, "clip=grad": 0.0, "all": 0.1}
    said = sentences(answer_of(tmp_path, words, runs_of(tmp_path, shift)))
    assert said[0].startswith("momentum helps: +") and " points on mnist, 95 % +" in said[0] and ", real." in said[0]
    assert "Beside the others: +" in said[0]
    assert said[1].startswith("clip=grad changes nothing that matters: ")
    assert "equal within 2 points" in said[1] and "It acted in 0.4 % of updates." in said[1]
    assert said[2].startswith("All together against the plain network: +") and said[2].endswith(", real.")


def test_networks_that_only_guess_are_named_before_the_verdicts(tmp_path):
    runs = runs_of(tmp_path, {"plain": 0.0, "optimizer=momentum": 0.1})
    chance = {
        "test": {"images": IMAGES, "accuracy": 0.9, "loss": 0.3}
    }  # plain networks are right on 0.8, momentum's on 0.9
    told = {key: [replace(run, summary=run.summary | {"guessing": chance}) for run in own] for key, own in runs.items()}
    answer = answer_of(tmp_path, {"optimizer": ["momentum"]}, told)
    said = sentences(answer)
    assert said[0].startswith("These networks learned nothing: plain network (10 of 10 runs)") and "helps" in said[1]
    assert said[0] in markdown(answer, []).partition("helps")[0]
    assert not any(
        "learned nothing" in sentence for sentence in sentences(answer_of(tmp_path, {"optimizer": ["momentum"]}, runs))
    )


def test_a_technique_that_hurts_is_said_to(tmp_path):
    said = sentences(
        answer_of(tmp_path, {"dropout": ["half"]}, runs_of(tmp_path, {"plain": 0.0, "dropout=half": -0.1}))
    )
    assert said[0].startswith("dropout=half hurts: -")


def test_several_words_are_better_or_worse_than_each_other(tmp_path):
    words = {"optimizer": ["sgd", "momentum", "adam"]}
    shift = {"optimizer=sgd": 0.0, "optimizer=momentum": 0.1, "optimizer=adam": 0.1}
    said = sentences(answer_of(tmp_path, words, runs_of(tmp_path, shift)))
    assert said[0].startswith("momentum is better than sgd: +")
    assert said[2].startswith("adam is as good as momentum: ")
    assert said[3].startswith("Mean accuracies on mnist, the highest first: ") and ", sgd " in said[3]


def test_runs_that_diverge_are_counted_and_never_averaged(tmp_path):
    runs = runs_of(tmp_path, {"plain": 0.0, "clip=grad": 0.1}, diverged={"plain": 3})
    answer = answer_of(tmp_path, {"clip": ["grad"]}, runs)
    said = " ".join(sentences(answer))
    assert (
        "accuracies are not compared because runs diverged, 0 of 10 with clip=grad and 3 of 10 with plain network"
        in said
    )
    assert "helps" not in said
    assert "plain network: 3 of 10 runs diverged at its best rate, 0.2." in said
    (one,) = as_data(answer)["comparisons"]
    assert (one["grade"], one["difference"], one["p"]) == ("diverged", None, None)


def test_a_run_without_its_hits_is_named(tmp_path):
    runs = runs_of(tmp_path, {"plain": 0.0, "clip=grad": 0.1})
    (runs["plain"][2].directory / "hits.npz").unlink()
    with pytest.raises(ConfigError, match=f"{runs['plain'][2].directory} has lost its hits.npz"):
        verdicts(comparisons(factors({"clip": ["grad"]})), runs, None)


def test_the_report_holds_all_that_is_said(tmp_path):
    answer = answer_of(tmp_path, {"clip": ["grad"]}, runs_of(tmp_path, {"plain": 0.0, "clip=grad": 0.1}))
    text, data = markdown(answer, ["accuracy.png"]), as_data(answer)
    assert all(sentence in text for sentence in data["sentences"])
    assert methods(answer) in text
    assert "with 10 other seeds (1000 to 1009)" in methods(answer)
    assert "| clip=grad | 0.2 | 10 | - |" in text


def test_the_picture_has_every_comparison_with_the_interval_that_was_tested(tmp_path):
    figure = pytest.importorskip("matplotlib.figure", reason="pictures need matplotlib, the extra `plot`")
    from trainer.study import picture

    words = {"optimizer": ["momentum"], "clip": ["grad"]}
    shift = {"plain": 0.0, "optimizer=momentum": 0.1, "clip=grad": 0.0, "all": 0.1}
    answer = answer_of(tmp_path, words, runs_of(tmp_path, shift))
    axes = figure.Figure().subplots()
    picture.fill(axes, answer)
    spans = {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2}
    tested = [one.judgement.crossed for one in answer.verdicts]
    assert len(tested) == 5 and all((100 * found.low, 100 * found.high) in spans for found in tested)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["momentum", "clip=grad", "all together"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["alone", "beside the others"]
    picture.draw(answer, tmp_path / "effects.svg")
    assert "beside the others" in (tmp_path / "effects.svg").read_text()


@pytest.mark.parametrize(("cap", "looks"), [(2, [2]), (10, [10]), (12, [10, 12]), (30, [10, 15, 20, 25, 30]), (7, [7])])
def test_seeds_are_added_by_five_from_ten_to_the_cap(cap, looks):
    assert list(schedule(cap)) == looks


def test_judging_ends_by_width_and_never_by_significance(tmp_path):
    """A difference that is as clear as can be goes on while its interval is longer than the margin; narrow ones end."""
    random = np.random.default_rng(2)
    luck = random.normal(0, 0.05, 10)[:, None]
    ours = random.random((10, 5000)) < 0.9 + luck
    base = random.random((10, 5000)) < 0.5
    (clear,), (graded,) = grade([ours.astype(int) - base], 0.001)
    assert graded.grade == "real" and clear.level == STUDY_LEVEL
    runs = {"plain": base, "clip=grad": ours}
    found = verdicts_of(tmp_path, runs)
    assert not is_enough(found, 0.001) and limit(found, 0.001) == "seeds"
    assert is_enough(found, 0.5) and limit(found, 0.5) == "margin"


def verdicts_of(root: Path, hits: dict[str, np.ndarray]) -> list:
    runs: dict[str, list[Run]] = {}
    for key, right in hits.items():
        for seed, row in zip(seeds(len(right)), right, strict=True):
            directory = write_run(root / key, seed, summary={"test/accuracy": float(row.mean())})
            write_hits(directory, {"test": row}, "digest", "the last ones")
            runs.setdefault(key, []).append(read_run(directory))
    return verdicts(comparisons(factors({"clip": ["grad"]})), runs, 0.001)[0]


def test_where_only_the_images_differ_nothing_real_is_claimed():
    """Two networks that are each better on their half of the population's images, judged on a sample of those: more seeds
    make the seeds-only test sure of itself, and `real` stays rare."""
    random = np.random.default_rng(3)
    claimed = {"real": 0, "on these images only": 0}
    for _ in range(200):
        lean = random.choice([-0.4, 0.4], 300)  # by image; 0 on average
        table = (random.random((20, 300)) < 0.5 + lean / 2).astype(int) - (random.random((20, 300)) < 0.5 - lean / 2)
        (_,), (graded,) = grade([table], 0.001)
        if graded.grade in claimed:
            claimed[graded.grade] += 1
    assert claimed["real"] <= 0.08 * 200
    assert claimed["on these images only"] > 0.3 * 200
