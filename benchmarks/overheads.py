"""What everything around the updates costs: logging, start-up, --help, compare, a busy neighbour, sweeps. The real command."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.contest import Contestant, in_own_process, race
from benchmarks.machine import machine
from benchmarks.results import Figure, Report
from benchmarks.work import Work

HERE = Path(__file__).parent.parent
COMMAND = [sys.executable, str(HERE / "cli.py")]
SYNTHETIC = ["dataset=synthetic", "dataset.samples=60000", "dataset.validation=0", "optimizer=heavy_ball"]
HYDRA = "import hydra\n@hydra.main(version_base=None, config_path=None)\ndef main(cfg): pass\nmain()\n"
BUSY = "while True: pass"


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("overheads-quick" if quick else "overheads", machine())
    with tempfile.TemporaryDirectory() as folder:
        for part in (help_texts, start_up, logging, busy_neighbour, compare_300, sweep):
            tell(part.__name__.replace("_", " "))
            report.figures += part(work, Path(folder), 2 if quick else max(rounds, 3))
    report.notes.append("Medians; the commands are real processes, their imports in the page cache.")
    return report


def seconds(command: list[str], folder: Path, rounds: int = 1) -> float:
    """The median wall time of a command that must succeed."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return median(times)


def help_texts(work: Work, folder: Path, rounds: int) -> list[Figure]:
    stock = folder / "stock.py"
    stock.write_text(HYDRA)
    return [
        Figure("train --help", seconds([*COMMAND, "--help"], folder, rounds), "s", 0.8, 0.4),
        Figure("a stock Hydra program's --help", seconds([sys.executable, str(stock), "--help"], folder, rounds), "s"),
        Figure("import torch", seconds([sys.executable, "-c", "import torch"], folder, rounds), "s"),
    ]


def start_up(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """All of a run but its updates (epochs=0: imports, data, network, directory, files), less `import torch`."""
    whole = seconds([*COMMAND, "dataset=synthetic", "epochs=0"], folder, rounds)
    bare = seconds([sys.executable, "-c", "import torch"], folder, rounds)
    return [
        Figure("from process start to a first update, and the end, beyond import torch", whole - bare, "s", 1.0, 0.5)
    ]


def logging(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """The time between a run's first update and its end that is not training, as a share of the training."""
    shares = []
    for i in range(rounds):
        subprocess.run([*COMMAND, *SYNTHETIC, "epochs=5", f"name=log{i}"], cwd=folder, check=True, capture_output=True)
        summary = json.loads((folder / "runs" / f"log{i}" / "summary.json").read_text())
        shares.append((summary["wall_seconds"] - summary["train_seconds"]) / summary["train_seconds"] * 100)
    return [Figure("logging, test and last checkpoint, share of training", median(shares), "%", 3, 1)]


def busy_neighbour(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """One run beside a process that keeps one core busy, against itself without."""
    us, quiet, busy = Contestant("train", "ours", epochs=4), [], []
    for _ in range(rounds):
        quiet += in_own_process(race, work, us, None)[0]
        with neighbour():
            busy += in_own_process(race, work, us, None)[0]
    return [Figure("one run beside a busy neighbour over itself alone", median(busy) / median(quiet), "×", 2.2, 1.7)]


@contextmanager
def neighbour():
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def compare_300(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """`train compare` over 300 runs, copies of a real one with other seeds."""
    root = folder / "many"
    subprocess.run([*COMMAND, "dataset=digits", "epochs=3", "name=one"], cwd=folder, check=True, capture_output=True)
    names = ("config.yaml", "metrics.jsonl", "summary.json")
    texts = {name: (folder / "runs" / "one" / name).read_text() for name in names}
    for seed in range(300):
        run = root / f"seed={seed}"
        run.mkdir(parents=True)
        for name, text in texts.items():
            (run / name).write_text(text.replace("seed: 0", f"seed: {seed}").replace('"seed": 0', f'"seed": {seed}'))
    return [Figure("compare on 300 runs", seconds([*COMMAND, "compare", str(root)], folder, rounds), "s", 2.0)]


def sweep(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """100 seeds of one epoch as a sweep, against one process a run and against Hydra's basic launcher, from 4 runs of each."""
    base, few = [*COMMAND, *SYNTHETIC, "epochs=1"], 4
    whole = seconds([*base, "-m", "name=hundred", "seed=range(100)"], folder)
    single = seconds(base, folder, few) * 100
    one = seconds([*base, "-m", "hydra/launcher=basic", "name=b1", "seed=0"], folder)
    five = seconds([*base, "-m", "hydra/launcher=basic", "name=b5", f"seed=range({few + 1})"], folder)
    basic = one + 99 * (five - one) / few
    return [
        Figure("sweep of 100 seeds", whole, "s"),
        Figure(
            "sweep of 100 seeds faster than one process a run (extrapolated from 4)", single / whole, "×", 10, 20, True
        ),
        Figure(
            "sweep of 100 seeds faster than hydra/launcher=basic (extrapolated from 5)",
            basic / whole,
            "×",
            1.5,
            None,
            True,
        ),
    ]
