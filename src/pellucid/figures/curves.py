"""Learning curves: loss and accuracy, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from pellucid.errors import UsageError
from pellucid.figures.sheet import BLUE, GRAY, ORANGE, POINTS, Figure, framed

__all__ = ["learning_curves"]

Row = Mapping[str, Any]

# A loss that changes by more than this factor is drawn on a logarithmic scale.
_WIDE = 30.0
# Epochs of which each gets a dot of its own.
_DOTTED = 40


def learning_curves(history: Sequence[Row], title: str = "") -> Figure:
    """Loss and, where the network classifies, accuracy against the epoch, with the best validation marked.

    Args:
        history: rows of a training, one an epoch.
        title: of the figure.

    Raises:
        UsageError: there is no epoch yet.

    >>> figure = learning_curves([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
    >>> figure.axes[0].lines[0].get_ydata().tolist()
    [2.0, 1.0]
    """
    if not history:
        raise UsageError("the history has no epoch yet, so there are no curves to draw")
    classifies = any(row.get("accuracy") is not None for row in history)
    figure = Figure(figsize=(9.0 if classifies else 5.0, 3.6), layout="constrained")
    panels = figure.subplots(1, 2 if classifies else 1, squeeze=False)[0]
    _losses(panels[0], history)
    if classifies:
        _accuracies(panels[1], history)
    if title:
        figure.suptitle(title, fontsize=POINTS + 2, parse_math=False)
    return figure


def _losses(axes: Axes, history: Sequence[Row]) -> None:
    best = min(_points(history, "val_loss"), key=lambda point: point[1], default=None)
    found = "" if best is None else f", least {best[1]:.4g} in epoch {best[0]}"
    drawn = _curves(axes, history, "loss", best, found)
    axes.set_title("Loss", loc="left", fontsize=POINTS + 1)
    positive = [value for value in drawn if value > 0]
    if len(positive) == len(drawn) and max(positive) > _WIDE * min(positive):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=min(0.0, *drawn))


def _accuracies(axes: Axes, history: Sequence[Row]) -> None:
    best = max(_points(history, "val_accuracy"), key=lambda point: point[1], default=None)
    found = "" if best is None else f", best {best[1]:.2%} in epoch {best[0]}"
    _curves(axes, history, "accuracy", best, found)
    axes.set_title("Accuracy", loc="left", fontsize=POINTS + 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _curves(
    axes: Axes, history: Sequence[Row], key: str, best: tuple[int, float] | None, found: str
) -> list[float]:
    """Draws what the images to learn from and those to validate with gave; returns all values drawn."""
    framed(axes)
    axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    drawn: list[float] = []
    ways = ((key, "training", BLUE, "-", "o"), (f"val_{key}", "validation" + found, ORANGE, "--", "s"))
    for name, label, colour, line, dot in ways:
        points = _points(history, name)
        if points:
            marker = dot if len(points) <= _DOTTED else ""
            epochs, values = zip(*points, strict=True)
            axes.plot(epochs, values, line, color=colour, label=label, marker=marker, markersize=4)
            drawn += values
    if best is not None:
        axes.plot(*best, "o", markersize=11, markerfacecolor="none", markeredgecolor=GRAY)
    axes.set_xlim(left=max(axes.get_xlim()[0], 0.5))
    axes.legend(fontsize=POINTS, frameon=False)
    return drawn


def _points(history: Sequence[Row], key: str) -> list[tuple[int, float]]:
    """(epoch, value) where there is one."""
    given = ((row["epoch"], row.get(key)) for row in history)
    return [(epoch, value) for epoch, value in given if value is not None and math.isfinite(value)]
