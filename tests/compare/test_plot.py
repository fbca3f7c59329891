"""What the pictures of a comparison hold, read from the SVG itself: text as text, a look for each word, what was tested."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compare_runs import momentum, sgd, write_hit_runs, write_run

from trainer.compare.command import main
from trainer.compare.comparison import compare
from trainer.compare.options import Options
from trainer.compare.plot import TOGETHER
from trainer.compare.styles import Style, styles
from trainer.experiment import GROUPS

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plot`")


def write_curves(root: Path, values: list[float], metric: str = "valid/accuracy", **words: Any) -> None:
    for seed in (0, 1):
        run = write_run(root, seed, values[-1], **words, summary={metric: values[-1]})
        lines = [json.dumps({"epoch": epoch, metric: value + seed / 100}) for epoch, value in enumerate(values)]
        (run / "metrics.jsonl").write_text("\n".join(lines))


def drawn(root: Path, *options: str) -> str:
    picture = root / "picture.svg"
    assert main([str(root / "runs"), "--plot", str(picture), *options]) == 0
    return picture.read_text()


def texts(svg: str) -> list[str]:
    return [text.strip() for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def looks(root: Path) -> dict[str, Style]:
    (table,) = compare([root], Options()).tables
    found = [str(row.settings["optimizer"]) for row in table.rows]
    return dict(zip(found, styles(table.rows), strict=True))


@pytest.mark.parametrize("options", [[], ["--tune", "optimizer.lr"], ["--metric", "test/accuracy"]])
@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_each_kind_of_file(tmp_path: Path, options: list[str], suffix: str, start: bytes, capsys: Any) -> None:
    for lr in (0.01, 0.1):
        write_curves(tmp_path / "runs", [0.7, 0.8, 0.9], optimizer=sgd(lr))
        write_run(tmp_path / "runs", 5, 0.9, optimizer=sgd(lr), summary={"test/accuracy": 0.8})
    write_run(tmp_path / "runs", 0, optimizer=sgd(1.0), status="diverged")
    picture = tmp_path / f"picture.{suffix}"
    assert main([str(tmp_path / "runs"), "--plot", str(picture), *options]) == 0
    assert picture.read_bytes().startswith(start) and picture.stat().st_size > 5000
    assert capsys.readouterr().out.endswith(f"written to {picture}\n")


def test_a_word_looks_the_same_whatever_stands_beside_it(tmp_path: Path) -> None:
    for folder, others in (("few", ["sgd"]), ("many", ["sgd", "momentum", "rmsprop", "nesterov"])):
        for word in (*others, "adam"):
            write_run(tmp_path / folder, 0, optimizer={"name": word, "lr": 0.1})
    few, many = looks(tmp_path / "few"), looks(tmp_path / "many")
    assert few["adam"] == many["adam"] and few["sgd"] == many["sgd"]
    assert len({style.colour for style in many.values()}) == len({style.marker for style in many.values()}) == 5


def test_no_two_words_of_a_group_look_alike() -> None:
    from trainer.compare.styles import COLOURS, MARKERS

    assert max(len(words) for words in GROUPS.values()) <= len(COLOURS) == len(MARKERS)


def test_rates_of_one_word_have_dashes_of_their_own(tmp_path: Path) -> None:
    for word in ("sgd", "adam"):
        for lr in (0.1, 0.2, 0.3):
            write_run(tmp_path, 0, optimizer={"name": word, "lr": lr})
    (table,) = compare([tmp_path], Options()).tables
    assert len(set(styles(table.rows))) == 6


def test_text_is_text_and_the_baseline_is_named(tmp_path: Path) -> None:
    write_curves(tmp_path / "runs", [0.7, 0.9], optimizer=sgd())
    write_curves(tmp_path / "runs", [0.7, 0.95], optimizer=momentum())
    shown = texts(drawn(tmp_path))
    assert "optimizer=sgd, baseline, n = 2" in shown and "optimizer=momentum, n = 2" in shown
    assert "difference from the baseline, 95 %" in shown


def test_differences_show_the_interval_that_was_tested(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for share, word in ((0.8, sgd()), (0.9, momentum())):
        write_hit_runs(tmp_path / "runs", rng.random((4, 500)) < share, optimizer=word)
    (table,) = compare([tmp_path / "runs"], Options()).tables
    import matplotlib.figure

    from trainer.compare import panels

    axes = matplotlib.figure.Figure().subplots()
    panels.draw_differences(axes, table, styles(table.rows), Options())
    judged = next(row.judgement for row in table.rows if row.judgement)
    ends = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert [100 * judged.crossed.low, 100 * judged.crossed.high] in ends
    margin = next(iter(axes.patches)).get_width()
    assert margin == pytest.approx(2 * 100 * judged.margin)


def test_bands_stay_where_accuracies_can_be(tmp_path: Path) -> None:
    import matplotlib.figure

    from trainer.compare import panels
    from trainer.compare.curves import Point

    axes = matplotlib.figure.Figure().subplots()
    points = [Point(1, 0.5, -0.4, 1.4), Point(2, 0.6, -0.3, 1.5)]
    panels.draw_line(axes, points, Style("k", "o", "-"), Options())
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0, 100)


@pytest.mark.parametrize(("metric", "scale"), [("valid/loss", "log"), ("valid/accuracy", "linear")])
def test_losses_over_decades_have_a_logarithmic_axis(metric: str, scale: str) -> None:
    import matplotlib.figure

    from trainer.compare import panels
    from trainer.compare.curves import Point

    axes = matplotlib.figure.Figure().subplots()
    panels.scale_values(axes, [[Point(1, 0.9, 0.9, 0.9), Point(2, 0.01, 0.01, 0.01)]], Options(metric))
    assert axes.get_yscale() == scale


def test_a_crowd_has_a_small_panel_a_row_and_diverged_rows_say_so(tmp_path: Path) -> None:
    rates = [0.1 * 2**i for i in range(TOGETHER)]
    for i, lr in enumerate(rates):
        write_curves(tmp_path / "runs", [0.7, 0.8 + i / 100], optimizer=sgd(lr))
    for seed in (0, 1):
        write_run(tmp_path / "runs", seed, None, optimizer=sgd(99.0), status="diverged")
    shown = texts(drawn(tmp_path))
    assert all(f"optimizer.lr={lr:g}" in shown for lr in rates) and "all diverged" in shown
    assert "optimizer.lr=99, n = 0, 2 diverged" in shown
