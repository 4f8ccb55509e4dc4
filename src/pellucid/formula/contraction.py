"""Sums of products as matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from pellucid.formula.views import Array

__all__ = ["Contraction"]

# A sum over few positions of many windows is a sum of few large pieces.
FEW_PIECES, LARGE_PIECE = 32, 4096
Key = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
# What becomes of the factors that are left: one step.
Step = Callable[[list[Array]], None]


class Contraction:
    """The sum of the product of all factors over the axes from `kept` on.

    How it is done depends on the shapes and strides of the factors; it is decided once for each.

    Args:
        extents: the extent of each axis.
        kept: how many leading axes stay.

    >>> product = Contraction([2, 2, 3], kept=2)  # [i, j, k]
    >>> a, b = np.arange(6.0).reshape(2, 1, 3), np.ones((1, 2, 3))
    >>> product([a, b])
    array([[ 3.,  3.],
           [12., 12.]])
    """

    def __init__(self, extents: Sequence[int], kept: int) -> None:
        self._extents, self._kept = tuple(extents), kept
        self._steps: dict[Key, list[Step]] = {}

    def __call__(self, factors: Sequence[Array]) -> Array:
        """Over the kept axes, of length 1 where no factor depends on one.

        Args:
            factors: of one number of axes each; an axis has its extent, or length 1 where it plays no part.
        """
        left = list(factors)
        key = tuple((f.shape, f.strides) for f in left)
        steps = self._steps.get(key)
        if steps is None:
            self._steps[key] = _decided(left, self._extents, self._kept)
        else:
            for step in steps:
                step(left)
        return left[0]


def _decided(left: list[Array], extents: tuple[int, ...], kept: int) -> list[Step]:
    """Contracts the factors, and returns the steps that did it."""
    summed = set(range(kept, len(extents)))
    scale = math.prod(extents[x] for x in summed if all(f.shape[x] == 1 for f in left))
    steps: list[Step] = []

    def do(step: Step) -> None:
        step(left)
        steps.append(step)

    while True:
        for position in range(len(left)):
            alone = _alone(position, left, summed)
            if alone:
                do(partial(_sum_alone, position, _sum_over(left[position], alone)))
        if len(left) == 1:
            break
        a, b = _smallest_pair(left, summed)
        others = [f for i, f in enumerate(left) if i not in (a, b)]
        closed = [x for x in sorted(summed) if left[a].shape[x] > 1 and left[b].shape[x] > 1]
        closed = [x for x in closed if all(f.shape[x] == 1 for f in others)]
        do(partial(_multiply, a, b, _product(left[a], left[b], closed)))
    do(partial(_finish, left[0].shape[:kept], scale))
    return steps


def _sum_alone(position: int, total: Callable[[Array], Array], left: list[Array]) -> None:
    left[position] = total(left[position])


def _sum_over(array: Array, axes: tuple[int, ...]) -> Callable[[Array], Array]:
    """The sum over some axes, which stay with length 1: of few large pieces one by one, else by NumPy."""
    pieces = math.prod(array.shape[x] for x in axes)
    if pieces > FEW_PIECES or array.size < pieces * LARGE_PIECE:
        return lambda a: np.add.reduce(a, axis=axes, keepdims=True)
    places = [
        tuple(
            slice(place[axes.index(x)], place[axes.index(x)] + 1) if x in axes else slice(None)
            for x in range(array.ndim)
        )
        for place in np.ndindex(*(array.shape[x] for x in axes))
    ]
    return partial(_sum_of_pieces, places)


def _sum_of_pieces(places: Sequence[tuple[slice, ...]], array: Array) -> Array:
    total = array[places[0]].copy()
    for place in places[1:]:
        total += array[place]
    return total


def _multiply(a: int, b: int, product: Callable[[Array, Array], Array], left: list[Array]) -> None:
    second, first = left.pop(b), left.pop(a)
    left.append(product(first, second))


def _finish(shape: tuple[int, ...], scale: int, left: list[Array]) -> None:
    result = left[0].reshape(shape)
    left[0] = result * scale if scale != 1 else result


def _alone(position: int, factors: Sequence[Array], summed: set[int]) -> tuple[int, ...]:
    """Axes that only this factor has: they are summed before any product."""
    others = [f for i, f in enumerate(factors) if i != position]
    mine = factors[position]
    return tuple(x for x in summed if mine.shape[x] > 1 and all(f.shape[x] == 1 for f in others))


def _smallest_pair(factors: Sequence[Array], summed: set[int]) -> tuple[int, int]:
    """Places of the two factors, in order, whose product is smallest."""

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


def _product(first: Array, second: Array, closed: Sequence[int]) -> Callable[[Array, Array], Array]:
    """The product of two factors of these shapes and strides, summed over the closed axes."""
    if not closed:
        return np.multiply
    open_axes = [x for x in range(first.ndim) if x not in closed]
    both = [x for x in open_axes if first.shape[x] > 1 and second.shape[x] > 1]
    mine = [x for x in open_axes if first.shape[x] > 1 and second.shape[x] == 1]
    theirs = [x for x in open_axes if second.shape[x] > 1 and first.shape[x] == 1]
    left, right = _matrix(first, both, mine, closed), _matrix(second, both, closed, theirs)
    order = both + mine + theirs
    rest = [x for x in range(first.ndim) if x not in order]
    shape = tuple(max(first.shape[x], second.shape[x]) for x in order) + (1,) * len(rest)
    back = tuple(int(x) for x in np.argsort(order + rest))

    def multiply(a: Array, b: Array) -> Array:
        result: Array = np.matmul(left(a), right(b))
        return result.reshape(shape).transpose(back)

    return multiply


def _matrix(
    array: Array, batch: Sequence[int], rows: Sequence[int], columns: Sequence[int]
) -> Callable[[Array], Array]:
    """The array as matrices; innermost is the group whose last axis is densest in memory, or else longer."""
    b, m, n = (math.prod(array.shape[x] for x in group) for group in (batch, rows, columns))
    lead = [x for x in range(array.ndim) if x not in batch and x not in rows and x not in columns] + [*batch]
    if rows and (not columns or _density(array, rows[-1]) < _density(array, columns[-1])):
        order, shape = (*lead, *columns, *rows), (b, n, m)
        if batch:
            return lambda a: a.transpose(order).reshape(shape).transpose(0, 2, 1)
        return lambda a: a.transpose(order).reshape(shape[1:]).T
    order, shape = (*lead, *rows, *columns), (b, m, n)
    if batch:
        return lambda a: a.transpose(order).reshape(shape)
    return lambda a: a.transpose(order).reshape(shape[1:])


def _density(array: Array, axis: int) -> tuple[int, int]:
    """Less is denser."""
    return abs(array.strides[axis]), -array.shape[axis]
