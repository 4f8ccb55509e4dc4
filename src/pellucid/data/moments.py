"""Mean and deviation of each channel of an image set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.errors import DataError

__all__ = ["statistics"]

_CHUNK = 2**20  # values counted together: NumPy widens them to 8 bytes each


def statistics(images: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each channel, over all images and pixels.

    uint8 images are counted value by value, so their sums are exact and independent of the order; they are
    measured on the scale 0..1 (255 is 1). Other images are measured as they are.

    Args:
        images: (N, C, H, W), at least one image.

    Returns:
        The means and the deviations (of the population, not of a sample), shape (C,) each, float64. A channel
        that is constant gets the deviation 1, so that one can divide by it.

    Raises:
        DataError: no images, or values so large that float64 has no room for their squares.

    >>> statistics(np.array([[[[0, 255]], [[51, 51]]]], np.uint8))
    (array([0.5, 0.2]), array([0.5, 1. ]))
    """
    if images.ndim != 4 or images.size == 0:
        raise DataError(f"images of the shape (N, C, H, W) were expected, {images.shape} was given")
    of_channel = _exact if images.dtype == np.uint8 else _measured
    with np.errstate(over="ignore", invalid="ignore"):
        moments = [of_channel(images[:, channel]) for channel in range(images.shape[1])]
    means, deviations = np.array(moments, np.float64).T
    if not (np.isfinite(means).all() and np.isfinite(deviations).all()):
        raise DataError("the values of the images are too large to have a mean and a deviation in float64")
    return means.copy(), np.where(deviations > 0.0, deviations, 1.0)


def _exact(values: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and deviation on the scale 0..1, from sums that are whole numbers."""
    histogram = np.zeros(256, np.int64)
    for chunk in _chunks(values):
        histogram += np.bincount(chunk.ravel(), minlength=256)
    counts = histogram.tolist()
    n = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return total / (255 * n), math.sqrt(n * squares - total * total) / (255 * n)


def _measured(values: NDArray[Any]) -> tuple[float, float]:
    """Mean and deviation, measured from the first value so that a constant channel has exactly 0."""
    origin = float(values.flat[0])
    shift = sum(float(np.sum(chunk - origin)) for chunk in _chunks(values, np.float64)) / values.size
    squares = sum(float(np.sum((chunk - origin - shift) ** 2)) for chunk in _chunks(values, np.float64))
    return origin + shift, math.sqrt(squares / values.size)


def _chunks(values: NDArray[Any], dtype: DTypeLike | None = None) -> Iterator[NDArray[Any]]:
    """The images of one channel, some at a time."""
    images = max(1, _CHUNK // math.prod(values.shape[1:]))
    for start in range(0, len(values), images):
        yield np.asarray(values[start : start + images], dtype)
