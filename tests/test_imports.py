"""Who may import whom, read from the source; and what importing costs, seen in a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAINER = sorted((ROOT / "trainer").rglob("*.py"))
TECHNIQUES = ["optimizers", "clipping", "decay", "normalization", "dropout"]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each module that a file imports, and whether the import happens at run time; those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((name, id(node) not in for_types) for name in (node.module or "", *names))


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name, _ in imports(path)}


def test_the_reader_sees_imports_in_functions_and_knows_those_for_types(tmp_path):
    file = tmp_path / "a.py"
    file.write_text(
        "def f():\n    import hydra.utils\nif TYPE_CHECKING:\n    from torch import Tensor\nfrom trainer import loop"
    )
    assert ("hydra.utils", True) in imports(file) and ("torch", False) in imports(file)
    assert ("trainer.loop", True) in imports(file) and ("torch", True) not in imports(file)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_imports_nothing_of_ours_and_no_torch_at_run_time(name):
    found = set(imports(ROOT / "trainer" / f"{name}.py"))
    assert not {module for module, _ in found if module.startswith(("trainer", "cli", "hydra_plugins"))}
    assert not {module for module, at_run_time in found if at_run_time and module.startswith("torch")}


@pytest.mark.parametrize("path", TRAINER, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_in_trainer_knows_hydra(path):
    assert not roots(path) & {"hydra", "omegaconf", "hydra_plugins", "cli"}


def test_reports_never_import_the_loop():
    """They read records; whoever makes them is no business of theirs."""
    reports = sorted((ROOT / "trainer" / "report").glob("*.py"))
    assert reports
    for path in reports:
        modules = {module for module, _ in imports(path)}
        assert not modules & {"trainer.loop", "trainer.step", "trainer.network", "trainer.run"}, path


def test_gradients_are_taken_in_one_place_and_autograd_in_none():
    for path in TRAINER:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("requires_grad_", "autograd"), path


@pytest.mark.parametrize(
    "module", ["trainer", "trainer.experiment", "trainer.data", "trainer.records", "trainer.compare"]
)
def test_this_is_imported_without_torch(module):
    heavy = "{'torch', 'torchvision', 'hydra', 'omegaconf', 'sklearn', 'tensorboard'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (run.stdout, run.stderr) == ("[]\n", "")


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
