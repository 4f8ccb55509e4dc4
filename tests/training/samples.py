"""Images that a small network can learn, and trainings that can be compared bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.data import ImageSet
from pellucid.model import Model

__all__ = ["assert_same_model", "blobs", "without_times"]

TIMES = ("seconds", "images_per_second")


def blobs(count: int, seed: int = 0) -> ImageSet:
    """Images of 6 x 6 pixels with a bright corner, of which there are three, and noise."""
    labels = random.integers(random.key(seed, "labels"), 0, 3, (count,))
    noise = random.integers(random.key(seed, "noise"), 0, 120, (count, 1, 6, 6))
    rows, columns = np.array([0, 0, 3])[labels], np.array([0, 3, 0])[labels]
    for image, row, column in zip(noise[:, 0], rows, columns, strict=True):
        image[row : row + 3, column : column + 3] += 100
    return ImageSet(noise.astype(np.uint8), labels, ("left", "right", "below"), "blobs")


def without_times(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the history, but for what no two trainings have alike."""
    return {name: value for name, value in row.items() if name not in TIMES}


def assert_same_model(one: Model, other: Model) -> None:
    """Parameters and history, bit for bit."""
    assert one.parameters.keys() == other.parameters.keys()
    for name, value in one.parameters.items():
        assert bits(value) == bits(other.parameters[name]), name
    assert [*map(without_times, one.history)] == [*map(without_times, other.history)]


def bits(array: NDArray[Any]) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()
