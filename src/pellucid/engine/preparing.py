"""Images and targets as they lie in memory, made into what a network reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.interface import Scaling
from pellucid.formula.evaluate import plan
from pellucid.layers.preparation import ONE_HOT, normalisation
from pellucid.network import Network

__all__ = ["as_rows", "prepared"]

Array = NDArray[Any]


def prepared(scaling: Scaling | None, shape: tuple[int, ...], dtype: DTypeLike) -> Callable[[Array], Array]:
    """A function that makes inputs of images of this shape, (N, C, H, W) or (N, features)."""
    kind = np.dtype(dtype)
    if scaling is None:
        return lambda images: np.ascontiguousarray(images, kind)
    channels = (shape[1],)
    shapes = {"image": shape, "average": channels, "deviation": channels, "scale": ()}
    equation = plan(normalisation(len(shape)), shapes, kind)
    mean, deviation = scaling.mean.astype(kind), scaling.deviation.astype(kind)
    factors: Mapping[bool, Array] = {True: np.asarray(scaling.scale, kind), False: np.ones((), kind)}

    def prepare(images: Array) -> Array:
        scale = factors[images.dtype.kind in "iub"]
        given = {"image": images.astype(kind), "average": mean, "deviation": deviation, "scale": scale}
        return equation(given)["x"]

    return prepare


def as_rows(network: Network, count: int, dtype: DTypeLike) -> Callable[[Array], Array]:
    """A function that makes targets in the output's shape of `count` labels or of such targets."""
    kind = np.dtype(dtype)
    shape = (count, *network.output_shape)
    one_hot = plan(ONE_HOT, {"label": (count,)}, kind, {"K": shape[-1]})

    def rows(targets: Array) -> Array:
        if network.loss is not None and network.loss.classification and targets.ndim == 1:
            return one_hot({"label": targets})["y"]
        return np.ascontiguousarray(targets, kind).reshape(shape)

    return rows
