"""Kill and resume a run and a sweep at random moments (signals, and a terminal that is closed), N times in all, and compare the
end, bit for bit, with runs that nobody disturbed: `python -m benchmarks.soak 100 [--seed 0]`. Writes
benchmarks/results/<date>-soak.json; a second one of a day gets a number."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import torch

from benchmarks.started import CLOSED, ROOT, Started

RESULTS = Path(__file__).resolve().parent / "results"
CODES = {"SIGKILL": {-9}, "SIGTERM": {143, -15}, "SIGINT": {130, -2}, CLOSED: {143, -1}}
"""What may be answered to each end; before Python has set up its own handlers it is the system's answer."""

TINY = (
    *("dataset=synthetic", "dataset.samples=300", "dataset.validation=60", "dataset.features=48", "model.hidden=[8]"),
    *("batch_size=30", "device=cpu", "clip=grad", "dropout=half", "checkpoint.epochs=1"),
)
RUN = (*TINY, "threads=1", "optimizer=adam", "normalization=batch", "name=run")
SWEEP = ("-m", *TINY, "optimizer=adam,nesterov", "seed=range(3)", "name=sweep")


def soak(place: Path, words: tuple[str, ...], kills: int, draws: random.Random) -> Counter[str]:
    """Begin, kill, resume, kill, …, and after `kills` kills let it end. Counts the kills by what they met."""
    met: Counter[str] = Counter()
    name = words[-1].removeprefix("name=")
    directory = place / "runs" / name
    begun = directory / (
        "sweep.json" if "-m" in words else "config.yaml"
    )  # with it all can be gone on with, or begun anew
    while met.total() < kills:
        if not begun.exists():
            subprocess.run(["rm", "-rf", str(place / "runs")], check=True)
        process = Started(place, ("resume", f"runs/{name}") if begun.exists() else words)
        met[strike(process, directory, draws)] += 1
    code, errors = Started(place, ("resume", f"runs/{name}")).wait()
    if code != 0:
        raise SystemExit(f"The last resume ended with {code}: {errors}")
    return met


def strike(started: Started, directory: Path, draws: random.Random) -> str:
    """End it in one of the ways at a random moment, mostly while it trains; says which way met what."""
    way, old = draws.choice(list(CODES)), records(directory)
    if draws.random() < 0.8:
        deadline = time.monotonic() + 60
        while started.process.poll() is None and records(directory) == old and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(draws.uniform(0, 0.3))
    else:
        time.sleep(draws.uniform(0, 3))
    started.end(way)
    code, errors = started.wait(60)
    if code == 0:
        raise SystemExit("It was complete before the last kill: give it more --epochs.")
    check(directory, code, way, errors)
    return f"{way} {'while training' if records(directory) != old else 'before training'}"


def records(directory: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in directory.rglob("metrics.jsonl"))


def check(directory: Path, code: int, way: str, errors: str) -> None:
    """What a kill left: the right exit code, no traceback, and files that parse."""
    if code not in CODES[way] or (way != "SIGKILL" and "Traceback" in errors):
        raise SystemExit(f"{way} was answered with {code}: {errors}")
    for path in directory.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    for path in directory.rglob("*.pt"):
        torch.load(path, weights_only=True)


def compare(one: Path, two: Path) -> int:
    """How many runs there are, every one equal in both places; SystemExit names the first difference."""
    runs = [path.parent.relative_to(one) for path in sorted(one.rglob("checkpoint.pt"))]
    for run in runs:
        for name in ("checkpoint.pt", "best.pt", "model.pt"):
            pairs = [dict(leaves(torch.load(place / run / name, weights_only=True))) for place in (one, two)]
            if pairs[0].keys() != pairs[1].keys() or any(
                not torch.equal(x, pairs[1][key]) for key, x in pairs[0].items()
            ):
                raise SystemExit(f"{run}/{name} differs.")
        if rows(one / run) != rows(two / run):
            raise SystemExit(f"{run}/metrics.jsonl differs.")
    return len(runs)


def leaves(content: dict[str, Any], path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors and counts of a file; configuration and clock left out."""
    for key, value in content.items():
        if isinstance(value, dict) and key != "config":
            yield from leaves(value, f"{path}{key}.")
        elif isinstance(value, torch.Tensor | int):
            yield f"{path}{key}", torch.as_tensor(value)


def rows(directory: Path) -> list[dict[str, Any]]:
    lines = (directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: x for key, x in json.loads(line).items() if key != "seconds"} for line in lines]


def commit() -> str | None:
    """Of the program that was tried; None where it is no checkout."""
    call = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(call, capture_output=True, text=True).stdout.strip() or None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2500, help="of the run, so many that it outlasts the kills")
    options = parser.parse_args()
    draws, began = random.Random(options.seed), time.monotonic()
    result: dict[str, Any] = {
        "kills": options.kills,
        "seed": options.seed,
        "torch": torch.__version__,
        "commit": commit(),
    }
    half = options.kills // 2
    for kind, words, share, epochs in (("run", RUN, half, 1.0), ("sweep", SWEEP, options.kills - half, 0.4)):
        words = (*words[:-1], f"epochs={int(options.epochs * epochs)}", words[-1])
        with tempfile.TemporaryDirectory() as place:
            left, killed = Path(place) / "left", Path(place) / "killed"
            for directory in (left, killed):
                directory.mkdir()
            code, errors = Started(left, words).wait()
            if code != 0:
                raise SystemExit(f"The undisturbed {kind} ended with {code}: {errors}")
            met = soak(killed, words, share, draws)
            result[kind] = {"kills": dict(sorted(met.items())), "runs equal bit for bit": compare(left, killed)}
        print(kind, result[kind], flush=True)
    result["minutes"] = round((time.monotonic() - began) / 60, 1)
    RESULTS.mkdir(exist_ok=True)
    names = (f"{date.today()}-soak{number}.json" for number in ("", *(f"-{i}" for i in range(2, 100))))
    file = next(RESULTS / name for name in names if not (RESULTS / name).exists())
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{result['minutes']} minutes; {file}")


if __name__ == "__main__":
    main()
