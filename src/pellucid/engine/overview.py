"""A run at a glance: each of its arrays with its shape, its range and its mean."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pellucid.engine.run import Run

__all__ = ["as_html", "as_line"]

COLUMNS = ("name", "shape", "least", "mean", "largest", "gradient, largest")


def as_line(run: Run) -> str:
    """The network, the number of images and the loss, on one line."""
    images = len(run["input"])
    loss = f", loss {run.loss:.6g}" if "loss" in run else ""
    return f"<Run of {run.network.name!r}: {images} image{'s' * (images != 1)}, {run.dtype}{loss}>"


def as_html(run: Run) -> str:
    """A table with a row for each value that is not inside a layer."""
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    cells = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in _rows(run))
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    caption = html.escape(as_line(run)[1:-1])
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _rows(run: Run) -> Iterator[tuple[str, ...]]:
    known = run.grad.known
    for name in (n for n in run if ":" not in n):
        value = np.asarray(run[name])
        largest = f"{np.max(np.abs(known[name]), initial=0):.4g}" if name in known else ""
        yield name, _shape(value), *_range(value), largest


def _shape(value: NDArray[Any]) -> str:
    return " × ".join(map(str, value.shape)) or "1"


def _range(value: NDArray[Any]) -> tuple[str, str, str]:
    if not value.size:
        return "", "", ""
    return f"{value.min():.4g}", f"{value.mean():.4g}", f"{value.max():.4g}"
