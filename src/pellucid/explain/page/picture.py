"""A tensor as a small PNG, one pixel an element: hue shows the sign and opacity the size, so zero is paper.

Such a picture serves on light and on dark paper alike.  Pixels of images are grey or, together, in colour.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.explain.page.layout import Layout

__all__ = ["NEGATIVE", "POSITIVE", "colour_picture", "grey_picture", "signed_picture"]

# Red, green and blue of the two signs; told apart by people who do not see red and green alike, too.
NEGATIVE, POSITIVE = (32, 110, 214), (221, 78, 22)
# Entries of the palette: the values from -LEVELS to LEVELS, then what is not a number, then nothing.
LEVELS = 31
BROKEN, NOTHING = 2 * LEVELS + 1, 2 * LEVELS + 2


def signed_picture(array: NDArray[Any], plan: Layout, limit: float) -> str:
    """Values from -limit to limit, as a data URI."""
    scale = LEVELS / limit if limit > 0 else 0.0
    finite = np.isfinite(array)
    levels = np.rint(np.clip(np.where(finite, array, 0) * scale, -LEVELS, LEVELS)).astype(np.int64) + LEVELS
    cells = plan.spread(np.where(finite, levels, BROKEN).astype(np.uint8), NOTHING)
    image = Image.fromarray(cells, "P")
    strengths = [abs(level) / LEVELS for level in range(-LEVELS, LEVELS + 1)]
    colours = [NEGATIVE] * LEVELS + [POSITIVE] * (LEVELS + 1) + [(128, 128, 128), (0, 0, 0)]
    image.putpalette([part for colour in colours for part in colour])
    return _uri(image, transparency=bytes([*(round(255 * s) for s in strengths), 255, 0]))


def grey_picture(array: NDArray[Any], plan: Layout, low: float, high: float) -> str:
    """Pixels from black at `low` to white at `high`, as a data URI."""
    levels = _bytes(array, low, high).astype(np.int64)
    cells = plan.spread(levels, -1)
    layers = np.stack([np.maximum(cells, 0), np.where(cells < 0, 0, 255)], axis=-1)
    return _uri(Image.fromarray(layers.astype(np.uint8), "LA"))


def colour_picture(array: NDArray[Any], low: float, high: float) -> str:
    """An image of shape (3, H, W) in its colours, as a data URI."""
    return _uri(Image.fromarray(np.moveaxis(_bytes(array, low, high), 0, -1).copy(), "RGB"))


def _bytes(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    room = high - low if high > low else 1.0
    values = np.nan_to_num((array.astype(np.float64) - low) / room, nan=0.5, posinf=1, neginf=0)
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)


def _uri(image: Image.Image, **options: Any) -> str:
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")
