"""What `train compare` shows and writes: verdicts, the table, fairness flags, files, pictures, the command itself."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from compare_runs import momentum, sgd, write_group, write_run
from rich.console import Console

from trainer.compare.command import compare_table, main
from trainer.compare.comparison import compare
from trainer.compare.crossed import Crossed, Parts
from trainer.compare.fairness import flags
from trainer.compare.grades import Graded
from trainer.compare.judging import Judgement
from trainer.compare.options import Options
from trainer.compare.scales import Scale
from trainer.compare.statistics import Difference
from trainer.compare.table import print_comparison
from trainer.compare.verdicts import verdict

ACCURACY = Scale(100, " points", 2)
LOSS = Scale(1, "", 3)
GRAD = {"name": "grad", "threshold": 1.0}


@pytest.mark.parametrize(
    ("difference", "p", "scale", "words"),
    [
        (Difference(10, 0.0041, 1, 0.0028, 0.0054, 0.001), 0.002, ACCURACY,
         "+0.41 points, 95 % +0.28 to +0.54, real (seeds only)"),
        (Difference(4, -0.05, 1, -0.07, -0.03, 0.001), 0.01, LOSS, "-0.050, 95 % -0.070 to -0.030, real (seeds only)"),
        (Difference(3, 0.001, 1, -0.0005, 0.0033, 0.3), 0.6, ACCURACY,
         "+0.10 points, 95 % -0.05 to +0.33, not shown (seeds only)"),
        (Difference(3, 0.001, 1, 0.0001, 0.0033, 0.03), 0.09, ACCURACY,
         "+0.10 points, 95 % +0.01 to +0.33, not shown (seeds only)"),
        (Difference(1, 0.2), None, ACCURACY, "too few pairs to tell (n = 1)"),
        (Difference(0), None, ACCURACY, "too few pairs to tell (n = 0)"),
        (Difference(2, 0.0, 0.0, 0.0, 0.0), None, ACCURACY, "identical in all 2 pairs"),
        (Difference(2, 0.0012, 0.0, 0.0012, 0.0012), None, ACCURACY,
         "+0.12 points in each of 2 pairs, too alike for a test"),
    ],
)  # fmt: skip
def test_verdicts_of_seeds_alone(difference: Difference, p: float | None, scale: Scale, words: str) -> None:
    """Never a word for better or worse without a test; `p` is the corrected one."""
    alone = Crossed(Parts(difference.n, 0, difference.mean))
    assert verdict(Judgement(difference, alone, Graded("untested", None, p), None), scale) == words


def shown(root: Path, width: int = 160, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_comparison(compare([root], Options(**options)), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def write_example(root: Path) -> None:
    write_group(root, [0.960, 0.962, 0.964, 0.961, 0.963], optimizer=sgd(), target=0.95)
    reached = {"steps_to_target": 1290, "samples_to_target": 165120, "seconds_to_target": 1.5}
    write_group(root, [0.965, 0.966, 0.969, 0.9655, 0.968], optimizer=momentum(), target=0.95, summary=reached)
    write_group(root, [0.1, 0.1], optimizer={"name": "adam", "lr": 1.0}, status="diverged", target=0.95)
    write_run(root, 7, 0.5, status="interrupted")


EXAMPLE = """\
momentum is best: +0.47 points over sgd, real (seeds only); adam diverged.
valid/accuracy on mnist (in %, higher is better)
configuration n diverged mean sd 95 % interval best (seed) against optimizer=sgd p
optimizer=momentum 5 - 96.67 0.17 96.46 to 96.88 96.90 (2) +0.47 points, 95 % +0.41 to +0.53, real (seeds only) <0.001
optimizer=sgd 5 of 6 - 96.20 0.16 96.00 to 96.40 96.40 (2) baseline -
optimizer=adam 0 of 2 2, p 0.048 - - - - all runs diverged -
"""


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip("─ \n")]


def test_table_at_full_width(tmp_path: Path) -> None:
    """The numbers are those of scipy.stats for these two samples."""
    write_example(tmp_path)
    text = shown(tmp_path)
    assert squeezed(text)[:6] == EXAMPLE.splitlines()
    assert "Differences from optimizer=sgd are paired by seed." in text and "Images are not counted" in text
    assert "Cost of reaching valid/accuracy 0.95: median over all runs" in text
    assert "optimizer=momentum 5 of 5 1,290 165,120 1.5" in squeezed(text)
    assert "optimizer=sgd 0 of 5 - - -" in squeezed(text)
    assert "Not finished, so left out: 1 interrupted." in text


def test_narrow_screen_cuts_nothing(tmp_path: Path) -> None:
    write_example(tmp_path)
    text = shown(tmp_path, width=60)
    tables = [
        line
        for line in text.splitlines()
        if not line.startswith(("!", "Mean", "Best", "valid", "Cost", "Images", "Read", "diverged:", "momentum "))
    ]
    assert max(map(len, tables)) <= 60
    assert "…" not in text
    for piece in ("96.46", "96.88", "<0.001", "momentum"):
        assert piece in text


def test_holm_is_named_with_the_number_of_comparisons(tmp_path: Path) -> None:
    for lr in (0.1, 0.2, 0.3):
        write_group(tmp_path, [0.9 + lr / 100, 0.91 - lr / 50, 0.92 + lr / 30], optimizer=sgd(lr))
    assert "corrected by Holm for 2 comparisons" in shown(tmp_path)


def test_losses_are_not_per_cent(tmp_path: Path) -> None:
    for seed, loss in enumerate([0.101, 0.103]):
        write_run(tmp_path, seed, summary={"valid/loss": loss})
    text = shown(tmp_path, metric="valid/loss")
    assert "(lower is better)" in text and "0.1020 0.0014" in " ".join(text.split())


def test_two_data_sets_two_tables(tmp_path: Path) -> None:
    write_run(tmp_path, 0, dataset="mnist")
    write_run(tmp_path, 0, dataset="digits")
    text = shown(tmp_path)
    assert "on mnist" in text and "on digits" in text and "never ranked against each other" in text


def test_strangers_cannot_steer_the_terminal(tmp_path: Path) -> None:
    write_run(tmp_path, 0, optimizer={"name": "[red]\x1b[2J", "lr": 0.1}, dataset="\x1b]0;title\x07")
    write_run(tmp_path, 0, optimizer=sgd(), dataset="\x1b]0;title\x07")
    text = shown(tmp_path)
    assert "\x1b" not in text and "[red]" in text


# --- fairness --------------------------------------------------------------------------------------------------------


def raised(root: Path, **options: Any) -> str:
    found = compare([root], Options(**options))
    return "\n".join(flag for table in found.tables for flag in flags(table, found.options))


def test_a_fair_comparison_raises_nothing(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], clip={"name": "none"})
    write_group(tmp_path, [0.91, 0.93, 0.92], clip=GRAD)
    assert raised(tmp_path) == ""


def test_flag_diverged(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92])
    write_run(tmp_path, 3, status="diverged")
    assert "1 of 4 runs diverged; its mean is that of the others" in raised(tmp_path)


def test_flag_few_and_unequal_seeds(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], clip={"name": "none"})
    write_group(tmp_path, [0.9, 0.91], clip=GRAD)
    text = raised(tmp_path)
    assert "Fewer than 3 seeds can't tell much: clip=grad." in text
    assert "Unequal numbers of seeds: clip=none 3, clip=grad 2." in text


def test_flag_rates_that_were_not_searched(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], optimizer=sgd(0.1))
    write_group(tmp_path, [0.9, 0.92, 0.91], optimizer=momentum(0.5))
    text = raised(tmp_path)
    assert "Learning rates were not searched (momentum 0.5, sgd 0.1)" in text or "(sgd 0.1, momentum 0.5)" in text
    assert "--tune optimizer.lr" in text


def test_a_study_chose_the_rates_of_its_runs_elsewhere(tmp_path: Path) -> None:
    write_group(tmp_path / "judge", [0.9, 0.91, 0.92], optimizer=sgd(0.1))
    write_group(tmp_path / "judge", [0.9, 0.92, 0.91], optimizer=momentum(0.5))
    assert "Learning rates were not searched" in raised(tmp_path)
    (tmp_path / "study.json").write_text("{}")
    assert "Learning rates were not searched" not in raised(tmp_path)


def write_rates(root: Path, word: Any, values: dict[float, float]) -> None:
    for lr, accuracy in values.items():
        write_group(root, [accuracy, accuracy + 0.01, accuracy + 0.02], optimizer=word(lr))


def test_flag_edge_of_the_grid(tmp_path: Path) -> None:
    write_rates(tmp_path, sgd, {0.1: 0.7, 0.2: 0.8, 0.3: 0.9})
    write_rates(tmp_path, momentum, {0.1: 0.7, 0.2: 0.9, 0.3: 0.8})
    edge = "The best optimizer.lr is at the edge of the values tried (optimizer=sgd"
    for options in ({}, {"tune": ("optimizer.lr",)}, {"tune": ("optimizer.lr",), "by": ("optimizer",)}):
        text = raised(tmp_path, **options)
        assert edge in text and "0.3 of 0.1 to 0.3)" in text and "momentum" not in text
    assert "not searched" not in raised(tmp_path)


def test_a_rate_beyond_that_diverged_is_no_edge(tmp_path: Path) -> None:
    write_rates(tmp_path, sgd, {0.1: 0.7, 0.2: 0.8})
    write_run(tmp_path, 0, optimizer=sgd(0.3), status="diverged")
    assert "edge" not in raised(tmp_path, tune=("optimizer.lr",))


def test_zero_and_epochs_are_no_edges(tmp_path: Path) -> None:
    for rate, accuracy in ((0.0, 0.9), (0.1, 0.8), (0.2, 0.7)):
        write_group(tmp_path, [accuracy, accuracy + 0.01, accuracy + 0.02], dropout={"name": "rate", "rate": rate})
    for epochs, accuracy in ((1, 0.5), (2, 0.6), (3, 0.65)):
        group = {"epochs": epochs, "clip": GRAD}
        write_group(tmp_path, [accuracy, accuracy + 0.01, accuracy + 0.02], **group)
    assert "edge" not in raised(tmp_path)


def test_flag_unequal_numbers_of_settings(tmp_path: Path) -> None:
    write_rates(tmp_path, sgd, {0.1: 0.7, 0.2: 0.9, 0.3: 0.8})
    write_rates(tmp_path, momentum, {0.1: 0.7})
    assert "Unequal numbers of learning rates tried: from 1 to 3" in raised(tmp_path)
    tuned = raised(tmp_path, tune=("optimizer.lr",))
    assert "Unequal numbers of settings tried: optimizer=sgd 3, optimizer=momentum 1" in tuned


def test_flag_settings_with_other_seeds(tmp_path: Path) -> None:
    write_rates(tmp_path, sgd, {0.1: 0.7, 0.2: 0.9, 0.3: 0.8})
    write_run(tmp_path, 9, 0.99, optimizer=sgd(0.2))
    assert "not every setting ran with the same seeds" in raised(tmp_path, tune=("optimizer.lr",))


def test_flag_clocks_validation_sets_targets_and_missing_values(tmp_path: Path) -> None:
    reached = {"steps_to_target": 10, "samples_to_target": 1280, "seconds_to_target": 1.0}
    write_group(tmp_path, [0.9, 0.91, 0.92], clip=GRAD, target=0.9, summary=reached | {"stack": 8})
    write_group(tmp_path, [0.9, 0.91, 0.92], target=0.8)
    write_run(tmp_path, 3, None, target=0.8)
    write_group(tmp_path, [0.9, 0.92], config={"dataset": {"name": "mnist", "validation": 100}}, target=0.8)
    text = raised(tmp_path)
    assert "Seconds can't be compared: the runs were trained in stacks of 1, 8." in text
    assert "Validation sets differ (dataset.validation=" in text
    assert "different targets (0.8, 0.9)" in text
    assert "1 of 4 finished runs have no valid/accuracy and do not count." in text
    assert "Cost of reaching" not in shown(tmp_path)


# --- files -----------------------------------------------------------------------------------------------------------

COLUMNS = (
    "dataset,group,metric,chosen,settings_tried,n,diverged,mean,sd,ci_low,ci_high,best,best_seed,best_run,runs,"
    "reached_target,steps_to_target,samples_to_target,seconds_to_target,baseline,pairs,images,difference,"
    "difference_low,difference_high,p,p_holm,seeds_low,seeds_high,seeds_p,seeds_p_holm,grade,detectable,verdict,"
    "seeds,pruned,unfinished,diverged_p_holm,stopped_early"
)


def test_csv_has_stable_columns_and_full_values(tmp_path: Path) -> None:
    write_example(tmp_path / "runs")
    assert main([str(tmp_path / "runs"), "--csv", str(tmp_path / "t.csv")]) == 0
    text = (tmp_path / "t.csv").read_text()
    assert text.splitlines()[0] == COLUMNS
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["group"] for line in lines] == ["optimizer=momentum", "optimizer=sgd", "optimizer=adam"]
    assert float(lines[0]["mean"]) == pytest.approx((0.965 + 0.966 + 0.969 + 0.9655 + 0.968) / 5, abs=1e-15)
    assert lines[1]["difference"] == lines[2]["mean"] == ""


def test_json_is_strict(tmp_path: Path) -> None:
    write_example(tmp_path / "runs")
    write_run(tmp_path / "runs", 8, float("nan"), optimizer={"name": "sgd", "lr": float("inf")})
    assert main([str(tmp_path / "runs"), "--json", str(tmp_path / "t.json")]) == 0

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    content = json.loads((tmp_path / "t.json").read_text(), parse_constant=refuse)
    assert content["correction"] == "Holm" and content["unfinished"] == {"interrupted": 1}
    (table,) = content["tables"]
    assert table["baseline"] == "optimizer=sgd optimizer.lr=0.1" and len(table["groups"]) == 4
    assert table["groups"][0]["settings"]["optimizer"] == "momentum"


def test_curves_ignore_a_line_that_was_cut_off(tmp_path: Path) -> None:
    from trainer.compare.curves import learning_curve

    for seed in (0, 1):
        run = write_run(tmp_path, seed, 0.9)
        (run / "metrics.jsonl").write_text(f'{{"epoch": 1, "valid/accuracy": 0.{seed + 1}}}\n{{"epoch": 2, "va')
    (table,) = compare([tmp_path], Options()).tables
    (point,) = learning_curve(table.rows[0], "valid/accuracy")
    assert (point.x, point.mean) == (1, pytest.approx(0.15))


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["{runs}", "--metrc", "x"], "did you mean --metric?"),
        (["{runs}", "--plot", "picture.jpg"], "picture.jpg should end in .png, .svg or .pdf"),
        (["{runs}", "--csv", "{runs}/no/table.csv"], "cannot be written: No such file or directory."),
        (["{runs}", "--by", "optimizr"], "did you mean optimizer?"),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    write_run(tmp_path, 0)
    assert main([argument.format(runs=tmp_path) for argument in arguments]) == 2
    output = capsys.readouterr()
    assert sentence in output.err and "Traceback" not in output.err
    assert output.out == ""


def test_help_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--tune" in capsys.readouterr().out


def test_skipped_files_are_named_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, 0)
    broken = write_run(tmp_path, 1) / "summary.json"
    broken.write_text("")
    assert main([str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert output.err.count("\n") == 1 and str(broken) in output.err and "summary.json" not in output.out


def test_the_end_of_a_sweep(tmp_path: Path) -> None:
    """The launcher passes its runs and its console; nothing that a sweep can leave behind makes it raise."""
    console = Console(file=io.StringIO(), width=120, color_system=None)
    directories = [write_run(tmp_path, seed, 0.9 + seed / 100) for seed in range(3)]
    assert compare_table(directories, console) is not None
    assert compare_table(tmp_path / "nothing", console) is None
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "91.0 1.0" in " ".join(text.split()) and "does not exist" in text


def test_300_runs_in_a_pipe_without_torch(tmp_path: Path) -> None:
    """A real process: nothing heavy is imported, and no cell is cut or wrapped where no screen sets a width."""
    for number in range(30):
        clip = {"name": "grad", "threshold": number / 10}
        write_group(tmp_path, [0.9 + (number * seed % 7) / 1000 for seed in range(10)], clip=clip)
    script = (
        "import sys; from trainer.compare.command import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'hydra', 'omegaconf', 'scipy.stats', 'matplotlib'} & sys.modules.keys();"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"}
    command = [sys.executable, "-c", script, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("clip.threshold=")]
    endings = ("(seeds only)", "baseline", "identical in all 10 pairs")
    assert len(lines) == 30 and all(any(ending in line for ending in endings) for line in lines)
    assert "\x1b" not in result.stdout


def test_a_screen_shows_the_best_rows_and_the_baseline_of_a_long_table_and_a_pipe_all(tmp_path):
    """After a few days' work `train compare` printed hundreds of lines, and the best rows were gone from the screen."""
    for k in range(30):
        write_group(tmp_path, [0.9 - k / 100, 0.91 - k / 100], optimizer=sgd(0.1 + k))
    comparison = compare([tmp_path], Options(baseline="optimizer.lr=29.1"))

    def rows(terminal: bool) -> tuple[list[str], str]:
        file = io.StringIO()
        print_comparison(comparison, Console(file=file, width=160, color_system=None, force_terminal=terminal))
        labels = [line.split()[0] for line in file.getvalue().splitlines() if line.startswith("optimizer.lr=")]
        return labels, file.getvalue()

    few, text = rows(terminal=True)
    assert few == [*(f"optimizer.lr={k}.1" for k in range(20)), "optimizer.lr=29.1"]
    assert "9 more rows are not shown." in text and "and 24 more not tested" in text
    every, text = rows(terminal=False)
    assert len(every) == 30 and "not shown" not in text
