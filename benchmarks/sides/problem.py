"""What all sides are given: one network, its initial values, images in memory, and the batches' order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import zoo
from pellucid.layers import AveragePool2D, Conv2D, MaxPool2D
from pellucid.network import Network, Node

__all__ = ["Problem", "conv_padding", "dense_weight", "pool_window", "problem"]

Array = NDArray[Any]
IMAGES = 2048


@dataclass(frozen=True, eq=False)
class Problem:
    """A network to be trained by plain SGD on the mean cross-entropy, or to be run.

    Attributes:
        network: a chain of layers that ends in logits.
        parameters: float32, public shapes.
        images: (N, C, H, W) float32; N is a multiple of the batch size.
        labels: (N,) int64.
        order: (N,) int64, the numbers of the images in the order in which they are taken, again and again.
        batch: images a step.
        rate: of learning.
    """

    network: Network
    parameters: Mapping[str, Array]
    images: Array
    labels: Array
    order: Array
    batch: int
    rate: float = 1e-3

    def batches(self) -> Iterator[tuple[Array, Array]]:
        """Images and labels of each step until all have been seen."""
        for start in range(0, len(self.order), self.batch):
            numbers = self.order[start : start + self.batch]
            yield self.images[numbers], self.labels[numbers]


def problem(network: Network | str, batch: int, images: int = IMAGES) -> Problem:
    """A problem of random numbers: speed does not depend on what they are."""
    network = zoo.load(network) if isinstance(network, str) else network
    images = -(-images // batch) * batch
    random = np.random.default_rng(0)
    x = random.standard_normal((images, *network.input_shape), np.float32)
    labels = random.integers(0, network.output_shape[0], images)
    return Problem(network, network.initial_parameters(0), x, labels, random.permutation(images), batch)


def conv_padding(layer: Conv2D) -> tuple[int, int]:
    """Zeros above and below, left and right.

    Raises:
        NotImplementedError: an option that no network measured here has.
    """
    top, bottom, left, right = layer.padding
    plain = layer.groups == 1 and layer.stride == layer.dilation == (1, 1) and layer.bias
    if not plain or layer.true_convolution or (top, left) != (bottom, right):
        raise NotImplementedError(f"the other sides are not given {layer}")
    return top, left


def pool_window(layer: MaxPool2D | AveragePool2D) -> tuple[int, int]:
    """Rows and columns of windows that lie side by side.

    Raises:
        NotImplementedError: any others.
    """
    if layer.stride != layer.window or any(layer.padding):
        raise NotImplementedError(f"the other sides are not given {layer}")
    return tuple(layer.window)


def dense_weight(node: Node, before: Node | None, weight: Array, order: str) -> Array:
    """A dense layer's weight with its columns in the order in which a side flattens the images before it.

    Each side may flatten as its storage likes best; then the same network needs its columns permuted.
    """
    if before is None or getattr(before.layer, "order", order) == order:
        return weight
    C, H, W = before.shapes[0][1:]
    if order == "HWC":
        return weight.reshape(-1, C, H, W).transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return weight.reshape(-1, H, W, C).transpose(0, 3, 1, 2).reshape(len(weight), -1)
