"""Lightning over an in-memory TensorDataset, with all that it logs and shows turned off (`barebones`)."""

from __future__ import annotations

import logging
import warnings

import lightning
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contestants.network import sequential, weights
from benchmarks.work import Clock, Work


class Module(lightning.LightningModule):
    """The network, its loss and its optimizer, as Lightning wants them."""

    def __init__(self, work: Work, clock: Clock):
        super().__init__()
        self.work, self.clock, self.model = work, clock, sequential(work)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        images, labels = batch
        return cross_entropy(self.model(images), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.work.lr, momentum=self.work.beta)

    def on_train_epoch_start(self) -> None:
        self.clock.start()

    def on_train_epoch_end(self) -> None:
        self.clock.stop(weights(self.model))


def epochs(work: Work, n: int, clock: Clock) -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    data = TensorDataset(torch.from_numpy(work.floats), torch.from_numpy(work.labels))
    loader = DataLoader(data, batch_size=work.batch, shuffle=True)
    trainer = lightning.Trainer(max_epochs=n, accelerator="cpu", barebones=True)
    trainer.fit(Module(work, clock), loader)
