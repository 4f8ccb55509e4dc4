"""Maxima and minima over windows, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pellucid.formula.views import Array

__all__ = ["extreme", "extreme_position"]

# A window is taken position by position up to this many, if there are at least so many windows; otherwise
# NumPy's own reduction is faster.
FEW_POSITIONS, MANY_WINDOWS = 32, 4096


def extreme(array: Array, kept: int, window: Sequence[int], *, largest: bool) -> Array:
    """The largest (or smallest) value over the axes from `kept` on; NaN wins over all.

    Args:
        array: an axis has its extent, or length 1 where the value does not depend on it.
        kept: how many leading axes stay.
        window: extents of the other axes.
        largest: or smallest.
    """
    if _is_few(array, kept, window):
        return _best(_places(array, kept, window), largest=largest)
    axes = tuple(range(kept, array.ndim))
    return np.asarray(array.max(axis=axes) if largest else array.min(axis=axes))


def extreme_position(
    array: Array, kept: int, window: Sequence[int], start: Array | None, *, largest: bool
) -> tuple[Array, Array]:
    """The extreme values and their flattened positions in the window: the first of equals, but the last NaN.

    Args:
        array: as for `extreme`.
        kept: as for `extreme`.
        window: as for `extreme`.
        start: the first position that may be chosen, if not all may; the others hold the worst value.
        largest: or smallest.
    """
    if not _is_few(array, kept, window):
        return _by_search(array, kept, window, start, largest=largest)
    values = _places(array, kept, window)
    best = _best(values, largest=largest)
    at = np.zeros(best.shape, np.int8)
    # From the last position to the first: one more, and back to 0 wherever the extreme is found.
    for value in reversed(values[:-1]):
        at += 1
        at *= value != best
    broken = np.isnan(best)
    if broken.any():
        for number, value in enumerate(values):
            at[broken & np.isnan(value)] = number
    return best, at.astype(np.int32) if start is None else np.maximum(at, start.astype(np.int32))


def _is_few(array: Array, kept: int, window: Sequence[int]) -> bool:
    return math.prod(window) <= FEW_POSITIONS and math.prod(array.shape[:kept]) >= MANY_WINDOWS


def _places(array: Array, kept: int, window: Sequence[int]) -> list[Array]:
    """The values at each position of the window, in row-major order."""
    spread = array.shape[kept:]
    return [
        array[(..., *(p if n > 1 else 0 for p, n in zip(place, spread, strict=True)))]
        for place in np.ndindex(*window)
    ]


def _best(values: Sequence[Array], *, largest: bool) -> Array:
    better = np.maximum if largest else np.minimum
    best = values[0].copy()
    for value in values[1:]:
        better(best, value, out=best)
    return best


def _by_search(
    array: Array, kept: int, window: Sequence[int], start: Array | None, *, largest: bool
) -> tuple[Array, Array]:
    outer = array.shape[:kept]
    flat = np.broadcast_to(array, (*outer, *window)).reshape((*outer, -1))
    at = np.asarray(flat.argmax(-1) if largest else flat.argmin(-1))
    best = np.take_along_axis(flat, at[..., None], -1)[..., 0]
    broken = np.isnan(best)
    if broken.any():
        at[broken] = flat.shape[-1] - 1 - np.isnan(flat[broken])[:, ::-1].argmax(-1)
    return best, (at if start is None else np.maximum(at, start)).astype(np.int32)
