"""Runs to be explained, and numbers of them drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.engine.run import Run
from pellucid.layers import MeanSquaredError
from pellucid.network import Network

__all__ = ["arrays", "drawn", "named", "run_of"]

Array = NDArray[Any]


def run_of(net: Network, images: int = 3, *, engine: str = "numpy", dtype: str = "float32") -> Run:
    """A run with random images and targets, or random gradients at its output if the network has no loss."""
    x = random.normal(random.key(5, "images"), (images, *net.input_shape))
    shape = (images, *net.output_shape)
    if net.loss is None:
        above = {net.output: random.normal(random.key(5, "upstream"), shape)}
        return net.run(x, upstream=above, dtype=dtype, engine=engine, training=True)
    classes = net.output_shape[-1]
    labels = random.integers(random.key(5, "labels"), 0, classes, images)
    y = random.normal(random.key(5, "targets"), shape) if isinstance(net.loss, MeanSquaredError) else labels
    return net.run(x, y, dtype=dtype, engine=engine, training=True)


def arrays(run: Run) -> dict[str, Array]:
    """Every array that an explanation can start from, by its name."""
    sources = run._explainer.sources
    found = {name: np.asarray(run[name]) for name in run}
    found |= {f"{name}.grad": np.asarray(run.grad[name]) for name in run.grad}
    for scope in sources.scopes(gradients=True):
        inner = (scope.places[e.name] for e in scope.formula.equations)
        found |= {str(place): sources.array(place) for place in inner if str(place) not in found}
    return found


def named(name: str, place: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, place))}]" if place else name


def drawn(run: Run, count: int, seed: int) -> Iterator[tuple[str, float]]:
    """So many numbers of each array (all, if it has fewer), as references, and their values."""
    generator = np.random.default_rng(seed)
    for name, array in arrays(run).items():
        for flat in generator.permutation(array.size)[:count]:
            place = tuple(int(i) for i in np.unravel_index(flat, array.shape))
            yield named(name, place), float(array[place])
