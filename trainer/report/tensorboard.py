"""A run for TensorBoard: scalars under the contract's names, HParams in the run's own entry, a layout of charts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Hashable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from trainer.experiment import TECHNIQUES, Experiment
from trainer.identity import changes, flatten, is_learning, show
from trainer.records import Record, Status
from trainer.report.event_file import EventFile
from trainer.report.history import History
from trainer.report.hparams import declarations, typed
from trainer.report.learned import Learned
from trainer.report.learned_summaries import learned_values

METRICS = ("valid/accuracy", "test/accuracy", "valid/loss", "test/loss", "train/loss")
"""The columns of TensorBoard's HParams page."""

LIKELY = ("optimizer", "clip", "decay", "normalization", "dropout")
"""The keys that are likely to differ between the runs of a folder; TensorBoard's table has five, those that one run names."""

TRIAL = 80  # characters of a trial's name, beside its digest

CHARTS = {
    "all splits": {"loss": r"^(train|valid|test)/loss$", "accuracy": r"^(train|valid|test)/accuracy$"},
    "layers": {name: rf"^{name}/" for name in ("grad_norm", "weight_norm", "update_ratio")},
}
"""Category → chart → the tags it shows together."""

STATUS = {Status.COMPLETED: "STATUS_SUCCESS", Status.DIVERGED: "STATUS_FAILURE", Status.FAILED: "STATUS_FAILURE"}
"""TensorBoard keeps the first end it is told, so a run that may go on later has none; it shows as unknown."""


class TensorBoard:
    """Writes one event file a session into the run's directory, a record at a time, each at once on the disk.

    `first_step` is how many updates were made before this session: what an earlier session wrote beyond them is taken
    back. `dataset` is the one really used. `given` are the keys on the command line; HParams shows them first.
    Every method raises OSError where the disk fails; the training need not end for that.
    """

    def __init__(
        self,
        directory: Path,
        experiment: Experiment,
        first_step: int = 0,
        *,
        dataset: str | None = None,
        given: Collection[str] = (),
    ):
        from tensorboard.compat.proto.event_pb2 import SessionLog

        self.file = EventFile(directory)
        self.file.write(session_log=SessionLog(status=SessionLog.START), step=first_step + 1)
        settings = flatten(experiment.to_dict()) | {"dataset": dataset or experiment.dataset.name}
        self.file.write(summary=_layout())
        self.file.write(summary=_experiment(tuple(shown_first(given))))
        self.file.write(summary=_session_start(settings))

    def record(self, record: Record) -> None:
        """Write a record's metrics at its step."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=name, simple_value=value) for name, value in record.metrics.items()]
        self.file.write(summary=Summary(value=values), step=record.step)

    def learned(self, history: History, learned: Learned, images: Mapping[str, bytes]) -> None:
        """Show what was learned at the end: pictures as PNG by name, histograms, the configuration and the result as text."""
        for value in learned_values(history, learned, images):
            self.file.write(summary=value, step=history.summary["steps"])

    def finish(self, summary: dict[str, Any]) -> None:
        """Tell how the run ended, where its end is final."""
        if summary["status"] in STATUS:
            self.file.write(summary=_session_end(STATUS[summary["status"]]))

    def close(self) -> None:
        self.file.close()


def group_name(settings: dict[str, Hashable]) -> str:
    """What runs that differ in nothing but their seed share, so that TensorBoard averages them, and what it calls them: what
    is not at its default, techniques first, and a digest of the whole."""
    deciding = {key: value for key, value in settings.items() if is_learning(key)}
    digest = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:8]
    changed = {key: value for key, value in changes(settings).items() if key != "seed"}
    keys = sorted(changed, key=lambda key: key.partition(".")[0] not in TECHNIQUES)
    name = " ".join(f"{key}={show(changed[key])}" for key in keys) or "defaults"
    return f"{name[:TRIAL]} {digest}"


def shown_first(given: Collection[str]) -> list[str]:
    """The keys of the columns: of those given on the command line the ones of techniques and networks, and likely ones."""
    own = [key for key in given if key.partition(".")[0] in (*TECHNIQUES, "model")]
    return list(dict.fromkeys((*own, *LIKELY)))[: max(len(own), len(LIKELY))]


def shown(settings: dict[str, Hashable]) -> Iterator[tuple[str, Hashable]]:
    """The hyper-parameters of a run: what decides its result, and the seed; keys without a value left out."""
    for key, value in settings.items():
        if value is not None and (key == "seed" or is_learning(key)):
            yield key, value


@cache
def _experiment(varying: tuple[str, ...]) -> Any:
    from tensorboard.plugins.hparams.api_pb2 import Experiment as Proto
    from tensorboard.plugins.hparams.api_pb2 import MetricInfo, MetricName

    infos = [info for info in declarations(varying) if info.name == "seed" or is_learning(info.name)]
    metrics = [MetricInfo(name=MetricName(tag=tag)) for tag in METRICS]
    return _hparams("experiment", Proto(hparam_infos=infos, metric_infos=metrics, time_created_secs=time.time()))


def _session_start(settings: dict[str, Hashable]) -> Any:
    from tensorboard.plugins.hparams.plugin_data_pb2 import SessionStartInfo

    start = SessionStartInfo(group_name=group_name(settings), start_time_secs=time.time())
    for key, value in shown(settings):
        start.hparams[key].CopyFrom(typed(key, value))
    return _hparams("session_start_info", start)


def _session_end(status: str) -> Any:
    from tensorboard.plugins.hparams.plugin_data_pb2 import SessionEndInfo

    return _hparams("session_end_info", SessionEndInfo(status=status, end_time_secs=time.time()))


def _hparams(field: str, message: Any) -> Any:
    from tensorboard.compat.proto.types_pb2 import DT_FLOAT
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = HParamsPluginData(**{field: message}).SerializeToString()
    return _plugin_summary(f"_hparams_/{field}", "hparams", content, dtype=DT_FLOAT)


@cache
def _layout() -> Any:
    from tensorboard.compat.proto.types_pb2 import DT_STRING
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    def chart(title: str, tags: str) -> Chart:
        return Chart(title=title, multiline=MultilineChartContent(tag=[tags]))

    categories = [Category(title=t, chart=[chart(*pair) for pair in charts.items()]) for t, charts in CHARTS.items()]
    layout = Layout(category=categories).SerializeToString()
    return _plugin_summary("custom_scalars__config__", "custom_scalars", b"", dtype=DT_STRING, string_val=[layout])


def _plugin_summary(tag: str, plugin: str, content: bytes, **tensor: Any) -> Any:
    """A summary for one of TensorBoard's plugins, which look at its tag, its metadata or its tensor."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content))
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=TensorProto(**tensor))])
