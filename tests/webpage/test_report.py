"""`train report`: everything on one page, nothing loaded from elsewhere, and a stranger's text as text."""

from __future__ import annotations

import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import pytest
from commands import TINY, rows, train
from compare_runs import sgd, write_group, write_run

import cli
from trainer.compare.comparison import compare
from trainer.compare.fairness import flags
from trainer.compare.methods import methods
from trainer.compare.notes import notes
from trainer.compare.options import Options
from trainer.compare.overall import overall
from trainer.compare.typed import commands
from trainer.webpage import facts
from trainer.webpage.page import page

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Tags and their attributes, the text, and whether every tag is closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if self.open[-1:] != ["style"] else ""

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where a sweep has been trained and its page written."""
    folder = tmp_path_factory.mktemp("report")
    words = ("optimizer=sgd,adam", "stop=patience", "seed=range(3)", "epochs=20", "name=sweep")
    assert train(folder, "-m", *TINY, *words).end() == 0
    written = train(folder, "report", "runs/sweep", "-o", "sweep.html")
    assert written.end() == 0 and written.out == "written to sweep.html\n"
    return folder


def test_all_that_the_terminal_says_is_on_the_page(place):
    read = Reader((place / "sweep.html").read_text(encoding="utf-8"))
    options = Options()
    (table,) = compare([place / "runs/sweep"], options).tables
    said = [overall(table, options), methods(table, options), *notes(table, options), *flags(table, options)]
    for sentence in said:
        assert " ".join(sentence.split()) in read.words
    cells = (
        "optimizer=adam",
        "optimizer=sgd",
        "95 % interval",
        "parameters",
        "digest of the data",
        "processor",
        "The 6 runs",
    )
    assert all(cell in read.words for cell in cells)
    for run in facts.runs_of(table):
        assert run.directory.name in read.words


def test_it_loads_nothing_and_runs_nothing(place):
    text = (place / "sweep.html").read_text(encoding="utf-8")
    read = Reader(text)
    assert {tag for tag, _ in read.tags} & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "image",
        "a",
        "base",
        "form",
    } == set()
    for tag, attributes in read.tags:
        for name, value in attributes.items():
            outside = "://" in (value or "") and not name.startswith("xmlns")
            assert not outside and not name.startswith("on"), (tag, name, value)
            assert name not in ("src", "href", "xlink:href") or (value or "").startswith("#")
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    policy = next(a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_the_picture_is_inside_with_its_text_as_text(place):
    read = Reader((place / "sweep.html").read_text(encoding="utf-8"))
    assert [tag for tag, _ in read.tags].count("svg") == 1 and "valid/accuracy in %" in read.words
    assert "<?xml" not in (place / "sweep.html").read_text(encoding="utf-8")


def test_what_is_to_be_typed_trains_the_same_runs(place):
    (table,) = compare([place / "runs/sweep"], Options()).tables
    typed = commands(facts.runs_of(table))
    assert len(typed) == 2 and all(each.startswith("train -m ") for each in typed)
    for each in typed:
        again = train(place, *shlex.split(each)[1:], "name=again", "threads=1", "device=cpu")
        assert again.end() == 0, again.err
        for folder in (place / "runs/again").glob("*seed=*"):
            word = "adam" if "optimizer=adam" in each else "sgd"
            seed = folder.name.rpartition("=")[2]
            assert rows(folder) == rows(place / f"runs/sweep/optimizer={word},seed={seed}")
        for folder in (place / "runs").glob("again*"):
            folder.rename(place / f"done-{word}")


EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>&\"\x1b[31m"


def test_a_strangers_text_is_text(tmp_path):
    for seed in range(3):
        name = f"<script>alert({seed})<!-- -->"
        write_run(tmp_path / "<b onclick=1>", seed, 0.9, name=name, optimizer=sgd(), clip={"name": EVIL})
        write_run(
            tmp_path / "<b onclick=1>",
            seed,
            0.8,
            optimizer=sgd(),
            summary={"versions": {"torch": EVIL}, "device": EVIL},
        )
    text = page(compare([tmp_path], Options()))
    read = Reader(text)
    assert not {"script", "img", "b"} & {tag for tag, _ in read.tags}
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert "<script>alert('x')</script>" in read.text and "\x1b" not in text


def test_a_sweep_of_many_configurations_is_cut_where_nobody_reads_on(tmp_path, monkeypatch):
    monkeypatch.setattr("trainer.webpage.page.MANY", 2)
    monkeypatch.setattr("trainer.webpage.facts.MOST", 4)
    for rate in (0.1, 0.2, 0.3):
        write_group(tmp_path, [0.8, 0.9], optimizer=sgd(rate))
    read = Reader(page(compare([tmp_path], Options())))
    assert "1 more configurations are not listed." in read.words and "The 6 runs, the first 4" in read.words
    assert "The best of 3 learning rates is" in read.words


def test_one_run_and_runs_without_a_value_have_a_page(tmp_path):
    write_run(tmp_path / "one", 0, 0.9)
    assert "One configuration was trained" in Reader(page(compare([tmp_path / "one"], Options()))).words
    write_run(tmp_path / "none", 0, None, status="diverged")
    words = Reader(page(compare([tmp_path / "none"], Options()))).words
    assert "No picture: no run has a final value, so there is nothing to draw." in words


def test_the_way_to_a_target_and_runs_that_are_left_out(tmp_path):
    write_group(tmp_path, [0.8, 0.81, 0.83], target=0.7, optimizer={"name": "sgd", "lr": 0.1})
    write_run(tmp_path, 7, status="interrupted", optimizer={"name": "adam", "lr": 0.1})
    words = Reader(page(compare([tmp_path], Options()))).words
    assert "Cost of reaching valid/accuracy 0.7: median over all runs" in words and "0 of 3" in words
    assert "Not finished, so left out: 1 interrupted." in words


def test_effects_of_a_factorial_sweep(tmp_path):
    for clip in ("none", "grad"):
        for dropout in ("none", "half"):
            write_group(tmp_path, [0.8, 0.81, 0.83, 0.82], clip={"name": clip}, dropout={"name": dropout})
    words = Reader(page(compare([tmp_path], Options(effects=True)))).words
    assert "Effects" in words and "averaged over all else" in words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["runs"], "the following arguments are required: -o/--output. See train report --help."),
        (["runs", "-o", "x.txt"], "argument -o/--output: x.txt should end in .html or .htm. See train report --help."),
        (["nowhere", "-o", "x.html"], "nowhere does not exist; give directories that hold runs"),
        (["runs", "-o", "no/x.html"], "no/x.html can't be written: No such file or directory."),
        (["runs", "-o", "x.html", "--metrik", "loss"], "unrecognized arguments: --metrik"),
    ],
)
def test_a_mistake_has_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs", 0, 0.9)
    assert cli.run(["report", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith(f"train: {sentence}") and captured.err.count("\n") == 1
    assert not list(tmp_path.glob("*.html"))


def test_a_page_is_written_anew_like_every_file_that_is_asked_for(place):
    (place / "old.html").write_text("before")
    assert train(place, "report", "runs/sweep", "-o", "old.html", "-q").out == ""
    assert (place / "old.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
