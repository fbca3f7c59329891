"""The command itself: help without torch, runs and sweeps in their directories, nothing secret in any output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path

import composing
import pytest
import yaml
from composing import compose
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hypothesis import given
from hypothesis import strategies as st

import cli
import trainer
from trainer.errors import ConfigError
from trainer.experiment import GROUPS, SECTIONS, Experiment
from trainer.run.directories import LONGEST, cell_names, claim
from trainer.shell.cells import objective
from trainer.shell.composing import experiment_of
from trainer.shell.main import conf
from trainer.shell.study import question_of
from trainer.study import store

ROOT = Path(__file__).parents[2]
TINY = ["dataset=synthetic", "dataset.samples=600", "dataset.validation=100", "dataset.features=16"]
QUICK = [*TINY, "epochs=1"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines in a fresh interpreter that finds the checkout."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60)


def train(*words: str) -> int:
    """The real command; sweeps start worker processes."""
    return subprocess.run([sys.executable, str(ROOT / "cli.py"), *words], capture_output=True, timeout=120).returncode


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


# -- what is answered at once


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h", "optimizer=adam"],
        ["--version"],
        ["--cfg", "job"],
        ["--info", "defaults"],
        ["--hydra-help"],
        ["-sc", "install=bash"],
        ["-sc", "query=bash"],
        ["optimizer=momentm"],
        ["epochs=-1"],
        ["-m", "optimizer=sgd,adm"],
        ["compare", "--help"],
        ["runs"],
        ["runs", "--help"],
    ],
    ids=" ".join,
)
def test_torch_is_not_imported(words):
    code = f"import sys, cli; code = cli.run({words}); sys.exit(99 if 'torch' in sys.modules else code)"
    done = python(code, COMP_LINE="train optimizer=")
    assert done.returncode in (0, 2), done.stderr


FIRST = """
import io, os, sys, cli
class First(io.StringIO):
    def write(self, text):
        heavy = [name for name in ("torch", "numpy", "scipy", "rich") if name in sys.modules]
        print(*heavy, text, file=sys.__stdout__, flush=True)
        os._exit(0)
sys.stdout = First()
cli.run({words})
"""


@pytest.mark.parametrize(
    ("words", "plan"),
    [
        (["clip=grad"], "optimizer=sgd clip=grad on synthetic; mlp, hidden 128, relu; 1 epoch, batch 128, seed 0; in "),
        (["-m", "seed=1,2"], f"2 runs: {' '.join(QUICK)} name=mine seed=1,2; in "),
    ],
    ids=["a run", "a sweep"],
)
def test_the_plan_is_on_the_screen_before_libraries_are_imported(words, plan):
    said = python(FIRST.format(words=[*QUICK, "name=mine", *words])).stdout
    assert said == f"{plan}runs/mine\n"


def test_what_goes_on_is_on_the_screen_before_libraries_are_imported():
    assert train(*QUICK, "name=mine") == 0
    said = python(FIRST.format(words=["resume", "runs/mine", "epochs=2"])).stdout
    assert said.startswith("optimizer=sgd on synthetic; ")


def test_what_a_study_asks_is_on_the_screen_before_libraries_are_imported(tmp_path):
    words = ["study", *QUICK, "name=mine", "clip=grad", "seeds=3"]
    asks = "Does clip=grad help? 2 configurations.\n"
    assert python(FIRST.format(words=words)).stdout == asks
    (tmp_path / "begun").mkdir()
    store.write(tmp_path / "begun", question_of(words[1:], conf())[0])
    assert python(FIRST.format(words=["resume", "begun"])).stdout == asks


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["--optimizer", "momentum"]], ids=" ".join)
def test_hydra_is_not_imported(words):
    done = python(f"import sys, cli; cli.run({words}); sys.exit(99 if 'hydra' in sys.modules else 0)")
    assert done.returncode == 0, done.stderr


def test_help_lists_every_choice_with_its_line_and_marks_the_default(capsys):
    assert cli.run(["--help"]) == 0
    out = capsys.readouterr().out
    main = yaml.safe_load((conf() / "config.yaml").read_text(encoding="utf-8"))
    chosen = {key: word for entry in main["defaults"] if isinstance(entry, dict) for key, word in entry.items()}
    for group, words in GROUPS.items():
        for word in words:
            mark = re.escape("*") if chosen[group] == word else ""
            assert re.search(rf"^  {group}={word}{mark} +\S.*$", out, re.MULTILINE), word
    for key in set(main) - {"defaults", "hydra", *SECTIONS}:
        assert re.search(rf"^  {key}=\S+ +\S", out, re.MULTILINE), key
    assert len(re.findall(r"^  experiment=\w+ +\S", out, re.MULTILINE)) == len(list((conf() / "experiment").iterdir()))
    assert out.count("\n  train ") >= 9  # four commands, five examples


def test_the_examples_of_help_are_legal():
    """Each example of a run is composed and checked as the command would."""
    from trainer.shell.help import EXAMPLES
    from trainer.shell.suggestions import check_grammar

    for example in EXAMPLES:
        words = [word.strip("'") for word in example.split()[1:]]
        check_grammar(words)
        compose(composing.loader(), *(word for word in words if word != "-m"))


def test_version_is_ours_and_names_those_results_depend_on(capsys):
    assert cli.run(["--version"]) == 0
    python_version = ".".join(map(str, sys.version_info[:3]))
    packages = f"torch {metadata.version('torch')}, Hydra {metadata.version('hydra-core')}, Python {python_version}"
    assert capsys.readouterr().out == f"train {trainer.__version__} ({packages})\n"


def test_cfg_shows_the_configuration_and_writes_nothing(elsewhere, capsys):
    assert cli.run(["--cfg", "job", "optimizer=adam", "clip=grad"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert Experiment.from_dict({**shown, "dataset": "mnist"}) == Experiment(optimizer="adam", clip="grad")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_has_a_script_for_each_shell(shell, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train"])
    assert cli.run(["-sc", f"install={shell}"]) == 0
    assert "-sc query=" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("train optimizer=mo", "optimizer=momentum"),
        ("train dropo", "dropout="),
        ("train experiment=van", "experiment=vanishing"),
    ],
)
def test_completion_knows_the_choices(line, expected, capsys, monkeypatch):
    monkeypatch.setenv("COMP_LINE", line)
    assert cli.run(["-sc", "query=bash"]) == 0
    assert expected in capsys.readouterr().out.split()


# -- a run


def test_a_run_has_a_directory_with_its_configuration_and_hydras(elsewhere):
    assert cli.run([*QUICK, "name=mine", "optimizer=adam", "seed=7"]) == 0
    run = elsewhere / "runs" / "mine"
    assert {"config.yaml", "summary.json", ".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml"} <= files(
        run
    )
    config = Experiment.from_dict(yaml.safe_load((run / "config.yaml").read_text()))
    assert (config.optimizer.name, config.seed, config.name) == ("adam", 7, "mine")
    overrides = yaml.safe_load((run / ".hydra" / "overrides.yaml").read_text())
    assert overrides == [*QUICK, "name=mine", "optimizer=adam", "seed=7"]
    assert json.loads((run / "summary.json").read_text())["overrides"] == overrides
    assert Path.cwd() == elsewhere


def test_a_second_run_of_the_same_name_gets_its_own_directory(elsewhere):
    assert [cli.run([*QUICK, "name=mine"]) for _ in range(2)] == [0, 0]
    assert {path.name for path in (elsewhere / "runs").iterdir()} == {"mine", "mine-2"}


def test_without_a_name_it_is_date_and_time(elsewhere):
    assert cli.run([*TINY, "epochs=0"]) == 0
    (run,) = (elsewhere / "runs").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", run.name)


def test_hydras_own_settings_are_honoured(elsewhere):
    assert cli.run([*QUICK, "hydra.run.dir=deep/down/here", "hydra.output_subdir=null"]) == 0
    assert "summary.json" in files(elsewhere / "deep" / "down" / "here")
    assert not (elsewhere / "deep" / "down" / "here" / ".hydra").exists()


def test_choices_of_the_users_own_folder_are_found(elsewhere, capsys):
    (elsewhere / "own" / "optimizer").mkdir(parents=True)
    (elsewhere / "own" / "optimizer" / "gentle.yaml").write_text("name: sgd\nlr: 0.001\n")
    assert cli.run(["--config-dir", "own", "--cfg", "job", "optimizer=gentle"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["optimizer"] == {"name": "sgd", "lr": 0.001}


# -- secrets


def test_environment_variables_are_in_no_output(elsewhere, capsys, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    words = ["name=${oc.env:SECRET}", "dataset.root=${oc.env:SECRET}", "hydra.job.env_copy=[SECRET]"]
    for word in [*words, "name=${${oc.decode:oc}.env:SECRET}"]:  # the last: no plain text betrays it
        assert cli.run([word]) == 2
        assert cli.run(["-m", word, "seed=1,2"]) == 2
    assert cli.run([*QUICK, "hydra.run.dir=runs/${oc.env:SECRET}"]) == 2
    assert cli.run(["-m", *QUICK, "hydra.sweep.dir=runs/${oc.env:SECRET}"]) == 2
    assert cli.run(["--cfg", "job", "--resolve", "name=${oc.env:SECRET}"]) == 2
    assert list(elsewhere.iterdir()) == []
    assert cli.run([*QUICK, "name=plain"]) == 0
    assert "hunter2" not in "".join(capsys.readouterr())
    for file in files(elsewhere):
        assert b"hunter2" not in (elsewhere / file).read_bytes()


def test_train_data_is_the_one_variable_that_may_be_read(capsys, monkeypatch):
    monkeypatch.setenv("TRAIN_DATA", "/somewhere")
    assert cli.run(["--cfg", "job", "--resolve", "-p", "dataset"]) == 0
    assert "root: /somewhere" in capsys.readouterr().out


# -- directories


def _claim(root: Path) -> str:
    return claim(root, "same").name


def test_eight_processes_at_once_get_eight_directories(tmp_path):
    with ProcessPoolExecutor(8) as pool:
        names = list(pool.map(_claim, [tmp_path / "runs"] * 40, chunksize=1))
    assert sorted(names) == sorted({"same", *(f"same-{i}" for i in range(2, 41))})


def test_a_long_name_that_is_taken_stays_short_enough(tmp_path):
    assert [len(claim(tmp_path, "n" * LONGEST).name) for _ in range(3)] == [LONGEST] * 3


@pytest.mark.parametrize("name", ["../up", "a/b", "..", ".hidden", "-f", "a b", "ü", "n" * 101, "a\nb", "$HOME", "a;b"])
def test_no_name_leaves_its_folder_or_needs_quotes(name, tmp_path):
    with pytest.raises(ConfigError, match="can't name a directory"):
        claim(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


# -- the cells of a sweep


def test_cells_are_named_by_what_differs():
    cells = [["epochs=3", f"optimizer={o}", f"seed={s}", "name=x"] for o in ("sgd", "adam") for s in (0, 1)]
    assert cell_names(cells) == [
        "optimizer=sgd,seed=0",
        "optimizer=sgd,seed=1",
        "optimizer=adam,seed=0",
        "optimizer=adam,seed=1",
    ]
    assert cell_names([["model.hidden=[128,64]"], ["model.hidden=[]"]]) == ["model.hidden=128-64", "model.hidden="]
    assert cell_names([["epochs=3", "seed=4"]], ["epochs=3", "seed=4,"]) == ["seed=4"]
    assert cell_names([["epochs=3"]], ["epochs=3"]) == ["run"]


@given(st.lists(st.lists(st.text(max_size=60).map("key={}".format), max_size=5), max_size=5, unique_by=tuple))
def test_names_of_cells_are_unique_safe_and_short(cells):
    names = cell_names(cells)
    assert len(set(names)) == len(names) == len(cells)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.=,+-]{0,99}", name) for name in names)


CELLS = [
    ["optimizer=adam", "seed=1"],
    ["seed=2", "optimizer=sgd", "optimizer.lr=0.3"],
    ["experiment=vanishing", "normalization=batch", "model.hidden=[3,4]"],
    ["++seed=4"],
    ["dataset=synthetic", "name=x", "checkpoint.seconds=null", "hydra.job.name=y"],
    ["optimizer=adam", "dataset.split_seed=${seed}", "seed=3"],
    ["name=${hydra.job.name}", "seed=3"],
]


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_the_quick_composition_of_a_cell_is_hydras_own(cell):
    master = ["clip=grad", "hydra.sweep.dir=x"]
    ours, hydras = composing.loader(), composing.loader(ConfigLoaderImpl)
    expected = hydras.load_sweep_config(compose(hydras, *master), cell)
    config = compose(ours, *master)
    for _ in range(2):  # composed, and then taken from memory
        own, whole = ours.cell(config, cell)
        assert experiment_of(own) == experiment_of(expected) and whole.hydra.launcher == expected.hydra.launcher
        assert set(own) - {"hydra"} == set(expected) - {"hydra"}


def test_the_objective_is_the_last_finite_validation_accuracy(tmp_path):
    rows = [{"valid/accuracy": 0.5}, {"valid/accuracy": 0.75}, {"valid/accuracy": None}, {"train/loss": 1}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert objective(tmp_path) == 0.75
    assert objective(tmp_path / "nowhere") != objective(tmp_path / "nowhere")  # NaN


def test_a_sweep_has_a_directory_a_cell_and_goes_on_under_its_name(elsewhere):
    sweep = ["-m", *QUICK, "name=s", "optimizer=sgd,adam", "seed=0,1", "hydra.launcher.workers=1"]
    assert train(*sweep) == 0
    found = elsewhere / "runs" / "s"
    for optimizer in ("sgd", "adam"):
        for seed in (0, 1):
            cell = found / f"optimizer={optimizer},seed={seed}"
            config = yaml.safe_load((cell / "config.yaml").read_text())
            assert (config["optimizer"]["name"], config["seed"]) == (optimizer, seed)
            assert "summary.json" in files(cell) and not (cell / ".hydra").exists()
    assert yaml.safe_load((found / "multirun.yaml").read_text())["hydra"]["mode"] == "MULTIRUN"
    written = (found / "optimizer=sgd,seed=0" / "model.pt").stat().st_mtime_ns
    assert train(*sweep) == 0
    assert (found / "optimizer=sgd,seed=0" / "model.pt").stat().st_mtime_ns == written
    assert {path.name for path in (elsewhere / "runs").iterdir()} == {"s"}


def test_a_recipe_that_is_a_sweep_needs_no_m(elsewhere):
    assert train(*TINY, "epochs=0", "experiment=optimizers", "optimizer=sgd", "name=s", "hydra.launcher.workers=1") == 0
    assert {path.name for path in (elsewhere / "runs" / "s").iterdir() if path.is_dir()} == {
        f"seed={i}" for i in range(5)
    }


def test_other_launchers_train_each_cell_alone_and_say_what(elsewhere, capsys):
    assert cli.run(["-m", *QUICK, "seed=0,1", "hydra/launcher=basic", "name=b"]) == 0
    runs = [elsewhere / "runs" / "b" / number for number in ("0", "1")]
    assert [json.loads((run / "summary.json").read_text())["seed"] for run in runs] == [0, 1]
    assert all(".hydra/hydra.yaml" in files(run) for run in runs)
    said = capsys.readouterr().out
    assert all(f"seed {seed}; in {run}\n" in said for seed, run in enumerate(runs))


def test_a_crashing_cell_is_reported_by_the_exit_code_and_stops_no_other(elsewhere):
    (elsewhere / "runs" / "s" / "seed=0" / "metrics.jsonl").mkdir(parents=True)  # where a file should go
    assert train("-m", *QUICK, "seed=0,1", "name=s", "hydra.launcher.workers=1") == 1
    statuses = [
        json.loads((elsewhere / "runs" / "s" / f"seed={i}" / "summary.json").read_text())["status"] for i in (0, 1)
    ]
    assert statuses == ["failed", "completed"]
