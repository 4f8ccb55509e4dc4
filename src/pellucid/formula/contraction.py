"""Sums of products as matrix products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.formula.views import Array

__all__ = ["contract"]


def contract(factors: Sequence[Array], extents: Sequence[int], kept: int) -> Array:
    """The sum of the product of all factors over the axes from `kept` on.

    Args:
        factors: arrays of one number of axes each; an axis has its extent, or length 1 where it plays no part.
        extents: the extent of each axis.
        kept: how many leading axes stay.

    Returns:
        An array over the first `kept` axes, of length 1 where no factor depends on one.
    """
    left = list(factors)
    summed = set(range(kept, len(extents)))
    scale = 1
    for axis in summed:
        if all(f.shape[axis] == 1 for f in left):
            scale *= extents[axis]
    while True:
        left = [_summed_alone(f, i, left, summed) for i, f in enumerate(left)]
        if len(left) == 1:
            break
        a, b = _smallest_pair(left, summed)
        first, second = left[a], left[b]
        left = [f for i, f in enumerate(left) if i not in (a, b)]
        closed = [x for x in summed if first.shape[x] > 1 and second.shape[x] > 1 and all(f.shape[x] == 1 for f in left)]
        left.append(_product(first, second, sorted(closed)))
    result = left[0].reshape(left[0].shape[:kept])
    return result * scale if scale != 1 else result


def _summed_alone(factor: Array, position: int, factors: Sequence[Array], summed: set[int]) -> Array:
    """Axes that only this factor has are summed before any product."""
    others = [f for i, f in enumerate(factors) if i != position]
    alone = tuple(x for x in summed if factor.shape[x] > 1 and all(f.shape[x] == 1 for f in others))
    return factor.sum(axis=alone, keepdims=True) if alone else factor


def _smallest_pair(factors: Sequence[Array], summed: set[int]) -> tuple[int, int]:
    def cost(pair: tuple[int, int]) -> int:
        a, b = (factors[i] for i in pair)
        others = [f for i, f in enumerate(factors) if i not in pair]
        size = 1
        for x, (m, n) in enumerate(zip(a.shape, b.shape, strict=True)):
            gone = x in summed and all(f.shape[x] == 1 for f in others)
            size *= 1 if gone else max(m, n)
        return size

    pairs = [(i, j) for i in range(len(factors)) for j in range(i + 1, len(factors))]
    return min(pairs, key=cost) if len(pairs) > 1 else pairs[0]


def _product(first: Array, second: Array, closed: Sequence[int]) -> Array:
    if not closed:
        return first * second
    axes = range(first.ndim)
    both = [x for x in axes if x not in closed and first.shape[x] > 1 and second.shape[x] > 1]
    mine = [x for x in axes if x not in closed and first.shape[x] > 1 and second.shape[x] == 1]
    theirs = [x for x in axes if x not in closed and second.shape[x] > 1 and first.shape[x] == 1]
    result = np.matmul(_matrix(first, both, mine, closed), _matrix(second, both, closed, theirs))
    order = both + mine + theirs
    shape = tuple(max(first.shape[x], second.shape[x]) for x in order)
    rest = [x for x in axes if x not in order]
    whole = result.reshape(shape + (1,) * len(rest))
    return whole.transpose(np.argsort(order + rest))


def _matrix(array: Array, batch: Sequence[int], rows: Sequence[int], columns: Sequence[int]) -> Array:
    """The array as matrices; the group whose last axis lies densest in memory is copied innermost."""
    sizes = [int(np.prod([array.shape[x] for x in group])) for group in (batch, rows, columns)]
    rest = [x for x in range(array.ndim) if x not in batch and x not in rows and x not in columns]
    lead = [*rest, *batch]
    if rows and (not columns or abs(array.strides[rows[-1]]) < abs(array.strides[columns[-1]])):
        flat = array.transpose([*lead, *columns, *rows]).reshape(sizes[0], sizes[2], sizes[1])
        flat = flat.transpose(0, 2, 1)
    else:
        flat = array.transpose([*lead, *rows, *columns]).reshape(sizes)
    return flat if batch else flat[0]
