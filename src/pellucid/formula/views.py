"""Reads of tensors as NumPy views: one axis for each index letter, no copy where the strides allow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pellucid.errors import GeometryError
from pellucid.formula.index import Atom, Index, Quotient

__all__ = ["Array", "grid", "inside", "numbers", "reader", "whole"]

Array = np.ndarray


def grid(index: Index, letters: Sequence[str], extents: Mapping[str, int]) -> Array:
    """The integer values of an index expression, an axis for each letter (length 1 where it plays no part).

    Quotients that leave a remainder are rounded down; `inside` tells where they count.
    """
    return _sum_of_products(index, len(letters), lambda atom: _atom_grid(atom, letters, extents))


def numbers(index: Index, letters: Sequence[str], extents: Mapping[str, int]) -> Array:
    """The values of an index expression used as a number: quotients that leave a remainder are fractions."""

    def number(atom: Atom) -> Array:
        if isinstance(atom, Quotient) and atom.exact:
            numerator, divisor = (grid(i, letters, extents) for i in (atom.numerator, atom.divisor))
            fraction: Array = numerator / divisor
            return fraction
        return _atom_grid(atom, letters, extents)

    return _sum_of_products(index, len(letters), number)


def _sum_of_products(index: Index, axes: int, image: Callable[[Atom], Array]) -> Array:
    total = np.zeros((1,) * axes, dtype=np.int64)
    for monomial, coefficient in index.terms:
        product = np.full((1,) * axes, coefficient, dtype=np.int64)
        for atom in monomial:
            product = product * image(atom)
        total = total + product
    return total


def _atom_grid(atom: Atom, letters: Sequence[str], extents: Mapping[str, int]) -> Array:
    if isinstance(atom, str):
        if atom not in letters:
            raise GeometryError(f"the value of {atom!r} is not known")
        shape = [1] * len(letters)
        shape[list(letters).index(atom)] = -1
        return np.arange(extents[atom]).reshape(shape)
    numerator, divisor = grid(atom.numerator, letters, extents), grid(atom.divisor, letters, extents)
    result: Array = numerator // divisor if isinstance(atom, Quotient) else numerator % divisor
    return result


def whole(index: Index, letters: Sequence[str], extents: Mapping[str, int]) -> Array:
    """Where divisions in an index that are meant to be exact are, as booleans over the letters."""
    result = np.ones((1,) * len(letters), dtype=bool)
    for atom in index.atoms():
        if isinstance(atom, Quotient) and atom.exact:
            numerator, divisor = (grid(i, letters, extents) for i in (atom.numerator, atom.divisor))
            result = result & (numerator % divisor == 0)
    return result


def inside(
    indices: Sequence[Index], shape: Sequence[int], letters: Sequence[str], extents: Mapping[str, int]
) -> Array:
    """Where all indices lie inside the tensor and divisions in them are exact: booleans over the letters."""
    result = np.ones((1,) * len(letters), dtype=bool)
    for index, size in zip(indices, shape, strict=True):
        result = result & whole(index, letters, extents)
        values = grid(index, letters, extents)
        if values.min() < 0 or values.max() >= size:
            result = result & (values >= 0) & (values < size)
    return result


@dataclass(frozen=True)
class _Affine:
    """One axis read at ``constant + sum(coefficient * letter)``."""

    coefficients: Mapping[str, int]
    constant: int

    def bounds(self, extents: Mapping[str, int]) -> tuple[int, int]:
        low = high = self.constant
        for letter, coefficient in self.coefficients.items():
            step = coefficient * (extents[letter] - 1)
            low, high = low + min(step, 0), high + max(step, 0)
        return low, high


def _affine(index: Index) -> _Affine | None:
    coefficients: dict[str, int] = {}
    constant = 0
    for monomial, coefficient in index.terms:
        if not monomial:
            constant = coefficient
        elif len(monomial) == 1 and isinstance(monomial[0], str):
            coefficients[monomial[0]] = coefficient
        else:
            return None
    return _Affine(coefficients, constant)


def _stuffed(index: Index) -> tuple[int, _Affine] | None:
    """``e/s + c`` with exact division: the stride s and the place ``e + c*s`` among values s apart."""
    atoms = [m[0] for m, c in index.terms if len(m) == 1 and c == 1 and isinstance(m[0], Quotient)]
    if len(atoms) != 1 or not isinstance(atoms[0], Quotient) or not atoms[0].exact:
        return None
    step = atoms[0].divisor.constant
    rest = index - Index((((atoms[0],), 1),))
    if step is None or rest.constant is None:
        return None
    place = _affine(atoms[0].numerator + rest * step)
    return (step, place) if place is not None else None


def reader(
    indices: Sequence[Index], shape: Sequence[int], letters: Sequence[str], extents: Mapping[str, int]
) -> Callable[[Array], Array]:
    """A function from the tensor to its elements at the indices, an axis for each letter; 0 outside."""
    plain = [i.letter for i in indices]
    if (
        all(p in letters for p in plain)
        and len(set(plain)) == len(plain)
        and [extents[str(p)] for p in plain] == list(shape)
    ):
        return _plain_reader([str(p) for p in plain], letters)
    steps: list[Callable[[Array], Array]] = []
    places: list[_Affine] = []
    for axis, index in enumerate(indices):
        place, size = _affine(index), shape[axis]
        if place is None and (stuffed := _stuffed(index)):
            step, place = stuffed
            steps.append(_stuffer(axis, step))
            size = (size - 1) * step + 1
        if place is None:
            used = [s for s in letters if s in index.symbols]
            if len(used) != 1:
                return _gatherer(indices, shape, letters, extents)
            steps.append(_taker(axis, grid(index, used, extents), inside([index], [size], used, extents)))
            place, size = _Affine({used[0]: 1}, 0), extents[used[0]]
        low, high = place.bounds(extents)
        if low < 0 or high >= size:
            before, after = max(0, -low), max(0, high - size + 1)
            steps.append(_padder(axis, before, after))
            place = _Affine(place.coefficients, place.constant + before)
        places.append(place)
    return _strider(steps, places, letters, extents)


def _plain_reader(plain: Sequence[str], letters: Sequence[str]) -> Callable[[Array], Array]:
    order = tuple(plain.index(s) for s in letters if s in plain)
    spread = tuple(slice(None) if s in plain else None for s in letters)
    if order == tuple(range(len(order))):
        return lambda tensor: tensor[spread]
    return lambda tensor: tensor.transpose(order)[spread]


def _stuffer(axis: int, step: int) -> Callable[[Array], Array]:
    def stuff(tensor: Array) -> Array:
        shape = list(tensor.shape)
        shape[axis] = (shape[axis] - 1) * step + 1
        result = np.zeros(shape, tensor.dtype)
        result[(slice(None),) * axis + (slice(None, None, step),)] = tensor
        return result

    return stuff


def _padder(axis: int, before: int, after: int) -> Callable[[Array], Array]:
    def pad(tensor: Array) -> Array:
        shape = list(tensor.shape)
        shape[axis] += before + after
        result = np.zeros(shape, tensor.dtype)
        result[(slice(None),) * axis + (slice(before, before + tensor.shape[axis]),)] = tensor
        return result

    return pad


def _taker(axis: int, table: Array, valid: Array) -> Callable[[Array], Array]:
    repeats = int(np.count_nonzero(table == table[0]))
    if valid.all() and np.array_equal(table - table[0], np.arange(len(table)) // repeats):
        return _repeater(axis, int(table[0]), repeats, len(table))
    places = np.where(valid, table, 0)
    gone = None if valid.all() else (slice(None),) * axis + (np.broadcast_to(~valid, table.shape),)

    def take(tensor: Array) -> Array:
        result = np.take(tensor, places, axis)
        if gone is not None:
            result[gone] = 0
        return result

    return take


def _repeater(axis: int, start: int, repeats: int, count: int) -> Callable[[Array], Array]:
    """Each element of the axis, from `start` on, so many times in a row: `count` elements in all."""
    rows = (slice(None),) * axis
    whole = -(-count // repeats)

    def repeat(tensor: Array) -> Array:
        part = tensor[(*rows, slice(start, start + whole))]
        before, after = part.shape[:axis], part.shape[axis + 1 :]
        result = np.empty((*before, whole, repeats, *after), tensor.dtype)
        for number in range(repeats):
            place: tuple[slice | int, ...] = (*rows, slice(None), number)
            result[place] = part
        return result.reshape(*before, whole * repeats, *after)[(*rows, slice(count))]

    return repeat


def _gatherer(
    indices: Sequence[Index], shape: Sequence[int], letters: Sequence[str], extents: Mapping[str, int]
) -> Callable[[Array], Array]:
    mask = inside(indices, shape, letters, extents)
    places = tuple(np.where(mask, grid(i, letters, extents), 0) for i in indices)
    if mask.all():
        return lambda tensor: tensor[places]
    return lambda tensor: np.where(mask, tensor[places], tensor.dtype.type(0))


def _strider(
    steps: Sequence[Callable[[Array], Array]],
    places: Sequence[_Affine],
    letters: Sequence[str],
    extents: Mapping[str, int],
) -> Callable[[Array], Array]:
    used = [any(s in p.coefficients for p in places) for s in letters]
    shape = tuple(extents[s] if u else 1 for s, u in zip(letters, used, strict=True))
    start = tuple(slice(p.constant, None) for p in places)
    weights = [
        [(axis, p.coefficients[s]) for axis, p in enumerate(places) if s in p.coefficients] for s in letters
    ]

    @lru_cache(maxsize=4)
    def layout(given: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        offset = sum(p.constant * stride for p, stride in zip(places, given, strict=True))
        return offset, tuple(sum(given[axis] * c for axis, c in w) for w in weights)

    def read(tensor: Array) -> Array:
        for step in steps:
            tensor = step(tensor)
        offset, strides = layout(tensor.strides)
        if tensor.flags.c_contiguous:  # the quick way to the same view
            return np.ndarray(shape, tensor.dtype, tensor, offset, strides)
        return np.lib.stride_tricks.as_strided(tensor[start], shape, strides, writeable=False)

    return read
