"""Any array as a picture: bars, or one tile a channel, filter or image, all in the same colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pellucid.errors import UsageError
from pellucid.figures.sheet import (
    BLUE,
    GRAY,
    ORANGE,
    ORANGES,
    POINTS,
    SIGNED,
    SMALL,
    Figure,
    bare,
    framed,
)  # fmt: skip

__all__ = ["numbers"]

Array = NDArray[Any]

# Rows and columns of tiles that are drawn; the title says what is left out.
_MOST = 16
_GAP, _EDGE, _CAPTION, _TITLE, _SCALE = 0.08, 0.2, 0.16, 0.4, 0.55


def numbers(values: Array, name: str) -> Figure:
    """The values of an array: blue below 0, orange above, white at 0, gray where there is no number.

    The last two axes are rows and columns of a tile, the others number the tiles; an array of one axis is
    drawn as bars. All tiles share one scale, so that equal colours are equal values.

    Args:
        values: (K,), (H, W), (C, H, W) or (K, C, H, W).
        name: of the array, for the title.

    Raises:
        UsageError: an array of other axes, or without elements.

    >>> figure = numbers(np.zeros((8, 1, 3, 3)), "conv1.weight")
    >>> [text.get_text() for text in figure.axes[0].texts][:3]
    ['conv1.weight, 8 × 1 × 3 × 3', '0,0', '1,0']
    """
    array = np.asarray(values, np.float64)
    if array.ndim not in (1, 2, 3, 4) or not array.size:
        shape = f"the shape {array.shape}" if array.ndim else "a single number"
        raise UsageError(f"{name} has {shape}; an array of one to four axes can be drawn")
    title = f"{name}, {' × '.join(map(str, array.shape))}" if array.ndim > 1 else name
    if array.ndim == 1:
        return _bars(array, title)
    if array.ndim == 2:
        return _matrix(array, title)
    return _tiles(array, title)


def _bars(values: Array, title: str) -> Figure:
    figure = Figure(figsize=(min(4.0 + 0.08 * len(values), 12.0), 3.2), layout="constrained")
    axes = figure.subplots()
    framed(axes)
    known = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    axes.bar(np.arange(len(values)), known, color=np.where(known < 0, BLUE, ORANGE).tolist())
    axes.axhline(0.0, color=GRAY, linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title, loc="left", fontsize=POINTS + 1, parse_math=False)
    return figure


def _matrix(values: Array, title: str) -> Figure:
    rows, columns = values.shape
    size = np.clip((0.25 * columns + 1.6, 0.25 * rows + 1.0), (3.6, 2.2), (11.0, 8.0))
    figure = Figure(figsize=tuple(size), layout="constrained")
    axes = figure.subplots()
    framed(axes)
    shades, low, high = _scale(values)
    image = axes.imshow(values, cmap=shades, vmin=low, vmax=high, aspect="auto")
    bar = figure.colorbar(image, ax=axes, aspect=30, pad=0.02)
    bar.ax.tick_params(labelsize=SMALL, color=GRAY)
    bar.outline.set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title, loc="left", fontsize=POINTS + 1, parse_math=False)
    return figure


def _tiles(values: Array, title: str) -> Figure:
    """One tile for each index of the leading axes, which stands above it."""
    places = _places(values.shape[:-2])
    shown = [place for place in places if place[0] < _MOST and place[1] < _MOST]
    if len(shown) < len(places):
        title += f" ({len(shown):,} of {len(places):,} shown)"
    rows, columns = max(place[0] for place in shown) + 1, max(place[1] for place in shown) + 1
    high, wide = _tile(values.shape[-2:], max(rows, columns))
    width = max(2 * _EDGE + columns * (wide + _GAP), 3.4)
    height = _TITLE + rows * (high + _CAPTION + _GAP) + _SCALE
    figure = Figure(figsize=(width, height))
    axes = bare(figure)
    shades, low, most = _scale(values)
    axes.text(_EDGE, _TITLE / 2, title, fontsize=POINTS + 1, va="center", parse_math=False)
    for row, column, index in shown:
        left = _EDGE + column * (wide + _GAP)
        top = _TITLE + row * (high + _CAPTION + _GAP) + _CAPTION
        caption = ",".join(map(str, index))
        axes.text(left, top - 0.03, caption, fontsize=SMALL, color=GRAY, va="bottom")
        box = (left, left + wide, top + high, top)
        axes.imshow(values[index], cmap=shades, vmin=low, vmax=most, aspect="auto", extent=box)
        axes.add_patch(Rectangle((left, top), wide, high, fill=False, edgecolor="#CCCCCC", linewidth=0.5))
    _draw_scale(axes, shades, low, most, height - _SCALE / 2)
    axes.set(xlim=(0.0, width), ylim=(height, 0.0))
    return figure


def _places(leading: tuple[int, ...]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Row, column and index of each tile: two axes lie crosswise, the longer one across; one is wrapped."""
    indices = list(np.ndindex(*leading))
    if min(leading) > 1 and len(leading) == 2:
        down, across = sorted((0, 1), key=lambda axis: leading[axis])
        return [(index[down], index[across], index) for index in indices]
    width = min(math.ceil(math.sqrt(1.6 * len(indices))), _MOST)
    return [(*divmod(number, width), index) for number, index in enumerate(indices)]


def _tile(shape: tuple[int, ...], count: int) -> tuple[float, float]:
    """Height and width in inches of each of so many tiles in a row, none smaller than can be seen."""
    longest = float(np.clip(9.0 / count, 0.5, 1.2))
    high, wide = (max(longest * extent / max(shape), 0.2) for extent in shape)
    return high, wide


def _scale(values: Array) -> tuple[Colormap, float, float]:
    """Shades and the values at their two ends: symmetric if some are negative, else from 0."""
    known = values[np.isfinite(values)]
    most = float(np.abs(known).max(initial=0.0)) or 1.0
    return (SIGNED, -most, most) if known.min(initial=0.0) < 0 else (ORANGES, 0.0, most)


def _draw_scale(axes: Axes, shades: Colormap, low: float, high: float, at: float) -> None:
    """The colours with the values that they stand for."""
    length, thick = 1.4, 0.1
    ramp = np.linspace(low, high, 256)[np.newaxis]
    box = (_EDGE, _EDGE + length, at + thick / 2 - 0.08, at - thick / 2 - 0.08)
    axes.imshow(ramp, cmap=shades, vmin=low, vmax=high, aspect="auto", extent=box)
    ends = ((_EDGE, low, "left"), (_EDGE + length, high, "right"))
    for place, value, side in ends:
        axes.text(place, at + 0.05, f"{value:.3g}", fontsize=SMALL, va="top", ha=side, color=GRAY)
