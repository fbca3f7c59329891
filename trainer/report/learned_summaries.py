"""What a network has learned as TensorBoard's Images, Histograms and Text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import yaml

from trainer.report.closing import result
from trainer.report.diagnoses import diagnose
from trainer.report.history import History
from trainer.report.learned import Histogram, Learned


def learned_values(history: History, learned: Learned, images: Mapping[str, bytes]) -> Iterator[Any]:
    """A Summary for each picture (PNG, by name), each histogram and each text."""
    for name, png in images.items():
        yield _image(f"learned/{name}", png)
    for name, histogram in learned.histograms.items():
        yield _histogram(name, histogram)
    configuration = yaml.safe_dump(history.experiment.to_dict(), sort_keys=False, allow_unicode=True)
    yield _text("configuration", f"```\n{configuration}```")
    yield _text("result", "\n\n".join([f"{result(history.summary)}.", *map(str, diagnose(history))]))


def _image(tag: str, png: bytes) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))  # of PNG's first chunk
    image = Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def _histogram(tag: str, histogram: Histogram) -> Any:
    """In the form of TensorFlow 1, which TensorBoard converts; its sums are those of the middles of the bins."""
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary

    counts, edges = histogram
    middles = (edges[:-1] + edges[1:]) / 2
    proto = HistogramProto(
        min=edges[0], max=edges[-1], num=counts.sum(), sum=(counts * middles).sum(),
        sum_squares=(counts * np.square(middles)).sum(), bucket_limit=edges[1:].tolist(), bucket=counts.tolist(),
    )  # fmt: skip
    return Summary(value=[Summary.Value(tag=tag, histo=proto)])


def _text(tag: str, text: str) -> Any:
    """Markdown on TensorBoard's Text page."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()])
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])
