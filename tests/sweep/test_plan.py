"""Chunks of a sweep that need no worker: the plan, the table of results, the slots."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from subjects import TECHNIQUES, tensors, tiny
from sweep_cells import SYNTHETIC, grid

from trainer.engine.devices import resolve
from trainer.engine.loop import Training
from trainer.engine.state import State
from trainer.experiment import Experiment, structure
from trainer.records import Record
from trainer.sweep.cells import Cell
from trainer.sweep.devices import WorkerSlot, find_slots
from trainer.sweep.plan import SPLITS, Piece, Stack, limit, parameters, plan, run_bytes, samples
from trainer.sweep.prune import halving
from trainer.sweep.results import Results, as_csv, table

GIGABYTE = 2**30


def cpus(count: int, memory: int = GIGABYTE) -> list[WorkerSlot]:
    return [WorkerSlot("cpu", memory)] * count


experiments = st.builds(
    Experiment,
    seed=st.integers(0, 99),
    epochs=st.integers(0, 2),
    batch_size=st.sampled_from([1, 32]),
    optimizer=st.sampled_from(["sgd", "adam", "heavy_ball"]),
    dropout=st.sampled_from(["none", "half"]),
    model=st.sampled_from([{"name": "mlp", "hidden": hidden} for hidden in ([16], [16, 16])]),
    dataset=st.just(SYNTHETIC),
)
pieces = st.lists(st.tuples(experiments, st.sampled_from([None, 10, 20])), max_size=40).map(
    lambda drawn: [Piece(i, e, step) for i, (e, step) in enumerate(drawn)]
)


@given(pieces, st.integers(1, 5), st.integers(14, 30), st.one_of(st.none(), st.integers(1, 3)))
def test_every_cell_is_in_one_stack_of_its_like_that_fits(
    todo: list[Piece], workers: int, bits: int, most: int | None
) -> None:
    slots = cpus(workers, 2**bits)
    stacks = plan(todo, slots, most)
    assert Counter(p.cell for stack in stacks for p in stack.pieces) == Counter(p.cell for p in todo)
    for stack in stacks:
        assert len({(structure(p.experiment), p.step) for p in stack.pieces}) == 1
        assert len(stack.pieces) <= min(limit(stack.experiment, slots), most or 99)
    assert [s.cost for s in stacks] == sorted((s.cost for s in stacks), reverse=True)
    total = len(stacks)
    balanced = total % workers == 0 or total >= SPLITS * workers
    assert balanced or max((len(s.pieces) for s in stacks), default=1) == 1


@pytest.mark.parametrize(
    ("cells", "workers", "sizes"),
    [
        (3, 2, [2, 1]),
        (2, 2, [1, 1]),
        (1, 2, [1]),
        (16, 2, [8, 8]),
        (20, 2, [5, 5, 5, 5]),
        (60, 2, [8, 8, 8, 8, 7, 7, 7, 7]),
        (9, 1, [5, 4]),
        (16, 5, [4, 3, 3, 3, 3]),
    ],
)
def test_stacks_keep_all_workers_busy(cells: int, workers: int, sizes: list[int]) -> None:
    stacks = plan([Piece(i, c.experiment) for i, c in enumerate(grid({"seed": range(cells)}))], cpus(workers))
    assert [len(stack.pieces) for stack in stacks] == sizes


def test_the_stacks_that_are_largest_by_now_are_cut() -> None:
    """Of groups of 6 and 5 cells, for 4 workers: first the one of 6, then that of 5, which has become the largest."""
    wide = {"name": "mlp", "hidden": [16]}
    todo = grid({"seed": range(6)}) + grid({"seed": range(5)}, model=wide)
    stacks = plan([Piece(i, c.experiment) for i, c in enumerate(todo)], cpus(4))
    assert sorted(len(stack.pieces) for stack in stacks) == [2, 3, 3, 3]


def test_beyond_eight_stacks_a_worker_balance_is_left_alone() -> None:
    def count(*cells: int) -> int:
        """Stacks of sweeps over as many widths as there are numbers, for three workers."""
        wide = [{"model": {"name": "mlp", "hidden": [20 + i]}} for i in range(len(cells))]
        todo = [one for n, keys in zip(cells, wide, strict=True) for one in grid({"seed": range(n)}, **keys)]
        return len(plan([Piece(i, c.experiment) for i, c in enumerate(todo)], cpus(3)))

    assert [count(8 * 23), count(8 * 25), count(72, 72, 56)] == [24, 25, 25]
    assert len(plan([Piece(i, Experiment(seed=i, dataset=SYNTHETIC)) for i in range(6)], cpus(1), most=2)) == 3


def test_a_stack_fits_wherever_it_may_be_placed() -> None:
    e = Experiment(dataset=SYNTHETIC, device="cuda")
    slots = [WorkerSlot(f"cuda:{i}", runs * run_bytes(e), True) for i, runs in enumerate((9, 5, 7))]
    assert limit(e, slots) == 5
    assert limit(e, [WorkerSlot("cuda:0", 1, True)]) == 1
    assert limit(replace(e, device="auto"), [*slots, WorkerSlot("cpu", 1, True)]) == 5
    assert (
        limit(replace(e, device="auto"), [WorkerSlot("cuda:0", 50 * run_bytes(e), True), WorkerSlot("cpu", 1, True)])
        == 50
    )
    on_cpu = replace(e, device="cpu")
    assert [limit(on_cpu, [*slots, WorkerSlot("cpu", runs * run_bytes(e))]) for runs in (99, 3)] == [8, 3]


def test_a_gpu_takes_as_many_as_its_memory_allows() -> None:
    todo = [Piece(i, c.experiment) for i, c in enumerate(grid({"seed": range(512)}, device="cuda"))]
    assert [len(s.pieces) for s in plan(todo, [WorkerSlot("cuda:0", 80 * GIGABYTE, True)])] == [512]
    small = WorkerSlot("cuda:0", 100 * run_bytes(todo[0].experiment), True)
    assert [len(s.pieces) for s in plan(todo, [small])] == [86, 86, 85, 85, 85, 85]


@pytest.mark.parametrize(("group", "word"), TECHNIQUES)
def test_the_estimate_counts_every_parameter_and_is_no_less_than_the_state(group: str, word: str) -> None:
    keys = {"batch_size": "full"} if word == "batch_gd" else {}
    e = Experiment(**{group: word}, **keys, dataset={"name": "synthetic", "features": 50})
    training = Training([e], tiny())
    assert parameters(e) == training.layout.count()
    assert run_bytes(e) > 2 * state_bytes(training.state)


def test_the_estimate_in_numbers() -> None:
    """By hand, for 50-37-10 with two slots and three gradients that wait."""
    sizes = {"features": 50, "samples": 5000, "validation": 1000}
    keys = {"optimizer": "adam", "staleness": {"name": "fixed", "updates": 2}, "model": {"name": "mlp", "hidden": [37]}}
    weights, rows = 51 * 37 + 38 * 10, 3 + 3 * (1 + 2 + 3)
    widths = (50 + 2 * 37) + (37 + 2 * 37) + (37 + 2 * 10) + 50  # into and out of each layer, and the images
    for batch, images in ((29, 512), (600, 600), (9999, 4000), ("full", 4000)):
        e = Experiment(dataset={"name": "synthetic", **sizes}, batch_size=batch, **keys)
        assert run_bytes(e) == 4 * (rows * weights + images * widths) + 8 * 4000


def test_images_are_those_that_are_trained_on() -> None:
    def asked(**keys: int | None) -> int:
        return samples(Experiment(dataset={"name": "synthetic", "samples": 100, **keys}))

    assert [asked(validation=40), asked(validation=40, limit=7), asked(validation=99)] == [60, 7, 1]
    assert parameters(Experiment()) == 785 * 128 + 129 * 10 and samples(Experiment()) == 55_000


def test_costs_compare_what_is_to_be_done() -> None:
    def cost(cells: int, **keys: object) -> float:
        return Stack(tuple(Piece(i, Experiment(**keys)) for i in range(cells))).cost

    assert cost(2, epochs=3) == 2 * 3 * 55_000 * 101_770


def test_a_stack_never_mixes_data_sets_or_steps() -> None:
    e = Experiment(dataset=SYNTHETIC)
    todo = [
        Piece(i, e, step, name) for i, (step, name) in enumerate([(None, None), (3, "a"), (3, "b"), (4, "a"), (3, "a")])
    ]
    assert sorted([p.cell for p in s.pieces] for s in plan(todo, cpus(4))) == [[0], [1, 4], [2], [3]]


def state_bytes(state: State) -> int:
    return sum(tensor.nbytes for tensor in tensors(state))


def test_places_are_cores_or_the_device_asked_for() -> None:
    assert [p.device for p in find_slots({"cpu"}, 3, cells=9)] == ["cpu"] * 3
    assert len(find_slots({"cpu"}, None, cells=1)) == 1
    gpu = WorkerSlot("cuda:1", 0, True)
    assert [gpu.takes(word) for word in ("auto", "cuda", "cuda:1", "cuda:0", "cpu")] == [True, True, True, False, False]
    assert [WorkerSlot("cpu", 0, True).takes(word) for word in ("auto", "cpu", "cuda")] == [False, True, False]


def records(epoch: float, *accuracies: float) -> list[Record]:
    return [Record(run, epoch, 1, 0.0, {"valid/accuracy": a}) for run, a in enumerate(accuracies)]


def test_halving_acts_after_epochs_that_are_powers_of_two() -> None:
    assert [e for e in range(1, 20) if halving(records(e, 0.1, 0.2))] == [1, 2, 4, 8, 16]
    assert halving(records(1.5, 0.1, 0.2)) == set()
    assert halving(records(2, 0.1, 0.9, 0.5, 0.2, 0.3)) == {0, 3}
    assert halving(records(2, 0.5, 0.5, 0.5, 0.5)) == {2, 3}
    assert halving(records(2, 0.5)) == set()


def summary(status: str = "completed", **keys: object) -> dict:
    return {"status": status, "seed": 1, "valid/accuracy": 0.5, "versions": {}, "overrides": [], **keys}


def test_results_have_the_varying_overrides_and_stable_columns() -> None:
    words = ("epochs=3", "optimizer.lr=0.1", "seed=1"), ("epochs=3", "optimizer.lr=1e-3", "seed=2"), ("epochs=3",)
    diverged = summary("diverged", seed=2, **{"valid/accuracy": float("nan"), "grad_norm/linear1": 2.0})
    rows = table([_named(*each) for each in words], {0: summary(), 1: diverged})
    assert [row["optimizer.lr"] for row in rows] == [0.1, 0.001] and "versions" not in rows[0]
    assert list(rows[0]) == list(rows[1]) and list(rows[0])[:4] == ["directory", "status", "optimizer.lr", "seed"]
    frame = pd.read_csv(io.BytesIO(as_csv(rows)))
    assert frame["valid/accuracy"].isna().tolist() == [False, True] and frame["grad_norm/linear1"].tolist()[1] == 2.0
    assert list(pd.read_csv(io.BytesIO(as_csv([]))).columns) == ["directory", "status"]


def _named(*words: str) -> Cell:
    return Cell(Experiment(), ",".join(words), words)


def test_results_are_whole_at_any_moment(tmp_path: Path) -> None:
    results = Results(tmp_path, grid({"seed": range(60)}))
    results.write()
    done = threading.Event()

    def work() -> None:
        for i in range(60):
            results.take(i, summary())
            results.write()
        done.set()

    writer = threading.Thread(target=work)
    writer.start()
    lengths = []
    while not done.is_set():
        lengths.append(len(pd.read_csv(tmp_path / "results.csv")))
        pd.read_json(tmp_path / "results.json")
    writer.join()
    assert lengths == sorted(lengths) and len(pd.read_csv(tmp_path / "results.csv")) == 60


def test_the_parent_needs_no_torch() -> None:
    code = (
        "import sys; import trainer.sweep.sweep, trainer.sweep.scheduler, trainer.sweep.worker; "
        "assert 'torch' not in sys.modules and 'hydra' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_auto_never_means_a_macs_gpu(monkeypatch):
    """Nobody has run the tests on one: it must be named."""
    monkeypatch.setattr("trainer.sweep.devices.may_have_gpu", lambda: True)
    monkeypatch.setattr("trainer.sweep.devices.probe", lambda: {"mps": GIGABYTE})
    assert {slot.device for slot in find_slots({"auto"}, 2, cells=4)} == {"cpu"}
    assert {slot.device for slot in find_slots({"mps"}, 2, cells=4)} == {"mps"}
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert [resolve(word).type for word in ("auto", "mps")] == ["cpu", "mps"]
