"""Images with what they are and what they were taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.figures.sheet import BLUE, ORANGE, POINTS, SMALL, Figure, bare, shortened

__all__ = ["Labelled", "images_with_labels"]

Array = NDArray[Any]

_SIDE, _GAP, _EDGE, _CAPTION, _TITLE = 1.1, 0.25, 0.25, 0.36, 0.6
_COLUMNS = 8
_LONGEST_NAME = 17


@dataclass(frozen=True, eq=False)
class Labelled:
    """An image with two lines of words.

    Attributes:
        pixels: (C, H, W), uint8 or floats.
        is_class: what it is.
        given: what it was taken for.
        probability: that the model gave to that.
    """

    pixels: Array
    is_class: str
    given: str
    probability: float


def images_with_labels(images: Sequence[Labelled], title: str = "") -> Figure:
    """The images in rows, each with its class in blue and the class that it was taken for in orange.

    >>> one = Labelled(np.zeros((1, 4, 4)), "cat", "dog", 0.75)
    >>> [text.get_text() for text in images_with_labels([one], "Confused").axes[0].texts][-2:]
    ['cat', 'dog, 75%']
    """
    columns = min(max(len(images), 3), _COLUMNS)
    rows = -(-len(images) // columns)
    width = 2 * _EDGE + columns * (_SIDE + _GAP) - _GAP
    height = _TITLE + rows * (_SIDE + _CAPTION + _GAP)
    figure = Figure(figsize=(max(width, 0.075 * len(title)), height))
    axes = bare(figure)
    limits = axes.get_xlim(), axes.get_ylim()
    axes.text(_EDGE, 0.12, title, fontsize=POINTS + 1, va="top", parse_math=False)
    for key, colour, place in (
        ("true class", BLUE, 0.0),
        ("class given and its probability", ORANGE, 0.75),
    ):
        axes.text(_EDGE + place, 0.36, key, fontsize=SMALL + 1, color=colour, va="top")
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        left, top = _EDGE + column * (_SIDE + _GAP), _TITLE + row * (_SIDE + _CAPTION + _GAP)
        high, wide = (_SIDE * extent / max(image.pixels.shape[1:]) for extent in image.pixels.shape[1:])
        axes.imshow(
            _visible(image.pixels), cmap="gray", vmin=0.0, vmax=1.0, aspect="auto",
            extent=(left, left + wide, top + high, top),
        )  # fmt: skip
        percent = f", {image.probability:.0%}"
        words = (
            (shortened(image.is_class, _LONGEST_NAME), BLUE),
            (shortened(image.given, _LONGEST_NAME - len(percent)) + percent, ORANGE),
        )
        for line, (text, colour) in enumerate(words):
            place = top + _SIDE + 0.05 + 0.15 * line
            axes.text(left, place, text, fontsize=SMALL + 1, color=colour, va="top", parse_math=False)
    axes.set(xlim=limits[0], ylim=limits[1])
    return figure


def _visible(pixels: Array) -> Array:
    """(H, W) or (H, W, 3) from 0 to 1; images of other than three channels as their mean."""
    if pixels.dtype == np.uint8:
        shades = pixels / 255.0
    else:
        known = np.nan_to_num(np.asarray(pixels, np.float64), posinf=0.0, neginf=0.0)
        low, high = known.min(), known.max()
        shades = (known - low) / (high - low or 1.0)
    return shades.transpose(1, 2, 0) if len(shades) == 3 else shades.mean(0)
