"""TensorBoard: files read back by its own reader, and its real server asked over HTTP."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from trainer.engine.loop import train
from trainer.experiment import Experiment
from trainer.records import Record
from trainer.report.event_file import checksum
from trainer.report.hparams import kinds
from trainer.report.tensorboard import METRICS, TensorBoard

with warnings.catch_warnings():  # the reader is TensorBoard's, and so are its deprecations
    warnings.simplefilter("ignore")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
    from tensorboard.plugins.hparams import metadata

SYNTHETIC = {"name": "synthetic", "samples": 300, "validation": 100, "features": 20}
BASE = Experiment(dataset=SYNTHETIC, epochs=3, clip="grad", optimizer="momentum", device="cpu")


def write_run(directory: Path, experiment: Experiment = BASE) -> list[Record]:
    """Train `experiment` and write it whole into a new directory; its records."""
    directory.mkdir(parents=True)
    board = TensorBoard(directory, experiment)
    records = list(train(experiment))
    for record in records:
        board.record(record)
    board.finish({"status": records[-1].status})
    board.close()
    return records


def read(directory: Path) -> EventAccumulator:
    return EventAccumulator(str(directory), size_guidance={"scalars": 0, "tensors": 0}).Reload()


def steps(directory: Path, tag: str = "train/loss") -> list[int]:
    return [event.step for event in read(directory).Scalars(tag)]


def test_every_metric_is_read_back_under_its_name_at_its_step(tmp_path):
    records = write_run(tmp_path / "run")
    accumulator = read(tmp_path / "run")
    assert set(accumulator.Tags()["scalars"]) == {name for record in records for name in record.metrics}
    for tag in accumulator.Tags()["scalars"]:
        expected = [(r.step, r.metrics[tag]) for r in records if tag in r.metrics]
        found = [(event.step, event.value) for event in accumulator.Scalars(tag)]
        assert found == [(step, pytest.approx(value, rel=1e-6)) for step, value in expected]


def test_one_event_file_with_wall_times_of_now(tmp_path):
    before = time.time()
    write_run(tmp_path / "run")
    assert len(list((tmp_path / "run").iterdir())) == 1
    assert len(list((tmp_path / "run").glob("events.out.tfevents.*"))) == 1
    assert all(before <= event.wall_time <= time.time() for event in read(tmp_path / "run").Scalars("lr"))


def test_a_record_is_on_disk_before_the_file_is_closed(tmp_path):
    board = TensorBoard(tmp_path, BASE)
    board.record(Record(0, 1, 10, 0.1, {"train/loss": 0.5}))
    assert steps(tmp_path) == [10]
    board.close()


def test_a_diverged_run_shows_its_nan(tmp_path):
    board = TensorBoard(tmp_path, BASE)
    board.record(Record(0, 1, 10, 0.1, {"train/loss": float("nan")}, "diverged"))
    board.close()
    (event,) = read(tmp_path).Scalars("train/loss")
    assert event.value != event.value


@pytest.mark.parametrize("data, crc", [(b"123456789", 0xE3069283), (b"\0" * 32, 0x8A9136AA), (b"", 0)])
def test_checksum_is_the_masked_crc_of_rfc_3720(data, crc):
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    assert checksum(data) == ((rotated + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


# --- resume ---


def test_a_resumed_run_has_no_zig_zag(tmp_path):
    first = TensorBoard(tmp_path, BASE)
    for step in (10, 20, 30, 35):  # killed after 35; the checkpoint is of 20
        first.record(Record(0, 1, step, 0.1, {"train/loss": 1.0}))
    first.close()
    second = TensorBoard(tmp_path, BASE, first_step=20)
    for step in (30, 40):
        second.record(Record(0, 1, step, 0.1, {"train/loss": 2.0}))
    second.close()
    assert len(list(tmp_path.iterdir())) == 2
    events = read(tmp_path).Scalars("train/loss")
    assert [(event.step, event.value) for event in events] == [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0)]


def test_a_run_begun_anew_in_its_directory_forgets_what_was(tmp_path):
    for value in (1.0, 2.0):
        board = TensorBoard(tmp_path, BASE)
        board.record(Record(0, 1, 10, 0.1, {"train/loss": value}))
        board.close()
    assert [event.value for event in read(tmp_path).Scalars("train/loss")] == [2.0]


# --- HParams ---


def hparams(directory: Path) -> dict[str, object]:
    """The three messages of the HParams plugin, those that are there."""
    content = read(directory).PluginTagToContent("hparams")
    parsers = {
        metadata.EXPERIMENT_TAG: metadata.parse_experiment_plugin_data,
        metadata.SESSION_START_INFO_TAG: metadata.parse_session_start_info_plugin_data,
        metadata.SESSION_END_INFO_TAG: metadata.parse_session_end_info_plugin_data,
    }
    return {tag.split("/")[1]: parse(content[tag]) for tag, parse in parsers.items() if tag in content}


def start_of(directory: Path, experiment: Experiment, dataset: str | None = None):
    directory.mkdir(parents=True)
    TensorBoard(directory, experiment, dataset=dataset).close()
    return hparams(directory)["session_start_info"]


def test_hparams_are_flat_typed_and_without_housekeeping(tmp_path):
    experiment = replace(BASE, seed=7, model={"name": "mlp", "hidden": [30, 20]})
    values = start_of(tmp_path / "run", experiment).hparams
    assert values["optimizer"].string_value == "momentum"
    assert values["optimizer.lr"].number_value == 0.5
    assert values["clip.threshold"].number_value == 1.0
    assert values["seed"].number_value == 7
    assert values["batch_size"].string_value == "128"
    assert values["model.hidden"].string_value == "[30,20]"
    assert values["dataset.standardize"].WhichOneof("kind") == "bool_value"
    assert not {"name", "device", "threads", "checkpoint.seconds", "target", "dataset.limit"} & set(values)


def test_all_runs_declare_the_same_keys_those_that_vary_first(tmp_path):
    declared = []
    for word in ("sgd", "adam"):
        start_of(tmp_path / word, Experiment(dataset=SYNTHETIC, optimizer=word))
        declared.append(hparams(tmp_path / word)["experiment"])
    assert declared[0].hparam_infos == declared[1].hparam_infos
    names = {info.name for info in declared[0].hparam_infos}
    assert {"optimizer.beta1", "optimizer.beta", "clip.threshold", "decay.gamma", "seed"} <= names
    assert not {"device", "threads", "dataset.root"} & names
    assert [metric.name.tag for metric in declared[0].metric_infos] == list(METRICS)
    directory = tmp_path / "sweep"
    directory.mkdir()
    TensorBoard(directory, BASE, given=("decay.gamma", "epochs", "seed")).close()
    infos = hparams(directory)["experiment"].hparam_infos
    assert {info.name for info in infos if info.differs} == {
        "decay.gamma",
        "optimizer",
        "clip",
        "decay",
        "normalization",
    }


def test_trials_are_called_by_what_is_not_at_its_default(tmp_path):
    """Two that differ in a key beyond the name's length have other digests."""
    plain = Experiment(dataset={"name": "synthetic"}, epochs=10)
    assert re.fullmatch(r"dataset=synthetic [0-9a-f]{8}", start_of(tmp_path / "plain", plain).group_name)
    changed = replace(plain, epochs=3, clip="grad", optimizer={"name": "momentum", "lr": 0.25}, seed=4)
    name = start_of(tmp_path / "changed", changed).group_name
    assert re.fullmatch(r"optimizer=momentum optimizer.lr=0.25 clip=grad epochs=3 dataset=synthetic [0-9a-f]{8}", name)
    long = [replace(changed, model={"name": "mlp", "hidden": [*range(1, 40), last]}) for last in (1, 2)]
    one, other = (start_of(tmp_path / f"long{i}", e).group_name for i, e in enumerate(long))
    assert one != other and one[:-8] == other[:-8] and len(one) == 89


def test_mixed_words_and_numbers_are_strings():
    assert kinds()["batch_size"] == kinds()["decay.milestones"] == kinds()["optimizer"] == "STRING"
    assert kinds()["dataset.limit"] == kinds()["optimizer.lr"] == kinds()["epochs"] == "FLOAT64"
    assert kinds()["dataset.standardize"] == "BOOL"


@pytest.mark.parametrize(
    "other, same",
    [
        (replace(BASE, seed=5), True),
        (replace(BASE, name="other", threads=1, record_every=2, checkpoint={"seconds": 3.0}), True),
        (replace(BASE, optimizer={"name": "momentum", "lr": 0.4}), False),
        (replace(BASE, epochs=4), False),
    ],
)
def test_runs_that_differ_in_the_seed_alone_share_a_group(tmp_path, other, same):
    name = start_of(tmp_path / "base", BASE).group_name
    assert (start_of(tmp_path / "other", other).group_name == name) is same


def test_the_data_set_really_used_is_the_one_named(tmp_path):
    asked, used = (start_of(tmp_path / str(name), Experiment(), dataset=name) for name in (None, "digits"))
    assert used.hparams["dataset"].string_value == "digits"
    assert asked.group_name != used.group_name


@pytest.mark.parametrize(
    "status, shown", [("completed", 1), ("diverged", 2), ("failed", 2), ("interrupted", None), ("terminated", None)]
)
def test_the_session_ends_as_the_run_did(tmp_path, status, shown):
    board = TensorBoard(tmp_path, BASE)
    board.finish({"status": status})
    board.close()
    end = hparams(tmp_path).get("session_end_info")
    assert (end.status if end else None) == shown


def test_an_interrupted_run_that_is_resumed_is_a_success(tmp_path):
    for status in ("interrupted", "completed"):
        board = TensorBoard(tmp_path, BASE)
        board.finish({"status": status})
        board.close()
    assert hparams(tmp_path)["session_end_info"].status == 1


def test_custom_scalars_put_the_splits_together(tmp_path):
    TensorBoard(tmp_path, BASE).close()
    (event,) = read(tmp_path).Tensors("custom_scalars__config__")
    layout = Layout.FromString(event.tensor_proto.string_val[0])
    charts = {chart.title: list(chart.multiline.tag) for category in layout.category for chart in category.chart}
    assert charts["loss"] == ["^(train|valid|test)/loss$"]
    assert charts["accuracy"] == ["^(train|valid|test)/accuracy$"]


# --- when the disk fails ---


def test_a_missing_directory_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        TensorBoard(tmp_path / "nowhere", BASE)


def test_a_full_disk_is_an_oserror_and_kills_nobody(tmp_path):
    board = TensorBoard(tmp_path, BASE)
    with small_files(board.file.file.tell() + 10), pytest.raises(OSError) as caught:
        board.record(Record(0, 1, 10, 0.1, {"train/loss": 0.5}))
    assert caught.value.errno == errno.EFBIG
    board.record(Record(0, 1, 20, 0.2, {"train/loss": 0.25}))  # room again: what was held back comes first
    board.close()
    assert steps(tmp_path) == [10, 20]


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond `limit` bytes: the nearest thing to a full disk that needs no rights."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_no_thread_and_no_tensorflow_stand_in():
    code = (
        "import sys, tempfile, threading, pathlib\n"
        "from trainer.experiment import Experiment\n"
        "import trainer.report.tensorboard as tb\n"
        "assert not any(name.startswith('tensorboard') for name in sys.modules)\n"
        "tb.TensorBoard(pathlib.Path(tempfile.mkdtemp()), Experiment()).close()\n"
        "assert threading.active_count() == 1\n"
        "assert not {'tensorboard.compat.tensorflow_stub', 'fsspec', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


# --- the real server ---


class Server:
    """TensorBoard on a directory, in a process of its own, on a free port of this machine."""

    def __init__(self, logdir: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--load_fast=false"]
        port = self.url.rpartition(":")[2]
        self.log = open(logdir.with_suffix(".log"), "wb")
        self.process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", port],
            stdout=self.log,
            stderr=self.log,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def ask(self, path: str, body: dict | None = None):
        """The JSON answer to a GET, or to a POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)

    def wait_for_runs(self, count: int) -> dict:
        """The scalar tags of each run, as soon as `count` of them are loaded whole."""
        for _ in range(600):
            assert self.process.poll() is None, "TensorBoard has ended"
            try:
                tags = self.ask("/data/plugin/scalars/tags")
            except (urllib.error.URLError, ConnectionError):
                tags = {}
            if len(tags) == count and all("test/accuracy" in of_run for of_run in tags.values()):
                return tags
            time.sleep(0.1)
        raise AssertionError("TensorBoard did not load the runs within a minute")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[Server, dict[str, list[Record]]]]:
    root = tmp_path_factory.mktemp("server") / "runs"
    runs = {f"seed={seed}": replace(BASE, seed=seed) for seed in (0, 1)} | {"adam": replace(BASE, optimizer="adam")}
    records = {name: write_run(root / name, experiment) for name, experiment in runs.items()}
    server = Server(root)
    try:
        server.wait_for_runs(len(runs))
        yield server, records
    finally:
        server.close()


def test_the_server_returns_every_scalar(served):
    server, records = served
    tags = server.ask("/data/plugin/scalars/tags")
    assert {run: set(of_run) for run, of_run in tags.items()} == {
        run: {name for record in of_run for name in record.metrics} for run, of_run in records.items()
    }
    points = server.ask("/data/plugin/scalars/scalars?run=adam&tag=valid/accuracy")
    expected = [(r.step, pytest.approx(r.metrics["valid/accuracy"])) for r in records["adam"]]
    assert [(step, value) for _, step, value in points] == expected


def test_the_server_shows_one_hparams_entry_a_configuration_with_seeds_averaged(served):
    server, records = served
    infos = server.ask("/data/plugin/hparams/experiment", {"hparamsLimit": 0})["hparamInfos"]
    assert {"optimizer", "optimizer.beta1", "optimizer.beta"} <= {info["name"] for info in infos}
    statuses = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
    query = {"startIndex": 0, "sliceSize": 10, "allowedStatuses": statuses, "colParams": []}
    groups = server.ask("/data/plugin/hparams/session_groups", query)["sessionGroups"]
    by_word = {group["hparams"]["optimizer"]: group for group in groups}
    assert {word: sorted(s["name"] for s in group["sessions"]) for word, group in by_word.items()} == {
        "momentum": ["seed=0", "seed=1"],
        "adam": ["adam"],
    }
    assert {session["status"] for group in groups for session in group["sessions"]} == {"STATUS_SUCCESS"}
    shown = {metric["name"]["tag"]: metric["value"] for metric in by_word["momentum"]["metricValues"]}
    last = [records[f"seed={seed}"][-1].metrics for seed in (0, 1)]
    assert shown == {tag: pytest.approx(sum(m[tag] for m in last) / 2) for tag in METRICS}


def test_the_server_knows_the_layout(served):
    layout = served[0].ask("/data/plugin/custom_scalars/layout")
    assert [category["title"] for category in layout["category"]] == ["all splits", "layers"]
