"""A stack's updates, made part by part, each part small enough for the caches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.data.loading import Split
from trainer.data.tensors import Tensors
from trainer.engine.batches import Batches
from trainer.engine.evaluation import Evaluation, evaluate
from trainer.engine.network import Layout
from trainer.engine.state import State
from trainer.engine.step import Step
from trainer.engine.workspace import Workspace
from trainer.experiment import Experiment
from trainer.techniques.clipping import GradientClip

WORKING_SET = 6 << 20
"""Bytes that a part may touch: some times a core's second-level cache, where the gain from fewer operations is used up."""

IN_A_ROW = 8
"""Updates that a part makes before it is another's turn, at most: its θ and slots come from memory once for all of them."""


class Chunks:
    """The updates of all runs of a stack.

    On a CPU a large stack would be slower than its runs one by one: in every update each θ, slot and gradient would come from
    memory. So the stack is cut into parts that take turns; a GPU takes it whole. Which runs are in one part, and how many
    updates it makes in a row, changes no bit of any.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        layout: Layout,
        state: State,
        data: Tensors,
        batch: int,
        rates: Tensor,
        delays: Tensor | None,
    ):
        """`rates` [K, T]: the learning rate of each update; `delays` [K, T]: how late its gradient is (None: not at all)."""
        self.data = data
        labels, device = data.train.labels, data.device
        most = len(experiments) if device.type != "cpu" else WORKING_SET // working_set(layout, state, batch)
        fits_caches = 0 < most < len(experiments)  # a part, and not the whole stack
        self.in_a_row = IN_A_ROW if fits_caches else 1
        size = None if experiments[0].batch_size == "full" else batch  # None: all images in order, nothing is drawn
        workspace = Workspace(device)
        self.gaps = layout.gaps().to(device)
        self.batches: list[Batches] = []
        self.steps: list[Step] = []
        for rows in cuts(len(experiments), max(1, most)):
            runs = experiments[rows]
            late = None if delays is None else delays[rows]
            self.batches.append(Batches([e.seed for e in runs], labels, data.classes, size, rates[rows], late))
            self.steps.append(Step(runs, layout, state.part(rows), data.train, data.features, workspace))
        self.clips_gradients = isinstance(self.steps[0].numbers.clip, GradientClip)

    @torch.inference_mode()  # spares every operation autograd's bookkeeping
    def update(self, made: int, updates: int, measure: bool) -> dict[str, Tensor]:
        """Make some updates after `made` others; with `measure` the norms that a record shows after the last of them,
        each [K, 1], else an empty dict."""
        norms, last = [], made + updates - 1
        for batches, step in zip(self.batches, self.steps, strict=True):
            if len(self.steps) > 1:
                step.g.index_fill_(1, self.gaps, 0)  # where a clip has spread the NaN of a run of another part
            for number in range(made, last):
                step(batches(number), measure=False)
            norms.append(step(batches(last), measure))
        return {name: torch.cat([norm[name] for norm in norms]) for name in norms[0]}

    def flush(self) -> None:
        """Bring the state's tallies up to date."""
        for step in self.steps:
            step.loss.flush()

    def evaluate(self, samples: Split[Tensor]) -> Evaluation:
        """Loss and answers of each run on `samples`."""
        results = [evaluate(step.network, samples, self.data.features) for step in self.steps]
        return Evaluation(*(torch.cat(parts) for parts in zip(*results, strict=True)))


def cuts(runs: int, most: int) -> list[slice]:
    """The fewest parts of at most `most` runs, as even as can be."""
    n = -(-runs // most)
    return [slice(runs * i // n, runs * (i + 1) // n) for i in range(n)]


def working_set(layout: Layout, state: State, batch: int) -> int:
    """Bytes that an update of one run touches: θ, gradient and slots, two of the gradients that wait, and the batch on its
    way through the layers."""
    widths = layout.specs[0].inputs + sum(spec.outputs for spec in layout.specs)
    rows = 2 + len(state.slots) + (0 if state.ring is None else 2)
    return 4 * (rows * layout.width + batch * widths)
