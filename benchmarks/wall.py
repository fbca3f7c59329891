"""What a user waits for, from Enter to the end of real processes: a run beside the peers, the first line, small runs, compare."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from benchmarks.machine import machine
from benchmarks.results import Figure, Report, Sheet
from benchmarks.work import Work

HERE = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "trainer.shell.main"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE)}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has been compiled
US = "train"
PEERS = {
    "plain tensor loop": "tensor_loop",
    "scikit-learn": "sklearn_mlp",
    "JAX, jit": "jax_scan",
    "Lightning, in memory": "lightning_memory",
}
TINY = (
    *("dataset=synthetic", "dataset.samples=200", "dataset.validation=40", "dataset.features=16"),
    *("model.hidden=[8]", "epochs=1"),
)
ALONE = """
import resource, sys
from trainer.shell.main import run
code, used = run(sys.argv[1:]), resource.getrusage(resource.RUSAGE_SELF)
print("CPU", used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(code)
"""
"""The command, which tells the CPU time of its own process, without its workers'."""


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("wall-quick" if quick else "wall", machine())
    rounds = 2 if quick else max(3, rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sheet, figures = ten_epochs(work, folder, rounds, tell, {} if quick else PEERS)
        report.sheets.append(sheet)
        report.figures += figures
        for part in (first_lines, short_runs, first_update, small_runs):
            tell(part.__name__.replace("_", " "))
            report.figures += part(work, folder, rounds, 300 if quick else 1000)
    report.notes.append(
        "Medians of whole processes, their imports and the data in the page cache; nothing of them is left out."
    )
    return report


def dataset(work: Work) -> tuple[str, ...]:
    """The data set of a command that trains on the work's images."""
    return ("dataset=mnist",) if work.name == "mnist" else ("dataset=synthetic", "dataset.samples=60000")


def timed(command: Sequence[str], folder: Path) -> float:
    """Seconds of a command that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    return time.perf_counter() - began


def ten_epochs(
    work: Work, folder: Path, rounds: int, tell: Callable[[str], None], peers: dict[str, str]
) -> tuple[Sheet, list[Figure]]:
    """Ten epochs, every contestant once a round; we hold out none to train on what the peers do, and test and save as always."""
    words = (*dataset(work), "dataset.validation=0", "optimizer=heavy_ball", f"optimizer.lr={work.lr}", "epochs=10")
    commands = {US: [*COMMAND, *words], **{name: _peer(module) for name, module in peers.items()}}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            tell(f"ten epochs, round {turn + 1} of {rounds}: {name}")
            seconds[name].append(timed(command, folder))
    typical = {name: median(times) for name, times in seconds.items()}
    rows = [
        [
            name,
            f"{typical[name]:.2f}",
            f"{min(seconds[name]):.2f} to {max(seconds[name]):.2f}",
            f"{typical[name] / typical[US]:.2f}",
        ]
        for name in sorted(typical, key=lambda name: typical[name])
    ]
    note = (
        f"Median and spread of {rounds} processes: imports, reading {work.name}, ten epochs of {work.updates} updates."
    )
    sheet = Sheet("From Enter to the end of ten epochs", ("who", "s", "spread", "/ us"), rows, note)
    best = min((typical[name] for name in peers), default=None)
    figures = [Figure("ten epochs, whole process", typical[US], "s")]
    ahead = (
        [Figure("ten epochs ahead of the best peer, whole processes", best / typical[US], "×", 1.2, 1.4, True)]
        if best
        else []
    )
    return sheet, figures + ahead


def _peer(module: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.whole", module, "10"]


def first_lines(work: Work, folder: Path, rounds: int, cells: int) -> list[Figure]:
    """How soon something is on the screen."""
    lines = {
        "a run": ("dataset=digits", "epochs=0"),
        "a sweep of 15": ("-m", "dataset=digits", "epochs=0", "optimizer=sgd,momentum,adam", "seed=range(5)"),
        "a study": ("study", "dataset=digits", "epochs=1", "clip=grad", "seeds=3"),
    }
    times = {name: median(_first_line(words, folder) for _ in range(rounds)) for name, words in lines.items()}
    return [Figure(f"first line of {name}", seconds, "s", 0.3, 0.1) for name, seconds in times.items()]


def _first_line(words: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        [*COMMAND, *words], cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline()
        seconds = time.perf_counter() - began
        process.communicate()
    return seconds


def short_runs(work: Work, folder: Path, rounds: int, cells: int) -> list[Figure]:
    whole = median(timed([*COMMAND, "dataset=digits", "epochs=1"], folder) for _ in range(rounds))
    torch = _import_torch(folder, rounds)
    return [Figure("import torch", torch, "s"), Figure("dataset=digits epochs=1", whole, "s", 3.0, torch + 0.5)]


def _import_torch(folder: Path, rounds: int) -> float:
    return median(timed([sys.executable, "-c", "import torch"], folder) for _ in range(rounds))


def first_update(work: Work, folder: Path, rounds: int, cells: int) -> list[Figure]:
    """Until config.yaml is written, which is just before the first update."""
    times = []
    for number in range(rounds):
        began = time.time()
        timed([*COMMAND, *dataset(work), "epochs=1", f"name=first{number}"], folder)
        times.append((folder / f"runs/first{number}/config.yaml").stat().st_mtime - began)
    beyond = median(times) - _import_torch(folder, rounds)
    return [Figure(f"from Enter to the first update on {work.name}, beyond import torch", beyond, "s", 0.8, 0.4)]


def small_runs(work: Work, folder: Path, rounds: int, cells: int) -> list[Figure]:
    """A sweep of tiny cells, all but their updates; then the comparison of five such sweeps."""
    words = ("-m", *TINY, f"seed=range({cells})", "name=tiny")
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *words], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    whole, parent = time.perf_counter() - began, float(done.stderr.rsplit("CPU", 1)[1])
    sweep = folder / "runs/tiny"
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    compared = median(_cpu_of_comparing(_copies(sweep, 5), folder) for _ in range(rounds))
    return [
        Figure(f"a sweep of {cells:,} tiny cells, all but training", whole - _updates(sweep) / workers, "s", 6.0, 3.0),
        Figure("its parent's CPU a cell", 1000 * parent / cells, "ms", 8.0, 4.0),
        Figure(f"compare of {5 * cells:,} directories, CPU", compared, "s", 1.5, 0.7),
    ]


def _updates(sweep: Path) -> float:
    """Seconds of updates in all stacks: the runs of one share a clock."""
    summaries = (json.loads(path.read_text(encoding="utf-8")) for path in sweep.glob("*/summary.json"))
    return sum({summary["clock"]["id"]: summary["train_seconds"] for summary in summaries}.values())


def _copies(sweep: Path, times: int) -> Path:
    """The sweep so many times over, each at another learning rate; made once."""
    root = sweep.parent.parent / "copies"
    for number in range(0 if root.exists() else times):
        shutil.copytree(sweep, root / str(number), ignore=shutil.ignore_patterns("*.pt", "events.*", "train.log"))
        for config in (root / str(number)).glob("*/config.yaml"):
            text = config.read_text(encoding="utf-8")
            config.write_text(text.replace("  lr: 0.2\n", f"  lr: 0.{number + 1}\n"), encoding="utf-8")
    return root


def _cpu_of_comparing(root: Path, folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    timed([*COMMAND, "compare", str(root)], folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
