"""What earlier versions wrote is resumed, repeated and compared: a small run and sweep of each format lie in formats/."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from commands import rows, summary, train

from trainer.identity import FORMAT, READABLE, complete, differences, flatten
from trainer.run import checkpoint
from trainer.run.export import load_model

WORDS = (
    *("dataset=synthetic", "dataset.samples=80", "dataset.validation=20", "dataset.features=16", "model.hidden=[4]"),
    *("batch_size=20", "threads=1", "device=cpu", "epochs=2"),
)
RUN = (*WORDS, "optimizer=adam", "normalization=batch", "dropout=half", "decay=exponential", "clip=grad")
SWEEP = ("-m", *WORDS, "optimizer=sgd,momentum", "seed=0,1", "name=sweep")
FORMATS = sorted(Path(__file__).with_name("formats").iterdir())


@pytest.fixture(params=FORMATS, ids=lambda path: path.name)
def old(request, tmp_path) -> Path:
    """A folder whose runs/ are of an earlier format."""
    shutil.copytree(request.param, tmp_path / "runs")
    return tmp_path


def test_there_is_one_for_each_format_but_the_newest():
    assert [int(path.name) for path in FORMATS] == [number for number in READABLE if number != FORMAT]


def test_an_old_run_is_resumed_to_what_it_would_have_become(old):
    """Its last bits may be another processor's, but for the records before the checkpoint, which stay."""
    before = rows(old / "runs/run")
    assert train(old, "resume", "runs/run", "epochs=4").end() == 0
    assert rows(old / "runs/run")[:2] == [{k: x for k, x in row.items() if not k.startswith("test/")} for row in before]
    assert train(old / "new", *RUN, "epochs=4", "name=run").end() == 0
    new, resumed = (checkpoint.load(folder / "runs/run").state for folder in (old / "new", old))
    # where a gradient is next to nothing, adam turns another version's last bit into a step in the other direction
    torch.testing.assert_close(resumed.theta, new.theta, rtol=0, atol=2e-3)
    assert summary(old / "runs/run")["status"] == "completed" and summary(old / "runs/run")["format"] == FORMAT
    assert yaml.safe_load((old / "runs/run/config.yaml").read_text())["format"] == FORMAT
    assert load_model(old / "runs/run")(torch.zeros(1, 16)).shape == (1, 10)


def test_an_old_sweep_is_repeated_without_training_and_resumed(old):
    clocks = [summary(cell)["train_seconds"] for cell in sorted((old / "runs/sweep").glob("opt*"))]
    again = train(old, *SWEEP)
    assert again.end() == 0 and "4 complete and skipped, 0 to run" in again.out
    shutil.rmtree(old / "runs/sweep/optimizer=sgd,seed=1")
    resumed = train(old, "resume", "runs/sweep")
    assert resumed.end() == 0 and "3 complete and skipped, 1 to run" in resumed.out
    kept = [summary(cell)["train_seconds"] for cell in sorted((old / "runs/sweep").glob("opt*"))][:3]
    assert kept == clocks[:3]


def test_an_old_run_stands_in_the_row_of_a_new_one(old):
    assert train(old, *RUN, "seed=7", "name=new").end() == 0
    assert train(old, "compare", "runs/run", "runs/new", "--json", "table.json").end() == 0
    (table,) = json.loads((old / "table.json").read_text())["tables"]
    (row,) = table["groups"]
    assert row["n"] == 2


def test_a_missing_key_equals_its_default():
    config = yaml.safe_load((FORMATS[-1] / "run/config.yaml").read_text())
    short = {key: value for key, value in config.items() if key not in ("dropout", "target", "checkpoint")}
    short["clip"] = {"name": "grad"}
    assert complete(flatten(short))["clip.threshold"] == 1.0 and complete(flatten(short))["dropout"] == "none"
    assert differences(config, short) == {"dropout", "dropout.rate", "dropout.input_rate"}
    assert not differences(config, config | {"dropout": {"name": "half"}})


def test_an_unknown_format_is_named_with_what_to_do(old):
    path = old / "runs/run/checkpoint.pt"
    content = torch.load(path, weights_only=True)
    content.pop("version", None)
    torch.save(content | {"format": FORMAT + 1}, path)
    refused = train(old, "resume", "runs/run", "epochs=4")
    assert refused.end() == 2
    assert (
        f"has format {FORMAT + 1}, and this version of train reads 3 and 4: use the version that wrote it"
        in refused.err
    )
    sweep = old / "runs/sweep/sweep.json"
    sweep.write_text(json.dumps(json.loads(sweep.read_text()) | {"format": FORMAT + 1}))
    refused = train(old, "resume", "runs/sweep")
    assert refused.end() == 2 and f"its format is {FORMAT + 1}, and this version of train reads 3 and 4" in refused.err
