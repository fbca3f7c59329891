"""The model as data: which layers a network has, in order, and the shape of each. No tensors here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from trainer.techniques import initialization
from trainer.techniques.dropout import Dropout
from trainer.techniques.normalization import Normalization
from trainer.techniques.numbers import AtLeastOne, Positive


@dataclass(frozen=True)
class Mlp:
    """Flatten, then Linear → activation for each entry of `hidden`, then Linear to the classes.

    `init`: `default` is torch.nn.Linear's, uniform ±1/√fan_in for weights and biases; `he` normal of variance 2/fan_in (He et
    al. 2015), `xavier` uniform ±√(6/(fan_in + fan_out)) (Glorot & Bengio 2010), `normal` of deviation 1, all with biases 0.
    `init_scale` multiplies the initial weights, so that vanishing and exploding gradients can be provoked.
    """

    name: ClassVar[str] = "mlp"
    hidden: tuple[AtLeastOne, ...] = (128,)
    activation: Literal["relu", "tanh", "sigmoid", "gelu"] = "relu"
    init: initialization.Word = "default"
    init_scale: Positive = 1.0


class LayerSpec(NamedTuple):
    """One layer: its kind, its name in metrics, its input and output width, its number among those of its kind."""

    kind: Literal["dropout", "linear", "standardize", "affine", "activation"]
    name: str
    inputs: int
    outputs: int
    number: int


def blueprint(
    model: Mlp, normalization: Normalization, dropout: Dropout, features: int, classes: int
) -> list[LayerSpec]:
    """The layers of the network in order; `linear1`, `norm1`, … are the names in `grad_norm/<layer>` and the like."""
    layers = [LayerSpec("dropout", "input", features, features, 0)] if dropout.input_rate else []
    width = features
    for number, units in enumerate(model.hidden, start=1):
        linear = LayerSpec("linear", f"linear{number}", width, units, number)
        if normalization.axis is None:
            layers += [linear]
        else:
            normed = width if normalization.before_linear else units
            standardize = LayerSpec("standardize", f"norm{number}", normed, normed, number)
            pair = [standardize, linear] if normalization.before_linear else [linear, standardize]
            layers += [*pair, LayerSpec("affine", f"norm{number}", units, units, number)]
        layers.append(LayerSpec("activation", model.activation, units, units, number))
        if dropout.rate:
            layers.append(LayerSpec("dropout", f"hidden{number}", units, units, number))
        width = units
    number = len(model.hidden) + 1
    return [*layers, LayerSpec("linear", f"linear{number}", width, classes, number)]


MODELS: dict[str, type[Mlp]] = {Mlp.name: Mlp}
