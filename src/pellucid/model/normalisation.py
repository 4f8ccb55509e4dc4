"""How images become a network's input: the same at training and ever after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError

__all__ = ["Normalisation"]


@dataclass(frozen=True, eq=False)
class Normalisation:
    """``(image * scale - mean) / deviation``, channel by channel (or feature by feature).

    The equation stands in `pellucid.layers.preparation`; engines evaluate it.

    Attributes:
        mean: shape (C,), float64, of the scaled images that the network was trained on.
        deviation: shape (C,), float64, above 0.
        scale: what whole numbers are multiplied by, 1/255 for pixels from 0 to 255; fractions are taken to be
            on the scale of the mean already.

    Raises:
        DataError: shapes that differ, or numbers that cannot be used.

    >>> Normalisation(np.array([0.5]), np.array([0.0]))
    Traceback (most recent call last):
    pellucid.errors.DataError: means are finite, and deviations and the scale are finite and above 0
    """

    mean: NDArray[Any]
    deviation: NDArray[Any]
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
