"""Who may import whom, read from the source; and what importing costs, seen in a fresh process."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAINER = sorted((ROOT / "trainer").rglob("*.py"))


def test_the_walls_between_the_rooms_stand():
    """The contracts in pyproject.toml: who may import whom, no circles, Hydra and OmegaConf in the shell alone."""
    done = subprocess.run([sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_gradients_are_taken_in_one_place_and_autograd_in_none():
    for path in TRAINER:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("requires_grad_", "autograd"), path


@pytest.mark.parametrize(
    "module",
    [
        "trainer",
        "trainer.experiment",
        "trainer.data.loading",
        "trainer.records",
        "trainer.compare.command",
        "trainer.listing.command",
        "trainer.webpage.command",
        "trainer.study.running",
    ],
)
def test_this_is_imported_without_torch(module):
    heavy = "{'torch', 'torchvision', 'hydra', 'omegaconf', 'scipy', 'sklearn', 'tensorboard'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("[]\n", "")


def test_nobody_pays_for_an_engine_that_is_not_asked_for():
    heavy = "{'ray', 'trainer.sweep.slurm', 'trainer.sweep.ray_cluster', 'trainer.sweep.remote', 'trainer.sweep.unit'}"
    code = (
        "import sys, hydra_plugins.train_launcher.stack_launcher, trainer.sweep.sweep, trainer.sweep.worker\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    "module", ["trainer.experiment", "trainer.study", "trainer.study.starting", "trainer.report.planned"]
)
def test_this_is_imported_without_numpy_and_rich(module):
    """What a first line needs."""
    code = f"import sys, {module}; print({{'numpy', 'rich'}} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("set()\n", "")


def test_help_is_answered_without_numpy_and_rich():
    """Both were imported once, and nobody noticed: helpers for text lay in modules that need them for other things."""
    code = (
        "import sys\nfrom trainer.shell.main import run\nrun(['--help'])\n"
        "print({'numpy', 'rich'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == "set()\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux lists a process's threads")
def test_what_trains_nothing_starts_no_threads():
    """Those of NumPy's linear algebra spin from their first moment: a fifth of the CPU time of a small `compare`."""
    code = (
        "import os, sys\nfrom trainer.shell.main import run\nrun(['compare', 'nowhere'])\n"
        "print('numpy' in sys.modules, len(os.listdir('/proc/self/task')))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stdout == "True 1\n"


def test_a_checked_experiment_is_made_without_torch():
    code = (
        "import sys\nfrom trainer import Experiment\n"
        "e = Experiment(optimizer='adam', clip='agc', decay='cosine', normalization='batch', dropout='half')\n"
        "print(Experiment.from_dict(e.to_dict()) == e, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("True False\n", "")


def test_the_public_names_are_there():
    import trainer

    assert all(getattr(trainer, name) is not None for name in trainer.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = trainer.nonsense
