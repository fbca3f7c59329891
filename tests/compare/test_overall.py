"""The table in a sentence, the decimals of its rows, and what is offered next."""

from __future__ import annotations

import io
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from compare_runs import momentum, sgd, write_group, write_run
from rich.console import Console

from trainer.compare.command import main
from trainer.compare.comparison import compare
from trainer.compare.options import Options
from trainer.compare.overall import overall, short_names
from trainer.compare.scales import Scale, scale_of
from trainer.compare.table import print_comparison

ADAM = {"name": "adam", "lr": 0.001}


def sentence(root: Path, **options: object) -> str | None:
    found = compare([root], Options(**options))  # type: ignore[arg-type]
    return overall(found.tables[0], found.options)


def shown(root: Path, **options: object) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    print_comparison(compare([root], Options(**options)), console)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_best_first_then_the_others(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], optimizer=sgd())
    write_group(tmp_path, [0.93, 0.941, 0.95], optimizer=momentum())
    write_group(tmp_path, [0.92, 0.9, 0.93], optimizer=ADAM)
    assert sentence(tmp_path) == (
        "momentum has the best mean: +3.03 points over sgd, real (seeds only); adam not shown (seeds only)."
    )
    assert shown(tmp_path).startswith("momentum has the best mean")


def test_of_two_the_better_is_best_only_where_that_is_shown(tmp_path: Path) -> None:
    write_group(tmp_path / "a", [0.9, 0.91, 0.92], optimizer=sgd())
    write_group(tmp_path / "a", [0.93, 0.941, 0.95], optimizer=momentum())
    write_group(tmp_path / "b", [0.9, 0.91, 0.92], optimizer=sgd())
    write_group(tmp_path / "b", [0.89, 0.93, 0.92], optimizer=momentum())
    assert sentence(tmp_path / "a") == "momentum is best: +3.03 points over sgd, real (seeds only)."
    assert sentence(tmp_path / "b") == "momentum has the best mean: +0.3 points over sgd, not shown (seeds only)."


def test_the_baseline_may_be_best(tmp_path: Path) -> None:
    write_group(tmp_path, [0.95, 0.961, 0.97], optimizer=sgd())
    write_group(tmp_path, [0.9, 0.91, 0.92], optimizer=momentum())
    write_group(tmp_path, [0.1, 0.1], optimizer=ADAM, status="diverged")
    assert sentence(tmp_path) == (
        "sgd, the baseline, has the best mean; momentum worse (real (seeds only)); adam diverged."
    )


def test_no_word_for_better_without_a_test(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9], optimizer=sgd())
    write_group(tmp_path, [0.95], optimizer=momentum())
    assert sentence(tmp_path) == "momentum has the best mean: +5.00 points over sgd, not tested."


def test_other_seeds_than_the_baselines_test_nothing(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91], optimizer=sgd())
    for seed in (7, 8):
        write_run(tmp_path, seed, 0.95, optimizer=momentum())
    assert sentence(tmp_path) == "momentum has the best mean, with no pairs with sgd to test that."


def test_of_many_rows_of_one_word_the_first_are_named(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], optimizer=sgd())
    for number, word in enumerate(("a", "b", "c", "d", "e", "f")):
        write_group(tmp_path, [0.89 - number / 1000, 0.93, 0.9], optimizer={"name": word, "lr": 0.1})
    said = sentence(tmp_path)
    assert said == "sgd, the baseline, has the best mean; a, b, c, d and 2 more not shown (seeds only)."
    for path in [p for p in tmp_path.iterdir() if "name: f\n" in (p / "config.yaml").read_text()]:
        shutil.rmtree(path)
    assert "; a, b, c, d and 1 more not" in str(sentence(tmp_path))
    for path in [p for p in tmp_path.iterdir() if "name: e\n" in (p / "config.yaml").read_text()]:
        shutil.rmtree(path)
    assert "; a, b, c, d not shown" in str(sentence(tmp_path))


def test_rows_between_the_best_and_the_baseline_are_better(tmp_path: Path) -> None:
    write_group(tmp_path, [0.8, 0.81, 0.82], optimizer=sgd())
    write_group(tmp_path, [0.9, 0.911, 0.92], optimizer=momentum())
    write_group(tmp_path, [0.95, 0.961, 0.97], optimizer=ADAM)
    said = sentence(tmp_path)
    assert said is not None and said.endswith("; momentum better (real (seeds only)).")


def test_names_are_short_where_one_key_tells_all_apart() -> None:
    def names(*labels: str) -> list[str]:
        return list(short_names(SimpleNamespace(rows=[SimpleNamespace(label=x) for x in labels])).values())  # type: ignore[arg-type]

    assert names("optimizer=sgd", "optimizer=adam") == ["sgd", "adam"]
    for whole in (["optimizer=sgd", "clip=grad"], ["plain", "optimizer=sgd"], ["a=1 b=2", "a=1 b=3"]):
        assert names(*whole) == whole


def test_rows_that_lost_runs_say_what_became_of_them(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91, 0.92], optimizer=sgd())
    write_group(tmp_path, [0.85, 0.93], optimizer=momentum())
    write_run(tmp_path, 2, None, optimizer=momentum(), status="diverged")
    write_run(tmp_path, 0, 0.5, optimizer=ADAM, status="pruned")
    assert sentence(tmp_path) == "sgd, the baseline, has the best mean; momentum not shown (seeds only); adam pruned."


def test_no_row_has_a_mean(tmp_path: Path) -> None:
    write_group(tmp_path / "a", [0.1], optimizer=sgd(), status="diverged")
    write_group(tmp_path / "a", [0.1], optimizer=momentum(), status="diverged")
    assert sentence(tmp_path / "a") == "No row has a mean."
    write_group(tmp_path / "b", [0.1], optimizer=sgd(), status="pruned")
    write_group(tmp_path / "b", [0.1], optimizer=momentum(), status="diverged")
    assert sentence(tmp_path / "b") == "No row has a mean: where runs were pruned, those left are the best."


def test_losses_stand_against_the_baseline(tmp_path: Path) -> None:
    for word, losses in ((sgd(), (0.3, 0.31, 0.33)), (momentum(), (0.2, 0.21, 0.22))):
        for seed, loss in enumerate(losses):
            write_run(tmp_path, seed, optimizer=word, summary={"valid/loss": loss})
    text = sentence(tmp_path, metric="valid/loss")
    assert text is not None and text.startswith("momentum is best: -0.1033 against sgd, real")


def test_nothing_is_said_of_one_row_or_without_a_direction(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.8], summary={"grad_norm": 1.0})
    assert sentence(tmp_path) is None
    write_group(tmp_path, [0.9, 0.8], optimizer=momentum(), summary={"grad_norm": 2.0})
    assert sentence(tmp_path, metric="grad_norm") is None


def test_names_stay_whole_where_more_than_one_key_varies(tmp_path: Path) -> None:
    write_group(tmp_path, [0.9, 0.91], optimizer=sgd())
    write_group(tmp_path, [0.93, 0.95], optimizer=momentum(), clip={"name": "grad", "threshold": 1.0})
    text = sentence(tmp_path)
    assert text is not None and "optimizer=momentum clip=grad has" in text


@pytest.mark.parametrize(
    ("sd", "metric", "decimals"),
    [
        (0.12, "valid/accuracy", 1),
        (0.012, "valid/accuracy", 1),
        (0.0017, "valid/accuracy", 2),
        (0.00045, "valid/accuracy", 2),
        (0.00004, "valid/accuracy", 3),
        (0.0014, "valid/loss", 4),
        (12.0, "steps_to_target", 0),
    ],
)
def test_decimals_fit_the_spread(sd: float, metric: str, decimals: int) -> None:
    assert scale_of(sd, 0.9, metric).decimals == decimals


def test_each_row_has_its_own_decimals(tmp_path: Path) -> None:
    write_group(tmp_path, [0.90001, 0.90002, 0.90003], optimizer=sgd())
    write_group(tmp_path, [0.7, 0.8, 0.9], optimizer=momentum())
    lines = [" ".join(line.split()) for line in shown(tmp_path).splitlines()]
    assert any(line.startswith("optimizer=sgd 3 90.002 0.001") for line in lines)
    assert any(line.startswith("optimizer=momentum 3 80.0 10.0") for line in lines)


def test_one_point_is_singular() -> None:
    assert (Scale(100, " points", 2).amount(0.01), Scale(100, " points", 2).amount(0.02)) == ("1 point", "2 points")
    assert (Scale(100, " points", 2).amount(1.13), Scale(100, " points", 2).amount(0.00123)) == (
        "110 points",
        "0.12 points",
    )


def test_a_search_over_rates_offers_the_tuned_table(tmp_path: Path) -> None:
    root = tmp_path / "my runs"
    for lr in (0.1, 0.2):
        write_group(root, [0.9, 0.91], optimizer=sgd(lr))
    offer = f"Each configuration at its best: train compare '{root}' --tune optimizer.lr"
    assert "Each configuration" not in shown(root)
    write_group(root, [0.9, 0.92], optimizer=momentum())
    assert offer in shown(root)
    assert "Each configuration" not in shown(root, tune=("optimizer.lr",))


def test_what_is_offered_keeps_what_was_asked(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    for lr in (0.1, 0.2):
        write_group(root, [0.9, 0.91], optimizer=sgd(lr))
    write_group(root, [0.9, 0.92], optimizer=momentum())
    asked = ["--metric", "valid/accuracy", "--by", "optimizer", "--baseline", "optimizer=sgd", "--margin", "0.5"]
    out = shown(root, by=("optimizer",), baseline="optimizer=sgd", margin=0.5, diverged="last")
    offered = shlex.split(next(line for line in out.splitlines() if "at its best" in line).partition("best: ")[2])
    assert offered[:3] == ["train", "compare", str(root)]
    assert offered[3:] == [*asked[2:], "--diverged", "last", "--tune", "optimizer.lr"]
    assert main(offered[2:]) == 0
    assert "at its best: train compare" in shown(root, by=("optimizer", "optimizer.lr"))
    assert "--by optimizer --tune" in shown(root, by=("optimizer", "optimizer.lr"))


@pytest.mark.parametrize(
    ("every", "said"),
    [(None, "at the end of each epoch (record_every=N reads it every N updates)"), (50, "records every 50 updates.")],
)
def test_the_way_to_the_target_says_how_it_was_read(tmp_path: Path, every: int | None, said: str) -> None:
    write_group(tmp_path, [0.9, 0.91], target=0.9, config={"record_every": every})
    assert said in shown(tmp_path)
