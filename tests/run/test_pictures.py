"""Pictures of what was learned: right, in their places, and without any trace in the run's numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import TINY, rows, same_bits, summary, train
from subjects import experiment, narrow, tiny
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.report.learned import LEARNED, MISTAKES, Learned, read_learned, write_learned
from trainer.report.pictures import as_images, write_picture
from trainer.run.examine import examine
from trainer.run.export import load_model
from trainer.run.run_directory import PICTURE
from trainer.run.stack_run import Job, StackRun
from trainer.show.command import main as show

DATA = tiny()
WORDS = ("dataset=digits", "device=cpu", "threads=1", "epochs=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where the same run has been trained with pictures and without."""
    directory = tmp_path_factory.mktemp("pictures")
    for name, images in (("with", "true"), ("without", "false")):
        assert train(directory, *WORDS, f"name={name}", f"report.images={images}").end() == 0
    return directory / "runs"


def learned_of(directory: Path) -> Learned:
    learned = read_learned(directory)
    assert learned is not None
    return learned


def test_pictures_leave_no_trace_in_the_run(place):
    same_bits(place / "with", place / "without")
    new = {path.name for path in (place / "with").iterdir()} - {path.name for path in (place / "without").iterdir()}
    assert {name for name in new if "tfevents" not in name} == {LEARNED, PICTURE}
    assert (place / "with" / PICTURE).read_bytes().startswith(b"\x89PNG")


def test_the_confusion_matrix_counts_every_validation_image(place):
    learned = learned_of(place / "with")
    right = np.trace(learned.confusion) / learned.confusion.sum()
    assert learned.split == "valid" and learned.confusion.sum() == 300
    assert right == pytest.approx(summary(place / "with")["valid/accuracy"], abs=1e-9)


def test_the_worst_mistakes_are_mistakes_the_most_confident_first(place):
    learned, model = learned_of(place / "with"), load_model(place / "with")
    confidence, predicted = torch.softmax(model(torch.from_numpy(learned.images)), 1).max(1)
    assert len(learned.predicted) == MISTAKES and (learned.predicted != learned.true).all()
    assert predicted.tolist() == learned.predicted.tolist() and (np.diff(learned.confidence) <= 0).all()
    assert confidence.detach().numpy() == pytest.approx(learned.confidence, abs=1e-5)


def test_weights_and_histograms_are_those_of_the_network(place):
    learned, model = learned_of(place / "with"), load_model(place / "with")
    weight = model[1].weight.detach()
    longest = weight[weight.norm(dim=1).argmax()].numpy()
    assert np.array_equal(learned.weights[0], longest) and len(learned.weights) == 16
    counts, edges = learned.histograms["weights/linear1"]
    assert counts.sum() == weight.numel() and edges[0] == pytest.approx(weight.min().item())
    assert list(learned.histograms) == [f"{kind}/linear{n}" for n in (1, 2) for kind in ("weights", "gradients")]


def test_tensorboard_has_images_histograms_and_text(place):
    events = EventAccumulator(str(place / "with"), size_guidance={"images": 0, "histograms": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    assert tags["images"] == ["learned/confusion", "learned/mistakes", "learned/first weights"]
    assert set(tags["histograms"]) == set(learned_of(place / "with").histograms)
    image = events.Images("learned/confusion")[0]
    assert image.step == 20 and image.encoded_image_string.startswith(b"\x89PNG") and image.width > 500
    histogram = events.Histograms("weights/linear1")[0].histogram_value
    assert histogram.num == 784 * 128 and len(histogram.bucket) == len(histogram.bucket_limit)
    texts = {name: events.Tensors(name)[0].tensor_proto.string_val[0].decode() for name in ("configuration", "result")}
    assert "name: sgd" in texts["configuration"] and texts["result"].startswith("completed on digits after 20 updates")


def test_the_sheet_of_a_run_has_its_pictures(place, tmp_path):
    for name in ("with", "without"):
        assert show([str(place / name), "--plot", str(tmp_path / f"{name}.svg")]) == 0
    titles = ("Confusion matrix, 300 valid images", "Worst mistakes", "First layer", "Weights and gradients")
    assert all(title in (tmp_path / "with.svg").read_text() for title in titles)
    assert not any(title in (tmp_path / "without.svg").read_text() for title in titles)


def test_in_a_sweep_each_run_has_its_own_and_the_bits_are_the_same(tmp_path):
    for name, images in (("a", "true"), ("b", "false")):
        assert (
            train(tmp_path, "-m", *TINY, "epochs=2", "seed=0,1", f"name={name}", f"report.images={images}").end() == 0
        )
    for cell in ("seed=0", "seed=1"):
        same_bits(tmp_path / "runs/a" / cell, tmp_path / "runs/b" / cell)
        assert learned_of(tmp_path / "runs/a" / cell).images.shape[1] == 48
    assert not np.array_equal(
        learned_of(tmp_path / "runs/a/seed=0").weights, learned_of(tmp_path / "runs/a/seed=1").weights
    )
    assert "1 complete" not in train(tmp_path, "-m", *TINY, "epochs=2", "seed=0,1", "name=b", "report.images=true").out


def stack(root: Path, **keys) -> list[Path]:
    """A stack of two trained in directories; the second run makes no pictures."""
    jobs = []
    for seed, images in ((0, True), (1, False)):
        (root / str(seed)).mkdir()
        jobs.append(Job(experiment(seed=seed, report={"images": images}, **keys), root / str(seed)))

    class View:
        def tick(self, step, seconds): ...

        def record(self, record): ...

    StackRun(jobs, DATA).train(View(), lambda: None)
    return [job.directory for job in jobs]


@pytest.mark.parametrize(
    "keys",
    [{"normalization": "batch"}, {"normalization": "batch_article"}, {"normalization": "layer"}, {"dropout": "half"},
     {"model": narrow(hidden=[])}, {"model": narrow(hidden=[5, 4, 3])}],
    ids=str,
)  # fmt: skip
def test_every_kind_of_network_in_a_stack(tmp_path, keys):
    one, other = stack(tmp_path, **keys)
    learned = learned_of(one)
    assert learned.confusion.sum() == 40 and np.trace(learned.confusion) == round(40 * summary(one)["valid/accuracy"])
    assert read_learned(other) is None and not (other / PICTURE).exists()
    assert all(counts.sum() > 0 for counts, _ in learned.histograms.values())


def test_without_matplotlib_the_run_ends_well_and_says_so_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    one, _ = stack(tmp_path)
    assert summary(one)["status"] == "completed" and learned_of(one)
    assert not (one / PICTURE).exists()
    assert capsys.readouterr().err.count("report.images=true draws with matplotlib, which is not installed") == 1


def test_a_run_that_diverges_has_no_pictures(tmp_path):
    assert train(tmp_path, *TINY, "optimizer.lr=1e30", "name=d", "report.images=true").end() == 3
    assert not (tmp_path / "runs/d" / LEARNED).exists()


def test_pictures_of_a_shorter_run_are_gone_while_a_longer_one_trains(tmp_path):
    words = (*TINY, "name=r", "epochs=1")
    assert train(tmp_path, *words, "report.images=true").end() == 0
    assert train(tmp_path, "resume", "runs/r", "epochs=2", "report.images=false").end() == 0
    assert not (tmp_path / "runs/r" / LEARNED).exists() and len(rows(tmp_path / "runs/r")) == 2


def test_a_network_without_mistakes_and_images_of_any_length(tmp_path):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(50, 10)).eval()
    labels = module(DATA.valid.images[:, :50]).argmax(1)
    learned = examine(module, DATA.__class__(**(vars(DATA) | {"valid": DATA.valid._replace(labels=labels)})))
    assert len(learned.images) == 0 and np.trace(learned.confusion) == 40
    write_learned(tmp_path, learned)
    assert learned_of(tmp_path).images.shape == (0, 50)
    assert len(as_images(learned)) == 3


# --- files of strangers ---


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"format": None},
        {"images": np.zeros((3, 50))},
        {
            "images": np.zeros((1000, 50)),
            "predicted": np.zeros(1000),
            "true": np.zeros(1000),
            "confidence": np.zeros(1000),
        },
        {"confusion": np.zeros((3, 4))},
        {"confusion": np.array(["x"])},
        {"confusion": np.full((10, 10), "x")},
        {"confusion": np.zeros((10, 10))},
        {"weights": np.zeros(4)},
        {"weights": None},
        {"weights": np.zeros((16, 0)), "images": np.zeros((16, 0))},
        {"weights": np.zeros((0, 50))},
        {"confusion": np.zeros((0, 0))},
        {"histogram/x/counts": np.zeros(5)},
        {"histogram/x/counts": np.zeros(5), "histogram/x/edges": np.zeros(5)},
        {"confusion": np.array([[object()]])},
        {"weights": np.zeros((16, 1 << 20))},
    ],
    ids=lambda change: ",".join(change),
)
def test_what_does_not_fit_is_not_drawn(tmp_path, change):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(50, 10)).eval()
    write_learned(tmp_path, examine(module, DATA))
    with np.load(tmp_path / LEARNED) as content:
        arrays = {key: value for key, value in (dict(content) | change).items() if value is not None}
    np.savez_compressed(tmp_path / LEARNED, **arrays)
    assert read_learned(tmp_path) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e38])
def test_numbers_beyond_all_bounds_can_be_drawn(tmp_path, value):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(50, 10)).eval()
    write_learned(tmp_path, examine(module, DATA))
    with np.load(tmp_path / LEARNED) as content:
        arrays = {
            key: np.full_like(array, value) if array.dtype.kind == "f" else array for key, array in content.items()
        }
    np.savez_compressed(tmp_path / LEARNED, **arrays)
    write_picture(tmp_path / PICTURE, learned_of(tmp_path))
    assert (tmp_path / PICTURE).exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY"])
def test_what_is_no_archive_is_not_drawn(tmp_path, content):
    (tmp_path / LEARNED).write_bytes(content)
    assert read_learned(tmp_path) is None and read_learned(tmp_path / "nowhere") is None
