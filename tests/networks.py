"""Networks that tests of several rooms train and run."""

from __future__ import annotations

from pellucid.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    SoftmaxCrossEntropy,
)
from pellucid.network import Network

__all__ = ["seed_network", "small_network"]

_SEEDS: dict[str, tuple[tuple[int, int, int], list[Layer]]] = {
    "cifar-two-conv": (
        (3, 32, 32),
        [
            Conv2D(16, 3, padding=1),
            ReLU(),
            MaxPool2D(2),
            Conv2D(32, 3, padding=1),
            ReLU(),
            Flatten(),
            Dense(10),
        ],
    ),
    "mnist-one-conv": ((1, 28, 28), [Conv2D(8, 3), ReLU(), Flatten("HWC"), Dense(10)]),
    "mnist-maxpool": ((1, 28, 28), [Conv2D(8, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(10)]),
    "mnist-avgpool": ((1, 28, 28), [Conv2D(15, 5), ReLU(), AveragePool2D(2), Flatten("HWC"), Dense(10)]),
}


def seed_network(name: str) -> Network:
    """One of the four seed networks."""
    shape, layers = _SEEDS[name]
    return Network(layers, shape, SoftmaxCrossEntropy(), name=name)


def small_network(classes: int = 3, *, dropout: float = 0.0) -> Network:
    """A network for images of 6 x 6 pixels that learns in milliseconds."""
    noise: list[Layer] = [Dropout(dropout)] if dropout else []
    layers: list[Layer] = [Conv2D(4, 3), ReLU(), MaxPool2D(2), Flatten(), *noise, Dense(classes)]
    return Network(layers, (1, 6, 6), SoftmaxCrossEntropy(), name="small")
