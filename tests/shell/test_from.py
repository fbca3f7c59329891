"""`from=RUN_DIR`: a run's configuration again, alone and in sweeps, with changes; and what else a user types that is a path."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import TINY, train

import cli
from trainer.experiment import Experiment
from trainer.run.resume import resumable
from trainer.shell.main import conf
from trainer.shell.options import parse_line, quote_home
from trainer.shell.resuming import parse_resume

CELL = "runs/first/optimizer=adam,seed=1"
OWN = {"seed": 7, "epochs": 3, "optimizer": {"name": "adam", "lr": 0.5}, "clip": {"name": "grad", "threshold": 0.25}}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRAIN_DATA", raising=False)
    return tmp_path


def write(directory: str, **keys: object) -> Path:
    """The configuration of a run, as it stands in its directory."""
    config = Experiment.from_dict({"dataset": {"name": "synthetic", "samples": 900}, **OWN, **keys}).to_dict()
    Path(directory).mkdir(parents=True)
    Path(directory, "config.yaml").write_text(yaml.safe_dump(config))
    return Path(directory)


def shown(capsys, *words: str) -> Experiment:
    """The experiment that a command line would train."""
    assert cli.run(["--cfg", "job", *words]) == 0, capsys.readouterr().err
    return Experiment.from_dict(yaml.safe_load(capsys.readouterr().out))


def test_it_is_the_same_experiment_under_no_name(capsys):
    write(CELL, name="old", threads=1, model={"name": "mlp", "hidden": [5, 6]}, decay="cosine", batch_size=32)
    again = shown(capsys, f"from={CELL}")
    then = Experiment.from_dict(
        {**yaml.safe_load(Path(CELL, "config.yaml").read_text()), "name": None, "threads": "auto"}
    )
    assert again == then


def test_single_keys_change_it_and_another_word_has_its_own_defaults(capsys):
    write(CELL)
    changed = shown(capsys, f"from={CELL}", "optimizer=momentum", "clip.threshold=2", "seed=8")
    assert (changed.optimizer, changed.clip, changed.seed) == (
        Experiment(optimizer="momentum").optimizer,
        Experiment(clip={"name": "grad", "threshold": 2.0}).clip,
        8,
    )
    assert shown(capsys, f"from={CELL}", "optimizer=adam").optimizer == Experiment(optimizer="adam").optimizer
    assert shown(capsys, f"from={CELL}", "optimizer.beta1=0.5").optimizer.lr == 0.5
    recipe = shown(capsys, f"from={CELL}", "experiment=vanishing")
    assert (len(recipe.model.hidden), recipe.optimizer.lr, recipe.epochs) == (5, 0.5, 3)


@pytest.mark.parametrize(
    ("own", "word", "batch"), [("sgd", "batch_gd", "full"), ("batch_gd", "sgd", 128), ("sgd", "adam", 128)]
)
def test_a_batch_size_that_nobody_chose_is_the_optimizers(own, word, batch, capsys):
    write(CELL, optimizer=own)
    assert shown(capsys, f"from={CELL}", f"optimizer={word}").batch_size == batch


def test_keys_of_later_versions_have_their_defaults(capsys):
    directory = write(CELL)
    (directory / "config.yaml").write_text(
        yaml.safe_dump({"seed": 4, "optimizer": {"name": "adam"}, "dataset": "digits"})
    )
    assert shown(capsys, f"from={CELL}") == Experiment(seed=4, optimizer="adam", dataset="digits")


@pytest.mark.parametrize("root", ["/a/${b}", "/a/\\${b}", "/${oc.env:HOME}", "/a\\\\${b", "/~/=,b"])
def test_a_text_of_the_run_is_never_a_reference(root, capsys):
    write(CELL, dataset={"name": "mnist", "root": root})
    assert cli.run(["--cfg", "job", "--resolve", "-p", "dataset.root", f"from={CELL}"]) == 0
    assert capsys.readouterr().out.strip().strip("'") == root


def test_a_run_and_a_sweep_of_it_are_trained(elsewhere):
    write(CELL, dataset={"name": "synthetic", "samples": 300, "validation": 60, "features": 48}, epochs=1)
    assert train(elsewhere, f"from={CELL}", "name=one").end() == 0
    one = yaml.safe_load((elsewhere / "runs/one/config.yaml").read_text())
    assert (one["optimizer"]["lr"], one["name"], one["seed"]) == (0.5, "one", 7)
    sweep = train(elsewhere, "-m", f"from={CELL}", "seed=3,4", "clip=grad,none", "name=two", "hydra.launcher.workers=1")
    assert sweep.end() == 0, sweep.err
    cells = {path.parent.name: yaml.safe_load(path.read_text()) for path in elsewhere.glob("runs/two/*/config.yaml")}
    assert set(cells) == {f"seed={seed},clip={clip}" for seed in (3, 4) for clip in ("grad", "none")}
    assert {(config["optimizer"]["lr"], config["epochs"]) for config in cells.values()} == {(0.5, 1)}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("optimizer: {name: adma}", "There is no optimizer=adma."),
        ("epoch: 3", "There is no key 'epoch'. Did you mean 'epochs'?"),
        ("[" * 100_000, "can't be read"),
        ("3", "can't be read"),
    ],
)
def test_a_strangers_configuration_is_answered(text, answer, capsys):
    Path("strange").mkdir()
    Path("strange/config.yaml").write_text(text)
    assert cli.run(["from=strange"]) == 2
    err = capsys.readouterr().err
    assert answer in err and err.count("\n") == 1
    assert not Path("runs").exists()


def test_what_can_be_chosen_is_what_could_be_chosen_without_it(capsys):
    write(CELL)
    answers = []
    for words in (["optimizer=form"], [f"from={CELL}", "optimizer=form"]):
        assert cli.run(words) == 2
        answers.append(capsys.readouterr().err)
    assert answers[0] == answers[1] and "Choose one of: sgd" in answers[0] and "from" not in answers[0], answers


def test_a_sweep_is_no_run(capsys):
    write(CELL)
    assert cli.run(["epochs=3", "from=runs/first"]) == 2
    expected = (
        f"from=runs/first is no run's directory, but holds runs: choose one of them. Type: train epochs=3 from={CELL}\n"
    )
    assert capsys.readouterr().err.endswith(expected)


# -- names and paths


@pytest.mark.parametrize("name", ["2024", "1e3", "true", "0x1F", "1_000", ".5e1", "inf", "nan"])
def test_a_name_that_looks_like_a_number_is_text(name, capsys):
    if not name.startswith("."):  # a directory is not hidden
        assert shown(capsys, f"name={name}").name == name
    assert shown(capsys, f"dataset.root={name}").dataset.root.endswith(f"{name}")
    assert cli.run(["--cfg", "hydra", "-p", "hydra.run.dir", f"hydra.run.dir={name}"]) == 0


def test_a_run_and_a_sweep_of_such_a_name(elsewhere):
    assert train(elsewhere, *TINY, "epochs=0", "name=2024").end() == 0
    assert train(elsewhere, "-m", *TINY, "epochs=0", "name=1e3", "seed=1,2", "hydra.launcher.workers=1").end() == 0
    assert {path.name for path in (elsewhere / "runs").iterdir()} == {"2024", "1e3"}


def test_the_home_directory_is_meant_by_a_tilde(elsewhere, monkeypatch):
    home = elsewhere / "ho me=,"
    (home / "own" / "experiment").mkdir(parents=True)
    (home / "own" / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 5\n")
    words = ("-cd", "~/own", "experiment=mine", *TINY, "epochs=0")
    assert train(elsewhere, *words, "hydra.run.dir=~/one", HOME=str(home)).end() == 0
    sweep = ("-m", *words, "seed=1,2", "hydra.sweep.dir=~/two", "hydra.launcher.workers=1")
    assert train(elsewhere, *sweep, HOME=str(home)).end() == 0
    assert train(elsewhere, "from=~/one", "name=three", HOME=str(home)).end() == 0
    assert (home / "one/summary.json").exists() and (home / "two/seed=1/summary.json").exists()
    assert yaml.safe_load((elsewhere / "runs/three/config.yaml").read_text())["seed"] == 5
    assert not list(elsewhere.glob("~*"))


def test_the_roots_of_data_too(elsewhere, monkeypatch, capsys):
    monkeypatch.setenv("HOME", "/home/me")
    assert cli.run(["dataset.root=~/a b", "dataset.fallback=null"]) == 2
    assert "/home/me/a b" in capsys.readouterr().err
    assert quote_home("dataset.root=~/a,~,b,/c/~/d,'~/e'") == "dataset.root='~/a','~',b,/c/~/d,'~/e'"


def test_words_are_only_those_of_from():
    line = parse_line(["-m", "from=a=b,c=1", "seed=1"])
    assert (line.base, line.overrides, line.multirun) == ("a=b,c=1", ["seed=1"], True)


# -- resume


@pytest.mark.parametrize("directory", ["epochs=2", "optimizer=adam,seed=0", "a b/seed=1,x=y", "plain"])
def test_any_directory_can_be_resumed(directory, elsewhere):
    (elsewhere / directory).mkdir(parents=True)
    for place in (directory, str(elsewhere / directory), f"{directory}/"):
        assert parse_resume([place, "epochs=4"]) == (Path(place), {"epochs": 4})
        assert parse_resume(["threads=auto", place]) == (Path(place), {"threads": "auto"})


def test_settings_of_resume_are_plain_values():
    words = [
        "checkpoint.seconds=1e1",
        "checkpoint.epochs=null",
        "dataset.root=2024",
        "device=cpu",
        "dataset.fallback=null",
    ]
    Path("x").mkdir()
    settings = {"checkpoint.seconds": 10.0, "checkpoint.epochs": None, "dataset.root": "2024", "device": "cpu"}
    assert parse_resume(["x", *words]) == (Path("x"), {**settings, "dataset.fallback": None})


def test_what_the_program_prints_can_be_typed(elsewhere):
    sweep = ("-m", *TINY, "epochs=1", "optimizer=sgd,adam", "seed=0,1", "name=first", "hydra.launcher.workers=1")
    assert train(elsewhere, *sweep).end() == 0
    cell = "runs/first/optimizer=adam,seed=0"
    resumed = train(elsewhere, "resume", cell, "epochs=2", "checkpoint.epochs=1")
    assert resumed.end() == 0, resumed.err
    assert f"train resume {cell} epochs=4" in resumed.out
    assert resumable(elsewhere / cell, {}) is None


def test_help_names_it(capsys):
    assert cli.run(["--help"]) == 0
    assert "train from=RUN_DIR" in capsys.readouterr().out
    assert (conf() / "config.yaml").exists()
