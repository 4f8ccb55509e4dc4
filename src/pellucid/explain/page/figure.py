"""The picture of one tensor of a run as a ``<figure>``: readable as it stands, and made live by a script."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.program import LOSS, TARGETS
from pellucid.engine.run import Run
from pellucid.explain.page.layout import ROW, Layout, layout
from pellucid.explain.page.picture import (
    NEGATIVE,
    POSITIVE,
    colour_picture,
    grey_picture,
    signed_picture,
)
from pellucid.explain.reference import placed
from pellucid.explain.sources import Sources
from pellucid.network import INPUT

__all__ = ["figure"]

Array = NDArray[Any]


def figure(run: Run, name: str, *, caption: str, classes: Sequence[str] = ()) -> str:
    """The picture of a tensor.

    Args:
        run: of one image.
        name: of a value or gradient: "conv1", "conv1.weight", "conv1.weight.grad", "input", "loss:prob".
        caption: HTML that stands below it.
        classes: names of the classes, in order; they stand below the outputs, targets and probabilities.

    Returns:
        A ``<figure class="tensor">`` that needs no script.

    Raises:
        UsageError: there is no tensor of this name.
    """
    sources = Sources(run)
    place = placed(name, sources.shape)
    array = sources.array(place)
    plan, described = layout(array.shape), _described(str(place), array)
    is_image = place.name == INPUT and not place.gradient and array.ndim == 4
    picture, legend = (_image if is_image else _values)(array, plan, described)
    by_class = _by_class(run, place.name, array, classes)
    labels = _labels(by_class or [str(k) for k in range(array.size)]) if array.size <= ROW else ""
    lists_classes = f' data-classes="{html.escape(json.dumps(by_class))}"' if by_class else ""
    return (
        f'<figure class="tensor" data-tensor="{html.escape(str(place))}"{lists_classes}>'
        f"{picture}{labels}{legend}<figcaption>{caption}</figcaption></figure>"
    )


def _values(array: Array, plan: Layout, described: str) -> tuple[str, str]:
    """The picture of signed values, and its legend."""
    finite = np.abs(array[np.isfinite(array)])
    limit = float(finite.max()) if finite.size else 0.0
    source = signed_picture(array, plan, limit)
    return _cells(source, plan, described), _legend(float(array.min()), float(array.max()), limit)


def _image(array: Array, plan: Layout, described: str) -> tuple[str, str]:
    """The picture of an image's channels, before it the image in colour, if it has three; and its legend."""
    low, high = min(0.0, float(array.min())), max(1.0, float(array.max()))
    if float(array.min()) < 0:  # normalised pixels: as much of the greys as they use
        low, high = float(array.min()), float(array.max())
    cells = _cells(grey_picture(array, plan, low, high), plan, described)
    legend = _bar(low, "linear-gradient(to right,#000,#fff)", high)
    if array.shape[1] != 3:
        return cells, legend
    height, width = array.shape[2:]
    whole = colour_picture(array[0], low, high)
    side = min(plan.side, 220 / width)
    colour = (
        f'<img class="composite" src="{whole}" alt="the image in its colours" width="{width}"'
        f' height="{height}" style="width:min(100%,{side * width:.0f}px)">'
    )
    return colour + cells, legend


def _cells(source: str, plan: Layout, described: str) -> str:
    height, width = plan.cells
    return (
        f'<div class="cells" style="width:min(100%,{plan.side * width:.0f}px)">'
        f'<img src="{source}" alt="{described}" width="{width}" height="{height}"></div>'
    )


def _described(name: str, array: Array) -> str:
    shape = " × ".join(map(str, array.shape)) or "one number"
    return html.escape(f"{name}: {shape}, from {_short(float(array.min()))} to {_short(float(array.max()))}")


def _legend(least: float, most: float, limit: float) -> str:
    """A bar from the smallest to the largest value, in the colours of the picture."""
    if not limit > 0:
        return '<p class="legend"><span>all are 0</span></p>'

    def shade(value: float) -> str:
        return f"rgba({','.join(map(str, NEGATIVE if value < 0 else POSITIVE))},{abs(value) / limit:.3f})"

    ends = [least, *([0.0] if least < 0 < most else []), most]
    room = most - least or 1.0
    stops = ",".join(f"{shade(v)} {100 * (v - least) / room:.1f}%" for v in ends)
    return _bar(least, f"linear-gradient(to right,{stops})", most)


def _bar(low: float, colours: str, high: float) -> str:
    bar = f'<i style="background-image:{colours}"></i>'
    return f'<p class="legend"><span>{_short(low)}</span>{bar}<span>{_short(high)}</span></p>'


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _by_class(run: Run, name: str, array: Array, classes: Sequence[str]) -> list[str]:
    """The classes, if there is one element for each."""
    speaks = name in (run.network.output, TARGETS) or name.startswith(f"{LOSS}:")
    return list(classes) if speaks and array.ndim == 2 and array.size == len(classes) else []


def _labels(names: Sequence[str]) -> str:
    items = "".join(f"<span>{html.escape(n)}</span>" for n in names)
    return f'<div class="labels" aria-hidden="true">{items}</div>'
