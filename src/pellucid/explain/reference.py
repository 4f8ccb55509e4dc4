"""References: the name of one number of a run, ``conv1[0,3,12,7]`` or ``conv1.weight.grad[3,0,1,1]``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pellucid.errors import UsageError

__all__ = ["GRADIENT", "Place", "Reference", "parsed", "placed"]

GRADIENT = ".grad"
LONGEST = 300
# More digits than any index of an array has.
MOST_DIGITS = 18


@dataclass(frozen=True)
class Place:
    """An array of a run: a value by its name, or its gradient."""

    name: str
    gradient: bool = False

    def __str__(self) -> str:
        return self.name + GRADIENT * self.gradient


@dataclass(frozen=True)
class Reference:
    """One element of an array of a run.

    >>> print(Reference(Place("conv1.weight", gradient=True), (3, 0, 1, 1)))
    conv1.weight.grad[3,0,1,1]
    """

    place: Place
    indices: tuple[int, ...] = ()

    def __str__(self) -> str:
        return str(self.place) + (f"[{','.join(map(str, self.indices))}]" if self.indices else "")


def parsed(text: object, shape_of: Callable[[Place], tuple[int, ...]]) -> Reference:
    """The reference that a text is.

    Args:
        text: a name, ``.grad`` if its gradient is meant, and an index for each axis, counted from 0.
        shape_of: the shape of a named array; raises an error for a name that there is not.

    Raises:
        UsageError: the text is no reference, or has another number of indices than the array has axes, or one
            that lies outside.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        given = f"{text!r:.60}" if not isinstance(text, str) else f"a text of {len(text):,} characters"
        raise UsageError(f"a reference is a text such as conv1[0,3,12,7], not {given}")
    match = re.fullmatch(r"\s*([^\[\]\s]+)\s*(?:\[([^\[\]]*)\])?\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is no reference; one such as conv1[0,3,12,7] or loss was expected")
    name, inside = match.groups()
    place = placed(name, shape_of)
    indices = tuple(_index(part, text) for part in inside.split(",")) if inside and inside.strip() else ()
    _check_inside(Reference(place, indices), shape_of(place))
    return Reference(place, indices)


def placed(name: str, shape_of: Callable[[Place], tuple[int, ...]]) -> Place:
    """A value of this name, if there is one; else the gradient that the name asks for."""
    if not name.endswith(GRADIENT):
        return Place(name)
    try:
        shape_of(Place(name))  # a parameter may be called grad
    except UsageError:
        return Place(name.removesuffix(GRADIENT), gradient=True)
    return Place(name)


def _index(part: str, text: str) -> int:
    digits = part.strip()
    if not re.fullmatch(r"[0-9]+", digits) or len(digits) > MOST_DIGITS:
        raise UsageError(f"an index is a whole number, counted from 0, not {digits!r} as in {text!r}")
    return int(digits)


def _check_inside(reference: Reference, shape: tuple[int, ...]) -> None:
    place, indices = reference.place, reference.indices
    if len(indices) != len(shape):
        has = f"has the shape {shape}, so it takes {len(shape)} indices" if shape else "is one number"
        raise UsageError(f"{place} {has}, and {len(indices)} were given")
    for axis, (index, size) in enumerate(zip(indices, shape, strict=True)):
        if index >= size:
            raise UsageError(f"{reference}: index {index} of axis {axis} is not in 0 … {size - 1}")
