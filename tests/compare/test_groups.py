"""Reading, grouping, pairing and tuning of run directories."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from compare_runs import momentum, sgd, write_group, write_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.compare.arguments import parser
from trainer.compare.command import main
from trainer.compare.comparison import Comparison, compare
from trainer.compare.finding import find_runs
from trainer.compare.groups import labels
from trainer.compare.options import Options
from trainer.compare.pairing import by_seed, matched
from trainer.compare.rows import Row
from trainer.compare.runs import Run
from trainer.errors import CompareError
from trainer.identity import flatten
from trainer.run.process import process


def rows(found: Comparison) -> dict[str, Row]:
    return {row.label: row for table in found.tables for row in table.rows}


def answer(root: Path, **options: object) -> dict[str, Row]:
    return rows(compare([root], Options(**options)))  # type: ignore[arg-type]


def test_flat_configuration() -> None:
    flat = flatten({"seed": 1, "optimizer": {"name": "sgd", "lr": 0.1}, "model": {"name": "mlp", "hidden": [8, 8]}})
    assert flat == {"seed": 1, "optimizer": "sgd", "optimizer.lr": 0.1, "model": "mlp", "model.hidden": (8, 8)}


def test_groups_leave_out_seed_and_housekeeping(tmp_path: Path) -> None:
    for seed in range(4):
        dataset = {"name": "mnist", "root": f"/data{seed}", "validation": 5000, "fallback": None}
        config = {"name": f"r{seed}", "threads": seed + 1, "dataset": dataset, "target": 0.9 + seed / 100}
        write_run(tmp_path, seed, config=config)
    (row,) = answer(tmp_path).values()
    assert row.estimate.n == 4


def test_labels_hold_only_what_differs(tmp_path: Path) -> None:
    write_run(tmp_path, 0, optimizer=sgd(0.5))
    write_run(tmp_path, 0, optimizer=momentum(0.1))
    write_run(tmp_path, 0, optimizer=momentum(0.2), model={"name": "mlp", "hidden": [128], "activation": "relu"})
    assert set(answer(tmp_path)) == {
        "optimizer=sgd", "optimizer=momentum optimizer.lr=0.1", "optimizer=momentum optimizer.lr=0.2",
    }  # fmt: skip


def test_a_lone_group_is_called_by_its_techniques(tmp_path: Path) -> None:
    write_run(tmp_path, 0)
    assert set(answer(tmp_path)) == {"model=mlp optimizer=sgd"}


def test_best_first_and_baseline_is_the_first_started(tmp_path: Path) -> None:
    write_group(tmp_path, [0.5, 0.6], clip={"name": "none"})
    write_group(tmp_path, [0.8, 0.9], clip={"name": "grad", "threshold": 1.0})
    write_group(tmp_path, [0.1, 0.2], clip={"name": "agc", "threshold": 1.0}, status="diverged")
    (table,) = compare([tmp_path], Options()).tables
    assert [row.label for row in table.rows] == ["clip=grad", "clip=none", "clip=agc"]
    assert table.baseline == "clip=none"
    assert table.rows[2].estimate.n == 0 and len(table.rows[2].diverged) == 2
    assert table.rows[0].judgement is not None and table.rows[0].judgement.difference.mean == pytest.approx(0.3)


def test_a_sweeps_first_cell_is_the_baseline_whichever_stack_began_first(tmp_path: Path) -> None:
    for name, words in (("b", momentum()), ("a", sgd())):  # the second named began first
        write_run(tmp_path, 0, name=name, optimizer=words)
    (tmp_path / "sweep.json").write_text(json.dumps({"cells": [{"name": "a"}, {"name": "b"}]}))
    assert [run.directory.name for run in find_runs([tmp_path])[0]] == ["a", "b"]
    (tmp_path / "sweep.json").write_text("{")
    assert [run.directory.name for run in find_runs([tmp_path])[0]] == ["b", "a"]


def test_lower_is_better_for_losses(tmp_path: Path) -> None:
    write_run(tmp_path, 0, summary={"valid/loss": 0.5}, optimizer=sgd())
    write_run(tmp_path, 0, summary={"valid/loss": 0.2}, optimizer=momentum())
    assert list(answer(tmp_path, metric="valid/loss")) == ["optimizer=momentum", "optimizer=sgd"]


def test_only_completed_runs_are_averaged(tmp_path: Path) -> None:
    write_run(tmp_path, 0, 0.9)
    for seed, status in enumerate(["failed", "interrupted", "terminated"], start=2):
        write_run(tmp_path, seed, 0.1, status=status)
    write_run(tmp_path, 5, 0.1, status="running", summary={"process": process()})
    write_run(tmp_path, 6, 0.1, status="running", summary={"process": {**process(), "started": "before"}})  # gone
    write_run(tmp_path, 9, 0.1, status="diverged")
    found = compare([tmp_path], Options())
    (row,) = rows(found).values()
    assert row.estimate.mean == 0.9 and len(row.diverged) == 1
    assert row.seeds("valid/accuracy") == (1, 7)
    assert found.unfinished == {"failed": 1, "interrupted": 2, "terminated": 1, "running": 1}


def test_data_sets_are_never_mixed(tmp_path: Path) -> None:
    """The data set really used counts: two runs asked for MNIST and one of them fell back to the digits."""
    write_run(tmp_path, 0, 0.97, dataset="mnist")
    write_run(tmp_path, 1, 0.91, dataset="digits")
    found = compare([tmp_path], Options())
    assert [table.dataset for table in found.tables] == ["mnist", "digits"]
    assert all(row.estimate.n == 1 and row.judgement is None for table in found.tables for row in table.rows)


def test_of_repeated_runs_the_newest_counts(tmp_path: Path) -> None:
    old = write_run(tmp_path, 0, 0.5)
    write_run(tmp_path, 0, 0.9, name="other-name")
    write_run(tmp_path, 0, 0.1, status="interrupted")
    found = compare([tmp_path], Options())
    (row,) = rows(found).values()
    assert (row.estimate.n, row.estimate.mean) == (1, 0.9)
    assert len(found.warnings) == 1 and str(old) in found.warnings[0]


def test_a_directory_given_twice_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "deep" / "deeper", 0)
    (tmp_path / "link").symlink_to(tmp_path / "deep")
    found = compare([tmp_path, tmp_path / "link", tmp_path / "deep" / ".." / "deep"], Options())
    assert rows(found)["model=mlp optimizer=sgd"].estimate.n == 1 and not found.warnings


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("summary.json", ""),
        ("summary.json", "{"),
        ("summary.json", "[1, 2]"),
        ("summary.json", '{"accuracy": 0.9}'),
        ("summary.json", "\x00\xff"),
        ("config.yaml", ""),
        ("config.yaml", "seed: [1"),
        ("config.yaml", "just text"),
        ("config.yaml", "seed: many"),
        ("config.yaml", "seed: true"),
        ("config.yaml", "a: &a {seed: 1, b: *a}"),
        ("config.yaml", "!!python/object/apply:os.system ['touch /tmp/pwned']"),
    ],
)
def test_unreadable_files_are_skipped_and_named(tmp_path: Path, file: str, content: str) -> None:
    write_run(tmp_path, 0, 0.9)
    broken = write_run(tmp_path, 1, 0.1) / file
    broken.write_text(content, encoding="latin-1")
    runs, warnings = find_runs([tmp_path])
    assert len(runs) == 1
    assert len(warnings) == 1 and str(broken) in warnings[0] and "\n" not in warnings[0]


def test_missing_or_non_finite_metrics_do_not_count(tmp_path: Path) -> None:
    write_run(tmp_path, 0, 0.9)
    write_run(tmp_path, 1, None)
    write_run(tmp_path, 2, float("nan"))
    (row,) = answer(tmp_path).values()
    assert (row.estimate.n, row.estimate.mean) == (1, 0.9)


def test_target_medians_are_censored(tmp_path: Path) -> None:
    """One run never reached it in 20 updates and one second, one diverged: both count, as still on their way."""

    def reached(steps: int) -> dict[str, float]:
        return {"steps_to_target": steps, "samples_to_target": steps * 128, "seconds_to_target": steps / 10}

    for seed, steps in enumerate([10, 40, 20]):
        write_run(tmp_path, seed, summary=reached(steps), target=0.9)
    write_run(tmp_path, 3, target=0.9)
    write_run(tmp_path, 4, target=0.9, status="diverged", summary=reached(5))
    (row,) = answer(tmp_path).values()
    assert (row.target.runs, row.target.reached) == (5, 3)
    assert (row.target.steps, row.target.samples, row.target.seconds) == (40, 5120, 4.0)


# --- pairing ---------------------------------------------------------------------------------------------------------


def test_pairs_by_seed_only_where_both_have_it(tmp_path: Path) -> None:
    for seed, accuracy in ((0, 0.5), (1, 0.6), (2, 0.9)):
        write_run(tmp_path, seed, accuracy, optimizer=sgd())
    for seed, accuracy in ((1, 0.7), (2, 0.95), (3, 0.1)):
        write_run(tmp_path, seed, accuracy, optimizer=momentum())
    judgement = answer(tmp_path)["optimizer=momentum"].judgement
    assert judgement is not None
    difference = judgement.difference
    assert difference.n == 2 and difference.mean == pytest.approx(0.075)


def test_by_pairs_runs_that_agree_in_the_other_keys_too(tmp_path: Path) -> None:
    """clip=grad helps by 0.2 and was run with sgd only for momentum's seed 1: that run has no partner."""
    grad = {"name": "grad", "threshold": 1.0}
    for seed in (0, 1):
        write_run(tmp_path, seed, 0.5, optimizer=sgd())
        write_run(tmp_path, seed, 0.6, optimizer=momentum())
        write_run(tmp_path, seed, 0.8, optimizer=momentum(), clip=grad)
    write_run(tmp_path, 1, 0.7, optimizer=sgd(), clip=grad)
    found = answer(tmp_path, by=("optimizer",))
    judgement = found["optimizer=momentum"].judgement
    assert judgement is not None
    difference = judgement.difference
    assert (difference.n, difference.mean) == (2, pytest.approx(0.1))
    assert found["optimizer=momentum"].estimate.n == 2  # seeds, not runs
    assert found["optimizer=momentum"].estimate.mean == pytest.approx(0.7)


def test_by_averages_over_a_key_the_other_row_cannot_have(tmp_path: Path) -> None:
    for seed in (0, 1, 2):
        write_run(tmp_path, seed, 0.5, optimizer=sgd())
        write_run(tmp_path, seed, 0.6, optimizer=momentum(beta=0.9))
        write_run(tmp_path, seed, 0.8, optimizer=momentum(beta=0.5))
    judgement = answer(tmp_path, by=("optimizer",))["optimizer=momentum"].judgement
    assert judgement is not None
    difference = judgement.difference
    assert (difference.n, difference.mean) == (3, pytest.approx(0.2))


def test_by_finds_no_pairs_where_the_settings_never_agree(tmp_path: Path) -> None:
    for seed in (0, 1, 2):
        for lr in (0.1, 0.2):
            write_run(tmp_path, seed, 0.5, optimizer=sgd(lr))
            write_run(tmp_path, seed, 0.6, optimizer=momentum(lr * 100))
    judgement = answer(tmp_path, by=("optimizer",))["optimizer=momentum"].judgement
    assert judgement is not None
    difference = judgement.difference
    assert difference.n == 0


def test_by_a_dotted_key(tmp_path: Path) -> None:
    write_run(tmp_path, 0, 0.5, optimizer=sgd(0.1))
    write_run(tmp_path, 0, 0.6, optimizer=momentum(0.01))
    assert set(answer(tmp_path, by=("optimizer.lr",))) == {"optimizer.lr=0.1", "optimizer.lr=0.01"}
    assert set(answer(tmp_path, by=("optimizer.beta",))) == {"without optimizer.beta", "optimizer.beta=0.9"}


def run_of(word: str, clip: str, seed: int, value: float) -> Run:
    setting = {"dataset": "mnist", "optimizer": word, "clip": clip}
    return Run(Path("r"), setting, seed, None, {"status": "completed", "m": value}, 0.0, 0.0)


cells = st.dictionaries(st.tuples(st.integers(0, 4), st.sampled_from(["none", "grad"])), st.floats(0, 1), max_size=8)


@given(cells, cells)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_matched_runs_agree_in_seed_and_setting(ours: dict, base: dict) -> None:
    """Against a plain re-statement: the common cells, averaged by seed; with missing seeds and settings anywhere."""
    runs_of_ours = [run_of("a", clip, seed, value) for (seed, clip), value in ours.items()]
    runs_of_base = [run_of("b", clip, seed, value) for (seed, clip), value in base.items()]
    found = [by_seed(runs, "m") for runs in matched(runs_of_ours, runs_of_base, "m")]
    varies = any(len({clip for _, clip in cells}) > 1 for cells in (ours, base))
    common = {cell for cell in ours if (cell in base if varies else any(cell[0] == other[0] for other in base))}
    assert found[0].keys() == found[1].keys() == {seed for seed, _ in common}
    for seed in found[0]:
        mine = [ours[cell] for cell in common if cell[0] == seed]
        assert found[0][seed] == pytest.approx(sum(mine) / len(mine))


# --- tuning ----------------------------------------------------------------------------------------------------------


def write_grid(root: Path) -> None:
    """sgd is best at 0.3, momentum at 0.1; test data would choose otherwise."""
    for word, best in ((sgd, 0.3), (momentum, 0.1)):
        for lr in (0.03, 0.1, 0.3, 1.0):
            for seed in (0, 1, 2):
                value = (0.9 if word is sgd else 0.95) - 0.1 * (lr != best) + 0.001 * seed
                write_run(root, seed, value, summary={"test/accuracy": 1.5 - value}, optimizer=word(lr))


def test_tune_takes_each_rows_best_setting(tmp_path: Path) -> None:
    write_grid(tmp_path)
    found = answer(tmp_path, by=("optimizer",), tune=("optimizer.lr",))
    assert {label: row.runs[0].settings["optimizer.lr"] for label, row in found.items()} == {
        "optimizer=momentum": 0.1, "optimizer=sgd": 0.3,
    }  # fmt: skip
    assert [row.settings_tried for row in found.values()] == [4, 4]
    judgement = found["optimizer=momentum"].judgement
    assert judgement is not None
    difference = judgement.difference
    assert (difference.n, difference.mean) == (3, pytest.approx(0.05))


def test_tune_without_by_tunes_every_configuration(tmp_path: Path) -> None:
    write_grid(tmp_path)
    assert list(answer(tmp_path, tune=("optimizer.lr",))) == ["optimizer=momentum", "optimizer=sgd"]


def test_tune_chooses_on_validation_data_whatever_is_compared(tmp_path: Path) -> None:
    write_grid(tmp_path)
    found = answer(tmp_path, by=("optimizer",), tune=("optimizer.lr",), metric="test/accuracy")
    assert found["optimizer=sgd"].runs[0].settings["optimizer.lr"] == 0.3
    assert found["optimizer=sgd"].estimate.mean == pytest.approx(0.599)


def test_tune_avoids_settings_that_diverge(tmp_path: Path) -> None:
    write_group(tmp_path, [0.8, 0.8], optimizer=sgd(0.1))
    write_run(tmp_path, 0, 0.95, optimizer=sgd(1.0))
    write_run(tmp_path, 1, None, optimizer=sgd(1.0), status="diverged")
    (row,) = answer(tmp_path, tune=("optimizer.lr",)).values()
    assert row.runs[0].settings["optimizer.lr"] == 0.1


# --- what users get wrong --------------------------------------------------------------------------------------------

MISTAKES = [
    ({"metric": "valid/acuracy"}, "did you mean valid/accuracy?"),
    ({"by": ("optimiser",)}, "did you mean optimizer?"),
    ({"by": ("seed",)}, "averaged over seeds"),
    ({"by": ("threads",)}, "cannot change what a run learns"),
    ({"tune": ("optimizer.l",)}, "did you mean optimizer.lr?"),
    ({"tune": ("optimizer",), "by": ("optimizer",)}, "cannot be tuned"),
    ({"baseline": "optimizer=sgdd"}, "did you mean optimizer=sgd?"),
    ({"baseline": "clip=none"}, "2 groups match"),
]


@pytest.mark.parametrize(("options", "sentence"), MISTAKES)
def test_mistakes_are_answered(tmp_path: Path, options: dict[str, object], sentence: str) -> None:
    write_run(tmp_path, 0, optimizer=sgd())
    write_run(tmp_path, 0, optimizer=momentum())
    with pytest.raises(CompareError) as error:
        answer(tmp_path, **options)
    assert sentence in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("words", ["--csv a.csv --csv b.csv", "--metric x --metric=y", "--by seed --by seed"])
def test_no_option_is_dropped_in_silence(words: str) -> None:
    with pytest.raises(CompareError, match="is given twice: leave one of them out"):
        parser().parse_args(words.split())


def test_directories_may_stand_on_both_sides_of_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", 0, optimizer=sgd())
    write_run(tmp_path / "b", 0, optimizer=momentum())
    assert main([str(tmp_path / "a"), "--metric", "valid/accuracy", str(tmp_path / "b")]) == 0
    assert "optimizer=momentum" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["sgd", "optimizer=sgd", "optimizer.lr=1e-1 sgd", "optimizer=sgd model=mlp"])
def test_baseline_by_label_or_words(tmp_path: Path, wanted: str) -> None:
    write_run(tmp_path, 0, optimizer=momentum(0.1))
    write_run(tmp_path, 0, optimizer=momentum(0.2))
    write_run(tmp_path, 0, optimizer=sgd(0.1))
    (table,) = compare([tmp_path], Options(baseline=wanted)).tables
    assert table.baseline == "optimizer=sgd"


def test_nothing_to_compare(tmp_path: Path) -> None:
    for root, sentence in ((tmp_path / "nowhere", "does not exist"), (tmp_path, "No runs below")):
        with pytest.raises(CompareError, match=sentence):
            compare([root], Options())
    write_run(tmp_path, 0, status="running", summary={"process": process()})
    with pytest.raises(CompareError, match="No finished run below .*: 1 running"):
        compare([tmp_path], Options())
    (tmp_path / "file").touch()
    with pytest.raises(CompareError, match="is not a directory"):
        compare([tmp_path / "file"], Options())


def test_without_validation_it_says_what_to_type(tmp_path: Path) -> None:
    write_run(tmp_path, 0, None, summary={"test/accuracy": 0.9})
    with pytest.raises(CompareError, match="--metric test/accuracy"):
        compare([tmp_path], Options())
    with pytest.raises(CompareError, match="Settings are chosen by valid/accuracy"):
        compare([tmp_path], Options(metric="test/accuracy", tune=("optimizer.lr",)))


def test_other_files_do_not_disturb(tmp_path: Path) -> None:
    run = write_run(tmp_path, 0)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "half").mkdir()
    shutil.copy(run / "summary.json", tmp_path / "half")
    shutil.copytree(run, tmp_path / ".hidden" / "run")
    runs, warnings = find_runs([tmp_path])
    assert len(runs) == 1 and not warnings


def test_where_many_keys_differ_a_name_has_those_that_are_not_at_their_defaults(tmp_path):
    """Among the runs of several sweeps every key differs somewhere, and names of ten keys each fill a screen."""
    write_run(tmp_path, 0, optimizer=sgd(0.2), epochs=10)
    write_run(tmp_path, 0, optimizer=sgd(0.2), epochs=5, clip={"name": "grad", "threshold": 1.0})
    write_run(tmp_path, 0, optimizer=momentum(0.5), epochs=10, dropout={"name": "half"}, batch_size=64)
    groups = [[run] for run in find_runs([tmp_path])[0]]
    assert labels(groups, None) == [
        "all at default",
        "epochs=5 clip=grad",
        "batch_size=64 optimizer=momentum dropout=half",
    ]
    assert labels(groups[:2], None) == ["epochs=10 clip=none", "epochs=5 clip=grad"]
