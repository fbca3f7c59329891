"""A trained run as a plain torch.nn.Sequential that anyone can use without this project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from trainer.engine.network import Layout
from trainer.errors import ConfigError
from trainer.experiment import Experiment
from trainer.model import LayerSpec, blueprint
from trainer.report.files import CONFIG
from trainer.report.plain import Unreadable
from trainer.report.reading import read_config
from trainer.run.checkpoint import load_archive

MODEL = "model.pt"
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


def plain_module(e: Experiment, layout: Layout, theta: Tensor, statistics: Tensor) -> nn.Sequential:
    """The network of one run, in eval mode, from its row of parameters [1, P] and running statistics [1, R].

    For `batch_article` γ and β of a layer are folded into its Linear, W' = Wγ and b' = bγ + β: an equivalent plain module.
    """
    module = _skeleton(e, layout.specs)
    values = {segment: where.view(theta)[0].cpu() for segment, where in layout.parameters.items()}
    values |= {segment: where.view(statistics)[0].cpu() for segment, where in layout.statistics.items()}
    specs = [spec for spec in layout.specs if spec.kind != "affine"]  # γ and β lie in the norm or the Linear
    with torch.no_grad():
        for spec, layer in zip(specs, module[1:], strict=True):
            _fill(e, spec, layer, values)
    return module.eval()


def _skeleton(e: Experiment, specs: Sequence[LayerSpec]) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for spec in specs:
        if spec.kind == "linear":
            layers.append(nn.Linear(spec.inputs, spec.outputs))
        elif spec.kind == "standardize":
            layers.append(_norm(e, spec.inputs))
        elif spec.kind == "activation":
            layers.append(ACTIVATIONS[spec.name]())
        elif spec.kind == "dropout":
            layers.append(nn.Dropout(e.dropout.rate if spec.number else e.dropout.input_rate))
    return nn.Sequential(*layers)


def _norm(e: Experiment, width: int) -> nn.Module:
    rule = e.normalization
    if rule.axis == -1:
        return nn.LayerNorm(width, eps=rule.eps)
    return nn.BatchNorm1d(width, eps=rule.eps, momentum=rule.momentum, affine=not rule.before_linear)


def _fill(e: Experiment, spec: LayerSpec, layer: nn.Module, values: dict[tuple[str, str], Tensor]) -> None:
    """Copy a layer's trained values into its torch module."""
    if isinstance(layer, nn.Linear):
        weight, bias = values[spec.name, "weight"], values[spec.name, "bias"]
        norm = f"norm{spec.number}"
        if e.normalization.before_linear and (norm, "scale") in values:
            scale, shift = values[norm, "scale"], values[norm, "shift"]
            weight, bias = weight * scale.mT, bias * scale + shift
        layer.weight.copy_(weight)
        layer.bias.copy_(bias[0])
    elif isinstance(layer, nn.LayerNorm | nn.BatchNorm1d):
        if not e.normalization.before_linear:
            layer.weight.copy_(values[spec.name, "scale"][0])
            layer.bias.copy_(values[spec.name, "shift"][0])
        if isinstance(layer, nn.BatchNorm1d) and layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.copy_(values[spec.name, "mean"][0])
            layer.running_var.copy_(values[spec.name, "var"][0])


def load_model(run_dir: str | Path) -> nn.Sequential:
    """The trained network of a run's directory, in eval mode: images [N, 28, 28] or [N, 784] in [0, 1] → logits [N, classes].

    Raises ConfigError, one sentence, where the directory holds no finished run.
    """
    directory = Path(run_dir)
    try:
        e = Experiment.from_dict(read_config(directory / CONFIG))
        weights = load_archive(directory / MODEL)
    except FileNotFoundError as error:
        raise ConfigError(f"{directory} holds no trained model: {error.filename} is missing.") from None
    except (OSError, Unreadable) as error:
        raise ConfigError(f"{directory / CONFIG} can't be read as the configuration of a run: {error}.") from None
    try:
        linear = [weight for key, weight in weights.items() if key.endswith("weight") and weight.dim() == 2]
        layers = blueprint(e.model, e.normalization, e.dropout, linear[0].shape[1], linear[-1].shape[0])
        module = _skeleton(e, layers)
        module.load_state_dict(weights)
    except (AttributeError, TypeError, LookupError, RuntimeError):
        raise ConfigError(f"{directory / MODEL} is not the network that {directory / CONFIG} describes.") from None
    return module.eval()
