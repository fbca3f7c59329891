"""What torch.optim makes of the same numbers and gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

sgd, optim = torch.optim.SGD, torch.optim
ORACLES: dict[str, Callable] = {
    "sgd": lambda p, lr, weight_decay: sgd(p, lr, weight_decay=weight_decay),
    "batch_gd": lambda p, lr, weight_decay: sgd(p, lr, weight_decay=weight_decay),
    "momentum": lambda p, lr, beta, weight_decay: sgd(p, lr, beta, dampening=beta, weight_decay=weight_decay),
    "heavy_ball": lambda p, lr, beta, weight_decay: sgd(p, lr, beta, weight_decay=weight_decay),
    "nesterov": lambda p, lr, beta, weight_decay: sgd(p, lr, beta, weight_decay=weight_decay, nesterov=True),
    "adagrad": lambda p, lr, eps, weight_decay: optim.Adagrad(p, lr, eps=eps, weight_decay=weight_decay),
    "rmsprop": lambda p, lr, alpha, eps, weight_decay: optim.RMSprop(p, lr, alpha, eps, weight_decay),
    "adam": lambda p, lr, beta1, beta2, eps, weight_decay: optim.Adam(p, lr, (beta1, beta2), eps, weight_decay),
    "adamw": lambda p, lr, beta1, beta2, eps, weight_decay: optim.AdamW(p, lr, (beta1, beta2), eps, weight_decay),
}


def torch_path(word: str, fields: dict[str, float], start: Tensor, grads: Tensor) -> list[Tensor]:
    """The parameters after each step of torch.optim."""
    parameter = torch.nn.Parameter(start.clone())
    oracle = ORACLES[word]([parameter], **fields)
    if word == "momentum":  # PyTorch's first buffer is g itself, ours starts at 0: a step with g = 0 makes it 0 too
        oracle.param_groups[0]["weight_decay"] = 0
        parameter.grad = torch.zeros_like(parameter)
        oracle.step()
        oracle.param_groups[0]["weight_decay"] = fields["weight_decay"]
    path = []
    for g in grads:
        parameter.grad = g.clone()
        oracle.step()
        path.append(parameter.detach().clone())
    return path
