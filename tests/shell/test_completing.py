"""Tab completion: what is offered, how each shell is answered, and the three real shells."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli
from trainer.compare.arguments import parser as compare_parser
from trainer.experiment import GROUPS, SECTIONS
from trainer.listing.arguments import parser as runs_parser
from trainer.shell.completing import candidates
from trainer.shell.main import conf
from trainer.shell.option_values import OPTIONS
from trainer.shell.options import parse_options
from trainer.shell.shells import split
from trainer.shell.suggestions import OPTIONS as KNOWN
from trainer.shell.verbs import VERBS
from trainer.show.command import parser as show_parser
from trainer.webpage.command import parser as report_parser

ROOT = Path(__file__).parents[2]
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with two runs and a sweep of two cells."""
    monkeypatch.chdir(tmp_path)
    for run in ("plain", "sweep/lr=0.1,seed=0", "sweep/lr=0.1,seed=1", "two words"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "summary.json").write_text("{}")
    (tmp_path / "own.npz").write_text("")
    return tmp_path


def offered(line: str) -> list[str]:
    """The words that may stand at the end of a line of bash."""
    typed = split(line)
    return [each.word for each in candidates(typed.words[1:], typed.current, conf())]


# -- what is offered


def test_at_the_beginning_there_are_commands_and_keys():
    assert set(offered("train ")) >= {
        *VERBS,
        *(f"{group}=" for group in GROUPS),
        "experiment=",
        "epochs=",
        "seed=",
        "from=",
    }
    assert not any(word.startswith("-") for word in offered("train "))
    assert {word.partition(".")[0] for word in offered("train ") if "." in word} == set(SECTIONS)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("train optimizer=ada", "optimizer=adagrad optimizer=adam optimizer=adamw"),
        ("train dropo", "dropout= dropout."),
        ("train experiment=van", "experiment=vanishing"),
        ("train optimizer=adam optimizer.b", "optimizer.beta1= optimizer.beta2="),
        ("train clip.", "clip.threshold= clip.grad_threshold= clip.weight_threshold="),
        ("train -m optimizer=sgd,ada", "optimizer=sgd,adagrad optimizer=sgd,adam optimizer=sgd,adamw"),
        ("train -m optimizer=adam,ada", "optimizer=adam,adagrad optimizer=adam,adamw"),
        ("train epochs=3 epo", ""),
        ("train precision=", "precision=float32 precision=tf32 precision=bf16"),
        ("train dataset.standardize=", "dataset.standardize=true dataset.standardize=false"),
        ("train model.activation=t", "model.activation=tanh"),
        ("train batch_size=f", "batch_size=full"),
        ("train device=c", "device=cpu device=cuda"),
        ("train --cfg ", "job hydra all"),
        ("train --res", "--resolve"),
        ("train stu", "study"),
        ("train sho", "show"),
        ("train show --pl", "--plot"),
        ("train report.images=", "report.images=true report.images=false"),
        ("train name=x stu", ""),
        ("train from=", "from=runs/plain from=runs/sweep/ from=runs/two_words"),
        ("train dataset.path=own", "dataset.path=own.npz"),
        ("train resume ", "runs/plain runs/sweep/ runs/two_words"),
        ("train resume runs/sw", "runs/sweep/"),
        ("train resume runs/sweep/lr=0.1,seed=", "runs/sweep/lr=0.1,seed=0 runs/sweep/lr=0.1,seed=1"),
        ("train resume runs/plain ep", "epochs="),
        ("train resume runs/plain opt", ""),
        ("train checkpoint.keep=", "checkpoint.keep=true checkpoint.keep=false"),
        ("train report.images=t", "report.images=true"),
        ("train show runs/pl", "runs/plain"),
        ("train -q optimizer=mo", "optimizer=momentum"),
        ("train compare r", "runs/"),
        ("train compare runs/p", "runs/plain"),
        ("train compare --met", "--metric"),
        ("train compare --metric valid/a", "valid/accuracy"),
        ("train compare --tune optimizer.l", "optimizer.lr"),
        ("train compare --csv own", "own.npz"),
        ("train report runs/pl", "runs/plain"),
        ("train report runs -o own", "own.npz"),
        ("train runs --status com", "completed"),
        ("train runs optimizer=mom", "optimizer=momentum"),
        ("train help optimizer=mom", "optimizer=momentum"),
        ("train help clip.th", "clip.threshold"),
        ("train study --conf", "--config-dir"),
        ("train --config-dir ru", "runs/"),
    ],
)
def test_what_may_come_next_is_offered(line, words):
    assert [word.replace(" ", "_") for word in offered(line)] == words.split()


def test_choices_of_the_users_own_folder_are_offered(here):
    (here / "own/optimizer").mkdir(parents=True)
    (here / "own/optimizer/gentle.yaml").write_text("name: sgd\n")
    assert "optimizer=gentle" in offered("train --config-dir own optimizer=ge")
    assert "optimizer=gentle" in offered("train help --config-dir own optimizer=g")


def test_the_options_are_those_of_the_commands():
    def of(parser) -> set[str]:
        return {option for action in parser._actions for option in action.option_strings if option.startswith("--")}

    assert of(compare_parser()) | {"--quiet"} == set(OPTIONS["compare"])
    assert of(runs_parser()) == set(OPTIONS["runs"])
    assert of(show_parser()) == set(OPTIONS["show"])
    assert of(report_parser()) | {"-o"} == set(OPTIONS["report"])
    ours = {option for option in OPTIONS[""] if option.startswith("--")}
    assert ours == {option for option in KNOWN if option.startswith("--")} - {"--shell-completion"}
    assert of(parse_options([]).parser) | {"--help", "--version", "--quiet"} == ours
    assert set(OPTIONS) == {"", *VERBS}


# -- bash's line


@given(st.lists(st.text("ab =,'\"\\", max_size=6), max_size=4))
def test_a_quoted_line_has_the_words_that_bash_sees(words):
    import shlex

    line = split(f"{shlex.join(['train', *words])} ")
    assert (line.words, line.current) == (["train", *words], "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("train 'optimizer=m", (["train"], "optimizer=m", "'")),
        ('train "a b', (["train"], "a b", '"')),
        (r"train a\ b", (["train"], "a b", "")),
        ("train", ([], "train", "")),
        ("train ''", (["train"], "", "")),
    ],
)
def test_the_end_of_a_line_may_be_open(line, expected):
    found = split(line)
    assert (found.words, found.current, found.quote) == expected


def answer(monkeypatch, capsys, line: str, **environment: str) -> list[str]:
    for key, value in {"COMP_LINE": line, "TRAIN_BREAKS": BREAKS, "TRAIN_COMMAND": "train", **environment}.items():
        monkeypatch.setenv(key, value)
    assert cli.run(["-sc", "query=bash"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def test_bash_gets_what_belongs_behind_its_last_break(monkeypatch, capsys):
    assert answer(monkeypatch, capsys, "train optimizer=mo") == ["momentum "]
    assert answer(monkeypatch, capsys, "train optimizer=mo", TRAIN_BREAKS=" ") == ["optimizer=momentum "]
    assert answer(monkeypatch, capsys, "train 'optimizer=mo") == ["optimizer=momentum' "]
    assert answer(monkeypatch, capsys, "train epoc") == ["epochs="]
    assert answer(monkeypatch, capsys, "train resume runs/tw") == [r"runs/two\ words "]
    assert answer(monkeypatch, capsys, "TRAIN_DATA=x train drop") == ["dropout=", "dropout."]
    assert answer(monkeypatch, capsys, "train optimizer=mo clip=none", COMP_POINT="18") == ["momentum "]


@pytest.mark.parametrize(
    "line",
    [
        "train --config-dir nowhere optimizer=",
        "train resume ~nobody/",
        "train nonsense=",
        "train help x=",
        "train runs --limit ",
    ],
)
def test_what_can_not_be_completed_is_answered_with_nothing(line, monkeypatch, capsys):
    assert answer(monkeypatch, capsys, line) == []


@pytest.mark.parametrize("words", [["install=csh"], [], ["install=bash", "more"], ["query=tcsh"]])
def test_other_shells_are_named(words, capsys):
    assert cli.run(["-sc", *words]) == 2
    assert "for zsh and fish: type train -sc install=bash" in capsys.readouterr().err


# -- the real shells

COMMAND = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "-i"]}
INSTALL = {
    "bash": 'eval "$(train -sc install=bash)"',
    "zsh": 'eval "$(train -sc install=zsh)"',
    "fish": "train -sc install=fish | source",
}
PROGRAM = f"""#!/bin/sh
[ "$1" = -sc ] && exec env PYTHONPATH={ROOT} {sys.executable} -m trainer.shell.main "$@"
printf 'GOT'; for word; do printf '[%s]' "$word"; done; echo
"""


class Shell:
    """A shell on a terminal of its own, in which `train` says what it was given."""

    def __init__(self, name: str, folder: Path):
        program = folder / "bin" / "train"
        program.parent.mkdir()
        program.write_text(PROGRAM)
        program.chmod(0o755)
        env = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 100))
        self.process = subprocess.Popen(
            COMMAND[name], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=folder, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # fish wants to be the terminal's own
        )  # fmt: skip
        os.close(slave)
        self.screen = ""

    def install(self, name: str) -> None:
        self.type(f"{INSTALL[name]}; echo rea''dy\n", "ready")

    def type(self, keys: str, answer: str) -> str:
        """Press keys, and wait for a text; returns what the screen got since."""
        seen = len(self.screen)
        os.write(self.master, keys.encode())
        end = time.monotonic() + 60
        while answer not in self.screen[seen:] and time.monotonic() < end:
            if select.select([self.master], [], [], 1)[0]:
                self.screen += os.read(self.master, 65536).decode(errors="replace")
        assert answer in self.screen[seen:], self.screen
        return self.screen[seen:]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture(params=COMMAND)
def shell(request, here):
    if shutil.which(request.param) is None:
        pytest.skip(f"needs {request.param}")
    shell = Shell(request.param, here)
    try:
        shell.install(request.param)
        yield shell
    finally:
        shell.close()


def test_a_real_shell_completes_commands_choices_numbers_and_runs(shell):
    """Each line is completed and carried out; nothing else gets into it, and nothing is said beside it."""
    lines = {
        "train optimizer=mome\t": "GOT[optimizer=momentum]",
        "train expe\tvani\t": "GOT[experiment=vanishing]",
        "train -m optimizer=sgd,rms\t": "GOT[-m][optimizer=sgd,rmsprop]",
        "train clip=grad clip.thr\t2": "GOT[clip=grad][clip.threshold=2]",
        "train resu\truns/pla\t": "GOT[resume][runs/plain]",
        "train resume runs/swe\tlr=0.1,seed=1\t": "GOT[resume][runs/sweep/lr=0.1,seed=1]",
        "train comp\t--met\tvalid/a\t": "GOT[compare][--metric][valid/accuracy]",
        "train from=runs/pl\t": "GOT[from=runs/plain]",
        "train -q expe\tvani\t": "GOT[-q][experiment=vanishing]",
        "train nonsens\t": "GOT[nonsens]",
    }
    for keys, got in lines.items():
        shell.type(f"{keys}\n", got)
    assert "not found" not in shell.screen and "rror" not in shell.screen and "Traceback" not in shell.screen


def test_a_real_shell_quotes_a_directory_with_a_blank(shell):
    shell.type("train resume runs/tw\t\n", "GOT[resume][runs/two words]")
