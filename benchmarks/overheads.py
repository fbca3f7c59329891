"""What everything around the updates costs: logging, start-up, --help, compare, a busy neighbour, sweeps. The real command."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from benchmarks.contest import Contestant, in_own_process, race
from benchmarks.machine import machine
from benchmarks.results import Figure, Report
from benchmarks.work import Work

HERE = Path(__file__).parent.parent
COMMAND = [sys.executable, str(HERE / "cli.py")]
SYNTHETIC = ["dataset=synthetic", "dataset.samples=60000", "optimizer=heavy_ball"]
HYDRA = "import hydra\n@hydra.main(version_base=None, config_path=None)\ndef main(cfg): pass\nmain()\n"
BUSY = "while True: pass"


def run(work: Work, rounds: int, quick: bool, tell: Callable[[str], None]) -> Report:
    report = Report("overheads-quick" if quick else "overheads", machine())
    with tempfile.TemporaryDirectory() as folder:
        for part in (help_texts, start_up, beside_the_updates, busy_neighbour, compare_300, sweep):
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
    stock.write_text(HYDRA, encoding="utf-8")
    return [
        Figure("train --help", seconds([*COMMAND, "--help"], folder, rounds), "s", 0.2, 0.1),
        Figure("a stock Hydra program's --help", seconds([sys.executable, str(stock), "--help"], folder, rounds), "s"),
        Figure("import torch", seconds([sys.executable, "-c", "import torch"], folder, rounds), "s"),
    ]


def start_up(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """All of a run but its updates (epochs=0: imports, data, network, directory, files), less `import torch`."""
    whole = seconds([*COMMAND, "dataset=synthetic", "epochs=0"], folder, rounds)
    bare = seconds([sys.executable, "-c", "import torch"], folder, rounds)
    return [
        Figure("from process start to a first update, and the end, beyond import torch", whole - bare, "s", 0.8, 0.4)
    ]


def beside_the_updates(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """What a run of 10 epochs does beside its updates, as shares of their time; into a pipe and on a terminal."""
    piped = [inside(folder, f"piped{i}", on_terminal=False) for i in range(rounds)]
    shown = [inside(folder, f"shown{i}", on_terminal=True) for i in range(rounds)]

    def share(runs: list[dict[str, float]], *names: str) -> float:
        return median(100 * sum(run[name] for name in names) / run["updates"] for run in runs)

    logs = "console", "files and TensorBoard"
    return [
        Figure(
            "logging (console, TensorBoard, files) into a pipe, share of training", share(piped, *logs), "%", 1.5, 1
        ),
        Figure(
            "logging (console, TensorBoard, files) on a terminal, share of training", share(shown, *logs), "%", 1.5, 1
        ),
        Figure("the live table alone, share of training", share(shown, "console"), "%"),
        Figure("checkpoints while training, share of training", share(piped, "checkpoints"), "%", 1),
        Figure("evaluation after each epoch and the test, share of training", share(piped, "evaluation"), "%"),
        Figure("the last checkpoint and the network", median(run["end"] for run in piped), "s"),
    ]


def inside(folder: Path, name: str, on_terminal: bool) -> dict[str, float]:
    """Seconds of each part of a run, see `benchmarks.inside`; the updates' are the run's own `train_seconds`."""
    words = [*SYNTHETIC, "dataset.validation=5000", "epochs=10", "checkpoint.seconds=1", f"name={name}"]
    command = [sys.executable, "-m", "benchmarks.inside", str(folder / f"{name}.json"), *words]
    environment = os.environ | {"PYTHONPATH": str(HERE), "TERM": "xterm-256color"}
    master, slave = pty.openpty()
    reader = threading.Thread(target=drain, args=(master,))
    reader.start()
    out = slave if on_terminal else subprocess.DEVNULL
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True, stdin=slave, stdout=out, stderr=out)
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
    summary = json.loads((folder / "runs" / name / "summary.json").read_text(encoding="utf-8"))
    spent = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return {"checkpoints": 0.0, **spent, "updates": summary["train_seconds"]}


def drain(terminal: int) -> None:
    """Read what is shown on a terminal until nobody shows anything."""
    with suppress(OSError):
        while os.read(terminal, 1 << 16):
            pass


def busy_neighbour(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """One run beside a process that keeps one core busy, against itself without."""
    us, quiet, busy = Contestant("train", "ours", epochs=4), [], []
    for _ in range(rounds):
        quiet += in_own_process(race, work, us, None)[0]
        with neighbour():
            busy += in_own_process(race, work, us, None)[0]
    return [Figure("one run beside a busy neighbour over itself alone", median(busy) / median(quiet), "×", 1.7, 1.5)]


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
    texts = {name: (folder / "runs" / "one" / name).read_text(encoding="utf-8") for name in names}
    for seed in range(300):
        run = root / f"seed={seed}"
        run.mkdir(parents=True)
        for name, text in texts.items():
            (run / name).write_text(
                text.replace("seed: 0", f"seed: {seed}").replace('"seed": 0', f'"seed": {seed}'), encoding="utf-8"
            )
    return [Figure("compare on 300 runs", seconds([*COMMAND, "compare", str(root)], folder, rounds), "s", 2.0)]


def sweep(work: Work, folder: Path, rounds: int) -> list[Figure]:
    """100 seeds of one epoch as a sweep, against one process a run and against Hydra's basic launcher, from 4 runs of each."""
    base, few = [*COMMAND, *SYNTHETIC, "dataset.validation=0", "epochs=1"], 4
    whole = seconds([*base, "-m", "name=hundred", "seed=range(100)"], folder)
    single = seconds(base, folder, few) * 100
    one = seconds([*base, "-m", "hydra/launcher=basic", "name=b1", "seed=0"], folder)
    five = seconds([*base, "-m", "hydra/launcher=basic", "name=b5", f"seed=range({few + 1})"], folder)
    basic = one + 99 * (five - one) / few
    return [
        Figure("sweep of 100 seeds", whole, "s"),
        Figure(
            "sweep of 100 seeds faster than one process a run (extrapolated from 4)", single / whole, "×", 16, 30, True
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
