"""A network that suits any image size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

from pellucid.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU, SoftmaxCrossEntropy
from pellucid.layers.options import whole
from pellucid.network import Network
from pellucid.network.node import checked_shape

__all__ = ["default"]

# Below this many pixels an axis is not made shorter.
SMALLEST = 8
# Filters and kernel of each convolution; the last ones are repeated on large images.
STAGES = ((8, 5), (32, 3), (64, 3))
HIDDEN = 64
# Of each label: a small image set is learned by heart otherwise.
SMOOTHING = 0.1


def default(input_shape: Sequence[int], classes: int) -> Network:
    """A network to begin with: convolutions and pools until the maps are small, then dense layers.

    Args:
        input_shape: (C, H, W) of any size, or (features,).
        classes: number of outputs.

    >>> " ".join(node.name for node in default((1, 28, 28), 10).nodes)
    'conv1 relu1 maxpool1 conv2 relu2 maxpool2 flatten1 dense1 relu3 dense2'
    """
    shape = checked_shape(input_shape)
    images = [*_stages(shape[1:]), Flatten()] if len(shape) == 3 else []
    dense = [Dense(HIDDEN), ReLU(), Dense(whole(classes, "classes"))]
    return Network([*images, *dense], shape, SoftmaxCrossEntropy(SMOOTHING), name="default")


def _stages(size: tuple[int, ...]) -> list[Layer]:
    """Convolutions, each with a pool of 2 by 2 after it, as far as each axis is long enough."""
    layers: list[Layer] = []
    stages = chain(STAGES, repeat(STAGES[-1]))
    while not layers or max(size) >= SMALLEST:
        filters, extent = next(stages)
        window = [2 if n >= SMALLEST else 1 for n in size]
        layers += [Conv2D(filters, [min(extent, n) for n in size], padding="same"), ReLU()]
        layers += [MaxPool2D(window)] if max(window) > 1 else []
        size = tuple(n // w for n, w in zip(size, window, strict=True))
    return layers
