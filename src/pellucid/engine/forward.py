"""Outputs for any number of images, some at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.checks import checked_threads
from pellucid.engine.coupling import coupled_layer
from pellucid.engine.executor import executor
from pellucid.engine.interface import Scaling
from pellucid.engine.numpy_trainer import limited
from pellucid.engine.preparing import prepared
from pellucid.errors import UsageError
from pellucid.network import INPUT, Network, Node

__all__ = ["NumpyPredictor", "images_together"]

Array = NDArray[Any]
# Bytes that the images of one chunk may take on their way through the network.
BUDGET = 32 << 20


class NumpyPredictor:
    """A network with fixed parameters as a function of images."""

    def __init__(
        self, network: Network, parameters: Mapping[str, Array], normalisation: Scaling | None,
        dtype: DTypeLike, threads: int | None,
    ) -> None:  # fmt: skip
        self.network, self.normalisation, self.threads = network, normalisation, checked_threads(threads)
        self.dtype = np.dtype(dtype)
        self.parameters = network.checked_parameters(parameters, self.dtype)
        self.coupled = coupled_layer(network) is not None
        self.chunk = images_together(network, self.dtype.itemsize)

    def __call__(self, images: Array) -> Array:
        """Outputs (N, ...) of images (N, C, H, W) or (N, features), as they lie in a file.

        They go through some at a time; all at once where a layer adds up over images.
        """
        if images.shape[1:] != self.network.input_shape:
            wanted, given = self.network.input_shape, images.shape[1:]
            raise UsageError(f"{self.network.name} takes inputs of the shape {wanted}, not {given}")
        outputs = np.empty((len(images), *self.network.output_shape), self.dtype)
        with limited(self.threads):
            chunk = max(1, len(images)) if self.coupled else self.chunk
            for start in range(0, len(images), chunk):
                part = images[start : start + chunk]
                outputs[start : start + len(part)] = self._outputs(part)
        return outputs

    def _outputs(self, images: Array) -> Array:
        prepare = prepared(self.normalisation, images.shape, self.dtype)
        values = {INPUT: prepare(images), **self.parameters}
        executor(self.network, len(images), self.dtype, loss=False).forward(values)
        return values[self.network.output]


def images_together(network: Network, itemsize: int) -> int:
    """How many images go through the network at once: as many as the budget of bytes allows, 1 to 1024."""
    elements = max(_largest(node) for node in network.nodes)
    return int(np.clip(BUDGET // (itemsize * elements), 1, 1024))


def _largest(node: Node) -> int:
    """Elements that an image takes in the layer if what an equation reads of it is laid out for its sums."""
    extents = node.ranges.extents
    reads = [read.indices for _, read in node.formula.reads() if read.tensor not in node.parameters]
    laid_out = (math.prod(extents.get(s, 1) for s in set().union(*(i.symbols for i in r))) for r in reads)
    return max(math.prod(node.shape), *laid_out)
