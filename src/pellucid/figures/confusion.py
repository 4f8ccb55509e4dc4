"""The confusion matrix: which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from pellucid.errors import UsageError
from pellucid.figures.sheet import BLUES, GRAY, ORANGES, POINTS, SMALL, Figure, framed, shortened

__all__ = ["confusion_matrix"]

Array = NDArray[Any]

# Classes up to which each count is written into its cell.
_WRITTEN = 30
_LONGEST_NAME = 24


def confusion_matrix(matrix: Array, classes: Sequence[str], title: str = "") -> Figure:
    """A cell for each pair of classes: what was right in blue, what was wrong in orange.

    The shade says which share of the true class's images a cell holds; both colours have a scale of their
    own, for a good model's mistakes are few. The counts are written in, where there is room for them.

    Args:
        matrix: (K, K) counts, a row for each true class and a column for each class given.
        classes: their K names.
        title: of the figure.

    Raises:
        UsageError: a matrix that does not fit the names.

    >>> figure = confusion_matrix(np.array([[8, 2], [1, 9]]), ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['8', '2', '1', '9']
    """
    counts = np.asarray(matrix)
    if counts.shape != (len(classes), len(classes)) or not len(classes):
        raise UsageError(f"a matrix of the shape {counts.shape} was given for {len(classes)} classes")
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [shortened(name, _LONGEST_NAME) for name in classes]
    figure = Figure(figsize=_size(counts, names), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal")
    right = np.eye(len(names), dtype=bool)
    for here, shades, what in ((right, BLUES, "right"), (~right, ORANGES, "wrong")):
        if shares[here].any():
            _shaded(figure, axes, np.where(here, shares, np.nan), shades, what)
    _label(axes, names)
    if len(names) <= _WRITTEN:
        _write(axes, counts, shares, right)
    axes.set_title(title, fontsize=POINTS + 2, parse_math=False)
    return figure


def _size(counts: Array, names: Sequence[str]) -> tuple[float, float]:
    """Width and height in inches, such that counts and names can be read."""
    written = len(names) <= _WRITTEN
    digits = len(f"{counts.max():,}")
    cell = max(0.36, 0.085 * digits + 0.1) if written else 0.14
    text = (0.075 if written else 0.055) * max(map(len, names))
    side = max(cell * len(names), 2.4)
    return side + text + 2.2, side + text + 1.1


def _shaded(figure: Figure, axes: Axes, shares: Array, shades: Colormap, what: str) -> None:
    """Draws the shares that are numbers, with their scale."""
    transparent = shades.with_extremes(bad=(0.0, 0.0, 0.0, 0.0))
    image = axes.imshow(shares, cmap=transparent, vmin=0.0, vmax=np.nanmax(shares))
    bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=max(30, len(shares)), pad=0.02)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    bar.set_label(f"{what}, of the true class's images", size=SMALL + 1)
    bar.ax.tick_params(labelsize=SMALL, color=GRAY)
    bar.outline.set_visible(False)


def _label(axes: Axes, names: Sequence[str]) -> None:
    framed(axes)
    size = POINTS if len(names) <= _WRITTEN else SMALL - 1
    upright = max(map(len, names)) > 3
    places = range(len(names))
    axes.set_xticks(places, names, fontsize=size, parse_math=False, rotation=90 if upright else 0)
    axes.set_yticks(places, names, fontsize=size, parse_math=False)
    axes.tick_params(length=0)
    axes.set(xlabel="class given", ylabel="true class")
    for line in axes.spines.values():
        line.set_visible(True)
    edges = np.arange(1, len(names)) - 0.5
    axes.hlines(edges, -0.5, len(names) - 0.5, color="#EEEEEE", linewidth=0.5)
    axes.vlines(edges, -0.5, len(names) - 0.5, color="#EEEEEE", linewidth=0.5)


def _write(axes: Axes, counts: Array, shares: Array, right: NDArray[np.bool_]) -> None:
    """Writes each count that is not 0 into its cell, in white on a dark one."""
    most = {True: shares[right].max(initial=0.0), False: shares[~right].max(initial=0.0)}
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = shares[row, column] > 0.5 * most[bool(right[row, column])]
        axes.text(
            column, row, f"{counts[row, column]:,}", ha="center", va="center",
            fontsize=POINTS - 1, color="white" if dark else "black",
        )  # fmt: skip
