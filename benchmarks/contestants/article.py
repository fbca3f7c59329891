"""The article's loop: torchvision's transform sample by sample, a DataLoader, nn.Sequential, torch.optim.SGD."""

from __future__ import annotations

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from benchmarks.contestants.network import sequential, weights
from benchmarks.work import Clock, Work


class Images(Dataset):
    """As torchvision.datasets.MNIST: each sample becomes a PIL image, then what the transform makes of it."""

    def __init__(self, work: Work):
        self.images, self.labels = work.images.reshape(-1, 28, 28), work.labels.tolist()
        self.transform = ToTensor()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[i])), self.labels[i]


def epochs(work: Work, n: int, clock: Clock) -> None:
    loader = DataLoader(Images(work), batch_size=work.batch, shuffle=True)
    model = sequential(work)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=work.lr, momentum=work.beta)
    for _ in range(n):
        clock.start()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        clock.stop(weights(model))
