"""Markdown and LaTeX: the same cells as on the terminal, nothing of which a document makes something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from compare_runs import momentum, sgd, write_group, write_run

from trainer.compare.command import main
from trainer.compare.comparison import compare
from trainer.compare.documents import latex, markdown, tex
from trainer.compare.methods import methods
from trainer.compare.options import Options


def write_example(root: Path) -> None:
    write_group(root, [0.9, 0.91, 0.92], optimizer=sgd())
    write_group(root, [0.93, 0.941, 0.95], optimizer=momentum())


def test_markdown_is_a_table_with_a_sentence_and_a_methods_paragraph(tmp_path: Path) -> None:
    write_example(tmp_path / "runs")
    assert main([str(tmp_path / "runs"), "--markdown", str(tmp_path / "t.md")]) == 0
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert lines[0].startswith("**valid/accuracy in % on mnist.** momentum is best: +3.03 points over sgd, real")
    head, rule, *body = [line for line in lines if line.startswith("|")]
    assert head == "| configuration | n | mean | sd | 95 % interval | best (seed) | against optimizer=sgd | p |"
    assert rule == "|---|---:|---:|---:|---:|---:|---|---:|" and len(body) == 2
    assert body[1] == "| optimizer=sgd | 3 | 91.0 | 1.0 | 88.5 to 93.5 | 92.0 (2) | baseline | - |"
    assert any(
        line.startswith("2 configurations were trained on mnist. Values are means of valid/accuracy") for line in lines
    )


def test_latex_has_a_booktabs_table_and_escapes(tmp_path: Path) -> None:
    write_example(tmp_path / "runs")
    assert main([str(tmp_path / "runs"), "--latex", str(tmp_path / "t.tex")]) == 0
    text = (tmp_path / "t.tex").read_text()
    assert r"\begin{tabular}{lrrrrrlr}" in text and text.count(r"\\") == 3
    assert r"optimizer=sgd & 3 & 91.0 & 1.0 & 88.5 to 93.5 & 92.0 (2) & baseline & - \\" in text
    assert r"95 \% interval" in text and "√" not in text


@pytest.mark.parametrize(
    ("text", "written"), [("a_b 5 %", r"a\_b 5 \%"), ("\\x{}", r"\textbackslash{}x\{\}"), ("<0.001", "$<$0.001")]
)
def test_what_latex_would_read_is_escaped(text: str, written: str) -> None:
    assert tex(text) == written


def test_strangers_words_stay_words(tmp_path: Path) -> None:
    write_run(tmp_path, 0, optimizer={"name": "a|b<script>\\input{x}", "lr": 0.1})
    write_run(tmp_path, 0, optimizer=sgd(), summary={"versions": 3})
    found = compare([tmp_path], Options())
    assert "<script>" not in markdown(found) and r"a\|b\<script\>" in markdown(found)
    assert not any(r"\input{x}" in line for line in latex(found).splitlines() if not line.startswith("% "))


def said(root: Path, **options: object) -> str:
    found = compare([root], Options(**options))  # type: ignore[arg-type]
    return methods(found.tables[0], found.options)


def test_methods_say_what_was_done_and_no_more(tmp_path: Path) -> None:
    write_example(tmp_path)
    plain = said(tmp_path)
    assert "over 3 seeds" in plain and "Student's paired t-test" in plain
    assert not any(word in plain for word in ("Holm", "diverged", "pruned", "chosen", "crossed", "PyTorch"))
    write_group(tmp_path, [0.9, 0.91, 0.93], optimizer=sgd(0.2))
    write_run(tmp_path, 3, status="diverged", optimizer=sgd(0.2))
    write_run(tmp_path, 4, status="failed", optimizer=sgd(0.2))
    more = said(tmp_path)
    assert "corrected for 2 comparisons by Holm's method" in more and "1 run diverged" in more and "1 run ended" in more
    assert "was chosen by the best mean valid/accuracy on the same seeds" in said(tmp_path, tune=("optimizer.lr",))
    assert "on other seeds than those" in said(tmp_path, tune=("optimizer.lr",), choose_seeds=(0,))
    assert "0 % right" in said(tmp_path, diverged="last")
