"""Images that a model takes for something else, and is sure of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pellucid.figures import Figure

__all__ = ["draw_confused", "most_confused"]

Array = NDArray[Any]


def most_confused(probabilities: Array, labels: Array, guesses: Array) -> NDArray[np.int64]:
    """Numbers of the images that were taken for another class, the surest mistake first.

    Args:
        probabilities: (N, K) that the model gives to each class.
        labels: (N,) what the images are.
        guesses: (N,) what the model takes them for.

    >>> rows = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> most_confused(rows, np.array([0, 0, 0]), np.array([0, 1, 1])).tolist()
    [2, 1]
    """
    wrong = np.flatnonzero(labels != guesses)
    return wrong[np.argsort(-probabilities[wrong, guesses[wrong]], kind="stable")]


def draw_confused(
    images: Array, labels: Array, guesses: Array, probabilities: Array, classes: Sequence[str], most: int
) -> Figure:
    """A figure of the most confused of these images (N, C, H, W)."""
    from pellucid.figures import Labelled, images_with_labels

    found = most_confused(probabilities, labels, guesses)
    title = f"{len(found):,} of {len(labels):,} images taken for another class"
    title += f"; the {most:,} surest mistakes" if len(found) > most else ""
    shown = [
        Labelled(images[at], classes[labels[at]], classes[guesses[at]], float(probabilities[at, guesses[at]]))
        for at in found[:most].tolist()
    ]
    return images_with_labels(shown, title)
