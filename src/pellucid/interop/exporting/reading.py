"""Reads of tensors at index expressions, as slices and gathers.

An index expression takes known values, so what it reads is a table of places. Axes whose expressions share a
letter are read together, as one axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.errors import UsageError
from pellucid.formula.index import Index
from pellucid.formula.views import Array, grid, inside, whole
from pellucid.interop.exporting.graph import Dim, Graph, Tensor
from pellucid.interop.exporting.values import Value, Values

__all__ = ["read"]


def read(values: Values, tensor: Tensor, indices: Sequence[Index], letters: Sequence[str]) -> Value:
    """The tensor at these indices, an axis for each of the letters in them; 0 outside.

    Args:
        values: of the equation.
        tensor: that is read.
        indices: one for each axis, with numbers in place of sizes and constants.
        letters: of the equation, outermost first.

    Raises:
        UsageError: the number of images decides where it is read.
    """
    groups = _together(indices)
    order = [axis for group in groups for axis in group]
    name = tensor.name
    if order != sorted(order):
        name = values.graph.add("Transpose", name, perm=order)
    dims = [_length([tensor.shape[axis] for axis in group], tensor, indices) for group in groups]
    name = values.graph.reshape(name, [tensor.shape[axis] for axis in order], dims)
    found: list[str] = []
    position = 0
    for group, size in zip(groups, tuple(dims), strict=True):
        own = [indices[axis] for axis in group]
        used = [s for s in letters if any(s in i.symbols for i in own)]
        if size is None or any(values.extents[s] is None for s in used):
            _check_plain(own, size, values, tensor, indices)
        else:
            lengths = [tensor.shape[axis] or 0 for axis in group]
            name = _selected(values.graph, name, position, dims, *_table(own, lengths, used, values.extents))
        dims[position : position + 1] = values.dims(used)
        position += len(used)
        found += used
    return values.ordered(Value(name, tuple(found)), letters)


def _together(indices: Sequence[Index]) -> list[list[int]]:
    """The axes in groups that share no letter, each group in order."""
    groups: list[list[int]] = []
    for axis, index in enumerate(indices):
        touched = [g for g in groups if any(indices[other].symbols & index.symbols for other in g)]
        merged = sorted([axis, *(other for g in touched for other in g)])
        groups = [g for g in groups if g not in touched] + [merged]
    return sorted(groups)


def _length(sizes: Sequence[Dim], tensor: Tensor, indices: Sequence[Index]) -> Dim:
    if len(sizes) == 1:
        return sizes[0]
    if None in sizes:
        raise _unknown(tensor, indices)
    return math.prod(size or 0 for size in sizes)


def _check_plain(
    own: Sequence[Index], size: Dim, values: Values, tensor: Tensor, indices: Sequence[Index]
) -> None:
    """The images' axis may be read image by image only."""
    letter = own[0].letter
    if len(own) > 1 or letter is None or size is not None or values.extents.get(letter, 0) is not None:
        raise _unknown(tensor, indices)


def _unknown(tensor: Tensor, indices: Sequence[Index]) -> UsageError:
    where = ",".join(map(str, indices))
    return UsageError(f"{tensor.name} is read at [{where}], which depends on the number of images")


def _table(
    indices: Sequence[Index], sizes: Sequence[int], letters: Sequence[str], extents: Mapping[str, Dim]
) -> tuple[Array, Array, bool]:
    """Places along the joined axis, where they count, and whether they are whole numbers everywhere."""
    known = {s: extents[s] or 0 for s in letters}
    shape = tuple(known.values())
    if len(indices) == 1:
        places = grid(indices[0], letters, known)
        valid = inside(indices, sizes, letters, known)
        exact = bool(whole(indices[0], letters, known).all())
        return np.broadcast_to(places, shape), np.broadcast_to(valid, shape), exact
    places = np.zeros((1,) * len(letters), np.int64)
    for index, size in zip(indices, sizes, strict=True):
        places = places * size + grid(index, letters, known)
    valid = np.broadcast_to(inside(indices, sizes, letters, known), shape)
    return np.broadcast_to(places, shape), valid, bool(valid.all())


def _selected(
    graph: Graph, name: str, axis: int, dims: list[Dim], table: Array, valid: Array, exact: bool
) -> str:
    """The elements of one axis at the places of the table, in its shape; `dims` is kept up to date."""
    size = dims[axis] or 0
    if not valid.all():
        steps = np.unique(np.diff(table.ravel()))
        before, after = (max(0, -int(table.min())), max(0, int(table.max()) - size + 1))
        if not exact or len(steps) > 1:  # all that lies outside is one zero behind the end
            table, before, after = np.where(valid, table, size), 0, 1
        name = _padded(graph, name, axis, dims, before, after)
        table = table + before
        size = dims[axis] or 0
    places = table.ravel()
    if not table.ndim:
        return graph.add("Gather", name, graph.constant(table), axis=axis)
    if not np.array_equal(places, np.arange(size)):
        steps = np.unique(np.diff(places))
        if len(steps) > 1 or 0 in steps:
            return graph.add("Gather", name, graph.constant(table), axis=axis)
        name = _sliced(graph, name, axis, int(places[0]), int(places[-1]), int(steps[0]) if len(steps) else 1)
        dims[axis] = len(places)
    return graph.reshape(name, dims, [*dims[:axis], *table.shape, *dims[axis + 1 :]])


def _padded(graph: Graph, name: str, axis: int, dims: list[Dim], before: int, after: int) -> str:
    amounts = [0] * (2 * len(dims))
    amounts[axis], amounts[len(dims) + axis] = before, after
    dims[axis] = (dims[axis] or 0) + before + after
    return graph.add("Pad", name, graph.integers(amounts))


def _sliced(graph: Graph, name: str, axis: int, first: int, last: int, step: int) -> str:
    end = last + 1 if step > 0 else last - 1 if last else -(2**31)
    return graph.add("Slice", name, *(graph.integers([v]) for v in (first, end, axis, step)))
