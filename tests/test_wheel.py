"""The wheel, unpacked elsewhere and without the checkout, is the whole program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

import trainer

ROOT = Path(__file__).parents[1]

# Not find_spec("pip"): setuptools takes that as a sign that pip itself runs, and has torch 2.6 import the deprecated distutils.
pytestmark = pytest.mark.skipif(
    not (find_spec("hatchling") and list(metadata.distributions(name="pip"))),
    reason="needs pip and hatchling: pip install hatchling",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A read-only folder with what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("trainer", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(source),
    ]
    subprocess.run(build, check=True, capture_output=True, text=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    for path in (folder / "site").rglob("*"):
        path.chmod(path.stat().st_mode & ~0o222)
    return folder / "site"


def train(installed: Path, where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in an interpreter that sees the wheel and the dependencies, but no checkout installed in place."""
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    code = f"import sys; sys.path[:0] = {[str(installed), *dependencies]}; from trainer.shell.main import main; main()"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
        "PYTHONDONTWRITEBYTECODE": "1"
    }
    command = [sys.executable, "-S", "-c", code, *words]
    return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=120)


def test_it_holds_every_file_of_the_program_and_nothing_else(installed):
    """No module of a general name that could meet a user's own: `cli` and `conf` stay behind."""
    homes = {ROOT / "conf": "trainer/conf", ROOT / "trainer": "trainer", ROOT / "hydra_plugins": "hydra_plugins"}
    files = [(home, f.relative_to(folder)) for folder, home in homes.items() for f in folder.rglob("*") if f.is_file()]
    expected = {f"{home}/{file}" for home, file in files if file.suffix in (".py", ".yaml", ".typed")}
    found = {str(f.relative_to(installed)) for f in installed.rglob("*") if f.is_file() and ".dist-info" not in str(f)}
    assert found == expected


def test_it_installs_the_command(installed):
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    assert "train = trainer.shell.main:main" in entry.read_text()
    assert entry.parent.name == f"train_compare-{trainer.__version__}.dist-info"


def test_help_is_read_from_its_own_configuration(installed, tmp_path):
    done = train(installed, tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    assert f"{installed / 'trainer/conf'}/<group>" in done.stdout and "optimizer=momentum" in done.stdout


USER = """
from trainer import Experiment, Record, load_model, train
reveal_type(Experiment(optimizer="momentum", clip={"name": "grad"}, checkpoint={"epochs": 1}).optimizer)
reveal_type([record.metrics for record in train(Experiment())])
reveal_type(train(Experiment()))
Experiment(epochs="many")
Experiment(decay=0.1)
"""


@pytest.mark.skipif(not find_spec("mypy"), reason="needs mypy: pip install mypy")
def test_a_user_s_type_checker_knows_its_types(installed, tmp_path):
    """mypy believes an installed package that has py.typed alone, so the wheel lies in an environment of its own here."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (site,) = (tmp_path / "venv").rglob("site-packages")
    (site / "trainer").symlink_to(installed / "trainer")
    (tmp_path / "user.py").write_text(USER)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(tmp_path / "venv/bin/python")]
    done = subprocess.run([*command, "user.py"], cwd=tmp_path, capture_output=True, text=True)
    revealed = re.findall(r'user.py:(\d+): .*Revealed type is "(.*)"', done.stdout)
    assert [(number, re.sub(r"\b\w+\.", "", type)) for number, type in revealed] == [
        ("3", "Optimizer"), ("4", "list[dict[str, float]]"), ("5", "Iterator[Record]")
    ], done.stdout + done.stderr  # fmt: skip
    assert re.findall(r"user.py:(\d+): error", done.stdout) == ["6", "7"], done.stdout


def test_a_run_and_a_sweep_work_from_another_directory(installed, tmp_path):
    quick = ["epochs=0", "dataset=synthetic", "dataset.samples=600", "dataset.validation=100"]
    done = train(installed, tmp_path, *quick, "name=one")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "one" / "model.pt").exists()
    done = train(installed, tmp_path, "-m", *quick, "name=many", "seed=0,1", "hydra.launcher.workers=1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "many" / "seed=1" / "model.pt").exists()
