"""How images become a network's input: the same at training and ever after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pellucid.errors import DataError
from pellucid.formula.evaluate import evaluate
from pellucid.layers.preparation import normalisation

__all__ = ["Normalisation"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Normalisation:
    """``(image * scale - mean) / deviation``, channel by channel (or feature by feature).

    Attributes:
        mean: shape (C,), float64, of the scaled images that the network was trained on.
        deviation: shape (C,), float64, above 0.
        scale: what whole numbers are multiplied by, 1/255 for pixels from 0 to 255; fractions are taken to be
            on the scale of the mean already.

    >>> n = Normalisation(np.array([0.5]), np.array([0.25]), scale=1 / 255)
    >>> n.apply(np.array([[[[0, 255]]]], np.uint8), np.float64)
    array([[[[-2.,  2.]]]])
    """

    mean: Array
    deviation: Array
    scale: float = 1.0

    def __post_init__(self) -> None:
        mean, deviation = np.asarray(self.mean, np.float64), np.asarray(self.deviation, np.float64)
        if mean.ndim != 1 or mean.shape != deviation.shape:
            raise DataError(
                f"a mean and a deviation for each channel were expected, "
                f"shapes {mean.shape} and {deviation.shape} were given"
            )
        finite = np.isfinite([*mean, *deviation, self.scale]).all()
        if not finite or (deviation <= 0).any() or self.scale <= 0:
            raise DataError("means are finite, and deviations and the scale are finite and above 0")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "deviation", deviation)

    def apply(self, images: ArrayLike, dtype: DTypeLike = np.float32) -> Array:
        """The network's input, shape (N, C, H, W) or (N, features), from images of that shape.

        Raises:
            DataError: images of another number of channels.
        """
        array = np.asarray(images)
        if array.ndim < 2 or array.shape[1] != len(self.mean):
            raise DataError(
                f"images with {len(self.mean)} channels were expected, the shape {array.shape} was given"
            )
        scale = self.scale if array.dtype.kind in "iub" else 1.0
        operands = {
            "image": array.astype(dtype),
            "average": self.mean.astype(dtype),
            "deviation": self.deviation.astype(dtype),
            "scale": np.asarray(scale, dtype),
        }
        return evaluate(normalisation(array.ndim), operands)["x"]
