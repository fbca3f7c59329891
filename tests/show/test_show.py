"""`train show`: real runs on pages of 60, 80 and 160 columns, in pipes and in ASCII, as sheets; and what is no run."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, TINY, train
from rich.console import Console

from trainer.errors import ConfigError
from trainer.show.chart import Axis, Look, chart
from trainer.show.command import main
from trainer.show.finding import MOST, find
from trainer.show.page import page, print_page
from trainer.show.panels import Curve, Level, Panel, panels_of_one, panels_of_several

DOTS, LETTERS, ASCII = Look(True, True), Look(False, True), Look(False, False)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where a clipped run with a schedule, a deep one that learns nothing, and a short sweep have been trained."""
    directory = tmp_path_factory.mktemp("show")
    words = ("epochs=6", "clip=grad", "clip.threshold=1.5", "decay=cosine", "record_every=5", "threads=1", "device=cpu")
    assert train(directory, "dataset=digits", *words, "name=clipped").end() == 0
    assert (
        train(
            directory, "experiment=vanishing", "dataset=digits", "epochs=3", "name=deep", "threads=1", "device=cpu"
        ).end()
        == 0
    )
    assert train(directory, "-m", *TINY, "epochs=2", "seed=0,1,2", "name=sweep").end() == 0
    return directory / "runs"


def text(directories: list[Path], width: int, look: Look) -> list[str]:
    return [line.plain for line in page(find(directories), width, look)]


# --- the page ---


@pytest.mark.parametrize("look", [DOTS, LETTERS, ASCII])
@pytest.mark.parametrize("width", [20, 60, 80, 160])
def test_charts_fit_every_width(place, width, look):
    panels = panels_of_one(find([place / "clipped"])[0].history)
    lines = [line for panel in panels for line in chart(panel, width, 8, look)]
    assert len(lines) > 60 and all(line.cell_len <= width for line in lines)
    if not look.unicode:
        assert all(line.plain.isascii() for line in lines)


@pytest.mark.parametrize("width, beside", [(60, 1), (80, 2), (160, 3)])
def test_charts_stand_beside_each_other_where_there_is_room(place, width, beside):
    lines = text([place / "clipped"], width, LETTERS)
    titles = ("loss", "accuracy in %", "gradient norm, log scale")
    row = next(line for line in lines if line.startswith("loss"))
    assert [title in row for title in titles] == [n < beside for n in range(3)]
    drawn = [line for line in lines if re.search(r"[│└]", line)]
    assert max(map(len, drawn)) <= width


def test_a_page_has_all_that_was_recorded(place):
    lines = "\n".join(text([place / "clipped"], 80, LETTERS))
    for title in (
        "loss",
        "accuracy in %",
        "gradient norm",
        "size of an update",
        "learning rate",
        "clipped updates in %",
    ):
        assert title in lines
    last = json.loads((place / "clipped/metrics.jsonl").read_text().splitlines()[-1])
    assert f"to {last['grad_norm/linear1']:.3g}" in lines and f"to {100 * last['valid/accuracy']:.3g}" in lines
    assert "┄ clip threshold 1.5" in lines and "optimizer=sgd clip=grad decay=cosine" in lines
    assert "completed on digits after 60 updates, test accuracy" in lines


def test_a_page_says_what_it_means(place):
    lines = text([place / "deep"], 80, LETTERS)
    assert any(line.startswith("! Nothing was learned") for line in lines)
    assert any(line.startswith("! Gradients vanish: those of linear1 are 1/") for line in lines)
    assert "gradient norm, log scale" in "\n".join(lines)


def test_a_network_before_its_first_update_is_not_judged(tmp_path):
    assert train(tmp_path, *TINY, "epochs=0", "name=zero").end() == 0
    lines = text([tmp_path / "runs/zero"], 80, LETTERS)
    assert lines[-1] == "Not trained: no update was made." and any(line.startswith("b valid ") for line in lines)


def test_several_runs_are_one_curve_each(place):
    lines = "\n".join(text([place / "clipped", place / "deep"], 80, LETTERS))
    assert "a clipped " in lines and "b deep " in lines and "! deep: Gradients vanish" in lines
    assert "first layer / last layer" in lines and "clipped: Nothing unusual" in lines


def test_curves_keep_their_place_where_others_have_none(place):
    shown = find([place / "deep", place / "clipped"])
    panels = panels_of_several([(run.name, run.history) for run in shown])
    assert [(c.name, c.place) for c in panels[-1].curves] == [("clipped", 1)]  # deep clips nothing


def test_a_sweeps_directory_stands_for_its_runs(place):
    assert [run.name for run in find([place / "sweep"])] == ["seed=0", "seed=1", "seed=2"]


def test_a_single_record_is_told_in_numbers():
    panel = Panel("loss", [Curve("train", [(1, 0.5)])])
    assert [line.plain for line in chart(panel, 40, 8, LETTERS)] == ["loss", "a train 0.5"]


def test_what_never_changes_is_told_in_numbers():
    panel = Panel("learning rate", [Curve("lr", [(1, 0.2), (2, 0.2)])])
    assert [line.plain for line in chart(panel, 40, 8, LETTERS)] == ["learning rate", "a lr 0.2"]


def test_zeros_are_told_and_leave_a_gap_on_a_logarithmic_axis():
    panel = Panel("norm", [Curve("a", [(1, 0.1), (2, 0.2), (3, 0)]), Curve("dead", [(1, 0), (2, 0)], 1)], log=True)
    lines = [line.plain for line in chart(panel, 20, 3, ASCII)]
    assert (
        "a a 0.1 to 0" in lines
        and "b dead 0" in lines
        and lines[-1].endswith("2")
        and not any("b|" in line for line in lines)
    )


def test_a_drawing_dot_by_dot():
    panel = Panel("x", [Curve("up", [(0, 1), (4, 100)], 0), Curve("down", [(0, 100), (4, 1)], 1)], log=True)
    rows = [line.plain for line in chart(panel, 10, 5, ASCII)][3:]
    assert rows == [
        "100 |b   a",
        "    | b a ",
        "    |  b  ",
        "    | a b ",
        "  1 |a   b",
        "    +-----",
        "     0   4",
    ]


def test_a_level_is_drawn_behind_the_curves():
    panel = Panel("x", [Curve("a", [(0, 0), (4, 4)])], level=Level("top", 2))
    drawing = [line.plain for line in chart(panel, 8, 5, ASCII)]
    assert drawing[2] == "- top 2" and [line for line in drawing if "-" in line and "|" in line] == ["  |- a -"]


def test_braille_dots_are_where_they_should_be():
    panel = Panel("x", [Curve("a", [(0, 0), (1, 3)])])
    row = chart(panel, 4, 1, DOTS)[2].plain
    assert ord(row[-1]) - 0x2800 == 0x40 + 0x04 + 0x10 + 0x08  # from the lowest left dot to the highest right one


def test_a_logarithmic_axis():
    assert [Axis(0.01, 100, log=True).place(x) for x in (0.01, 1, 100)] == [0, 0.5, 1]


# --- where it is written ---


def test_a_pipe_gets_no_control_codes(place):
    shown = train(place.parent, "show", "runs/deep", "runs/clipped")
    assert shown.end() == 0 and "\x1b" not in shown.out and "! deep: Gradients vanish" in shown.out
    assert shown.err == ""


def test_a_terminal_has_colours_and_NO_COLOR_has_letters(place, monkeypatch):
    def printed(**keys) -> str:
        console = Console(file=io.StringIO(), force_terminal=True, width=80, **keys)
        print_page(find([place / "clipped"]), console)
        return console.file.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[36m" in printed() and "⠉" in printed()
    assert "\x1b[36m" not in printed(no_color=True) and "a train" in printed(no_color=True)


def test_neither_torch_nor_hydra_is_imported(place):
    code = f"import sys; from trainer.shell.main import run; run(['show', {str(place / 'deep')!r}]); " \
           "print(sorted({'torch', 'hydra', 'matplotlib', 'tensorboard'} & set(sys.modules)))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("suffix, magic", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_sheet_is_written(place, suffix, magic, tmp_path, capsys):
    file = tmp_path / f"sheet.{suffix}"
    assert main([str(place / "deep"), "--plot", str(file)]) == 0
    assert file.read_bytes().startswith(magic) and f"written to {file}" in capsys.readouterr().out
    if suffix == "svg":
        words = file.read_text()
        assert all(word in words for word in ("gradient norm", "linear6", "Gradients vanish", "learning rate"))


def test_a_sheet_of_several_runs_names_each_once(place, tmp_path):
    assert main([str(place / "sweep"), "--plot", str(tmp_path / "s.svg")]) == 0
    assert (tmp_path / "s.svg").read_text().count(">seed=1</text>") == 1


# --- what is no run ---


@pytest.mark.parametrize(
    "words, sentence",
    [
        ((), "Which run? Type train show RUN_DIR; train runs lists them."),
        (("nowhere",), "There is no directory nowhere; train show needs a run's, as below runs/."),
        (("file",), "file is a file; train show needs the directory of its run."),
        (("empty",), "empty holds no run: there is no config.yaml, neither in it nor one level below."),
        (("half",), "half is no whole run: it has no metrics.jsonl."),
        (("silent",), "silent has no records yet: the first comes at the end of an epoch."),
        (("broken",), "broken/summary.json can't be read: "),
        (("foreign",), "foreign/config.yaml can't be read: There is no optimizer=mine."),
        (("run", "--plot", "x.gif"), "x.gif should end in .png, .svg or .pdf"),
        (("run", "--plot", "no/where.png"), "no/where.png can't be written: No such file or directory."),
        (("run", "--pilot"), "unrecognized arguments: --pilot; did you mean --plot?"),
        (("run", "--plot", "a.png", "--plot", "b.png"), "--plot is given twice"),
        (
            ("many",),
            f"{MOST + 1} runs are too many to tell apart; choose up to {MOST}, for instance: train show many/0 many/1",
        ),
    ],
)
def test_a_mistake_is_answered_by_one_sentence(place, tmp_path, monkeypatch, words, sentence):
    write_directories(tmp_path, place / "clipped")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        main(list(words))
    assert sentence in str(error.value) and str(error.value).count(". ") <= 2


def write_directories(root: Path, run: Path) -> None:
    """Directories that are runs less and less."""
    files = {name: (run / name).read_bytes() for name in ("config.yaml", "summary.json", "metrics.jsonl")}
    changed = {
        "run": {},
        "half": {"metrics.jsonl": None},
        "silent": {"metrics.jsonl": b""},
        "broken": {"summary.json": b"{"},
        "foreign": {"config.yaml": files["config.yaml"].replace(b"name: sgd", b"name: mine")},
        **{f"many/{n}": {} for n in range(MOST + 1)},
    }
    for name, others in changed.items():
        (root / name).mkdir(parents=True)
        for file, content in (files | others).items():
            if content is not None:
                (root / name / file).write_bytes(content)
    (root / "empty").mkdir()
    (root / "file").touch()


def test_the_command_ends_with_2(tmp_path):
    shown = train(tmp_path, "show", "nowhere")
    assert (
        shown.end() == 2
        and shown.err == "train: There is no directory nowhere; train show needs a run's, as below runs/.\n"
    )


def test_a_strangers_run_can_hold_little_and_odd_things(place, tmp_path):
    write_directories(tmp_path, place / "clipped")
    row = '{"epoch": 1, "step": 1, "seconds": 0, "grad_norm/\\u001b[31mevil": 1, "train/loss": null, "lr": 1e999}'
    (tmp_path / "run/metrics.jsonl").write_text(row.replace("1e999", "Infinity") + "\n")
    (tmp_path / "run/summary.json").write_text('{"status": "\\u001b[2Jodd", "steps": null, "train_seconds": null}')
    lines = text([tmp_path / "run"], 80, LETTERS)
    assert "\x1b" not in "".join(lines) and any("?[31mevil" in line for line in lines)


def test_a_run_whose_process_is_gone_is_interrupted(place, tmp_path):
    write_directories(tmp_path, place / "clipped")
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    (tmp_path / "run/summary.json").write_text(json.dumps(summary | {"status": "running"}))
    assert any(line.startswith("interrupted on digits") for line in text([tmp_path / "run"], 80, LETTERS))
