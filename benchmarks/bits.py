"""Do two versions of the code train to the same bits? Trains every technique on digits: alone, stacked, resumed.

`python -m benchmarks.bits FILE` writes a digest of each run's network and records, or compares with those it holds.
Compare on one machine with one version of torch: other processors and versions have other last bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import torch

from cli import run

BASE = ("dataset=digits", "dataset.validation=125", "epochs=2", "model.hidden=[24,16]", "batch_size=96", "device=cpu")
ALONE = {
    "hidden128": ("model.hidden=[128]", "batch_size=128"),
    "batch_gd": ("optimizer=batch_gd", "batch_size=full", "epochs=4"),
    "single": ("batch_size=1", "epochs=1", "dataset.limit=200", "optimizer.lr=0.01"),
    "inputs_dropped": ("dropout=half", "dropout.input_rate=0.2", "dropout.rate=0.3"),
    "gelu_he": ("model.activation=gelu", "model.init=he"),
    "tanh_xavier": ("model.activation=tanh", "model.init=xavier"),
    "sigmoid_normal": ("model.activation=sigmoid", "model.init=normal", "model.init_scale=0.3"),
    "bf16": ("precision=bf16", "normalization=batch"),
    "article": ("experiment=article", "optimizer.lr=0.1"),
    "warm": ("decay=cosine", "decay.warmup=5", "record_every=3"),
    "linear_model": ("model.hidden=[]", "clip=grad_value"),
    "decayed_weights": ("optimizer=adamw", "optimizer.weight_decay=0.1", "clip=agc", "dataset.standardize=true"),
    "synthetic": (
        "dataset=synthetic",
        "dataset.samples=600",
        "dataset.validation=500",
        "dataset.features=50",
        "dataset.classes=5",
    ),
}
SWEEPS = {
    "optimizers": ("optimizer=sgd,momentum,heavy_ball,nesterov,adagrad,rmsprop,adam,adamw", "clip=none,grad"),
    "clips": ("clip=grad_value,grad_article,agc,weight,weight_norm,weight_article,grad_weight", "seed=0,1"),
    "decays": ("decay=exponential,linear,step,cosine", "seed=0,1,2"),
    "norms": ("normalization=batch,batch_article,layer", "dropout=none,half", "seed=0,1"),
    "rates": ("optimizer.lr=0.01,0.1,0.5", "seed=range(4)", "optimizer=momentum"),
}


def command(*words: str) -> None:
    """One command of ours, quietly; of words with the same key the last, since the command refuses two."""
    latest = {word.partition("=")[0]: word for word in words}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as err:
        code = run(list(latest.values()))
    if code:
        sys.exit(f"{' '.join(words)} ended with {code}: {err.getvalue()}")


def digest(directory: Path) -> str:
    """Of a run's network and records; clocks are left out."""
    sha = hashlib.sha256()
    for name, tensor in sorted(torch.load(directory / "model.pt", weights_only=True).items()):
        sha.update(name.encode() + tensor.numpy().tobytes())
    for line in (directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        row = {key: value for key, value in json.loads(line).items() if key != "seconds"}
        sha.update(json.dumps(row, sort_keys=True).encode())
    return sha.hexdigest()[:16]


def digests(root: Path) -> dict[str, str]:
    """Train all of it below `root`."""
    os.chdir(root)
    for name, words in ALONE.items():
        command(*BASE, *words, f"name={name}")
    for name, words in SWEEPS.items():
        command("-m", *BASE, *words, f"name={name}")
    command(*BASE, "optimizer=adam", "normalization=batch", "dropout=half", "epochs=1", "name=resumed")
    command("resume", "runs/resumed", "epochs=3")
    command("-m", *BASE, "optimizer=nesterov", "clip=grad,weight", "epochs=1", "name=longer")
    command("resume", "runs/longer", "epochs=2")
    return {str(d.parent.relative_to("runs")): digest(d.parent) for d in sorted(Path("runs").rglob("model.pt"))}


def main() -> None:
    """Write the digests, or say which differ from those in the file."""
    path = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as root:
        found = digests(Path(root))
        os.chdir("/")
    if not path.exists():
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{len(found)} digests written to {path}")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(name for name in {*before, *found} if before.get(name) != found.get(name))
    print(f"{len(before) - len(differing)} of {len(before)} equal" + "".join(f"\n  differs: {d}" for d in differing))
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
