"""A layer's options, checked one by one when the layer is made."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import SupportsIndex, TypeGuard, TypeVar

import numpy as np

from pellucid.errors import UsageError

__all__ = ["Frozen", "OptionError", "flag", "fraction", "is_number", "is_whole", "number", "shown", "whole"]

K = TypeVar("K")
V = TypeVar("V")
# No image, window or number of filters comes near it.
MOST = 2**31
# Larger numbers overflow in the arithmetic of a network.
LARGEST = 1e300


class OptionError(UsageError):
    """An option that is not what it should be; `option` is its name."""

    def __init__(self, option: str, expected: str, value: object) -> None:
        super().__init__(f"{option} is {expected}, not {shown(value)}")
        self.option = option


def shown(value: object) -> str:
    """The value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


class Frozen(Mapping[K, V]):
    """A mapping that never changes, so that layers can be compared, hashed and shared.

    >>> Frozen({"a": 1}) == {"a": 1}, hash(Frozen({"a": 1})) == hash(Frozen({"a": 1}))
    (True, True)
    """

    def __init__(self, items: Mapping[K, V]) -> None:
        self._items = dict(items)

    def __getitem__(self, name: K) -> V:
        return self._items[name]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


def is_whole(value: object, least: int) -> TypeGuard[SupportsIndex]:
    """Whether the value is an integer, of Python's or NumPy's, of at least so much."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return False
    return least <= operator.index(value) <= MOST


def whole(value: SupportsIndex, option: str, least: int = 1) -> int:
    """The integer that an option must be.

    >>> whole(2.5, "units")
    Traceback (most recent call last):
    pellucid.layers.options.OptionError: units is an integer from 1 to 2,147,483,648, not 2.5
    """
    if not is_whole(value, least):
        raise OptionError(option, f"an integer from {least} to {MOST:,}", value)
    return operator.index(value)


def is_number(value: object) -> bool:
    """Whether the value is a finite number, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        return False
    exact = value if isinstance(value, int) else float(value)
    return -LARGEST <= exact <= LARGEST


def number(value: float, option: str) -> float:
    """The finite number that an option must be."""
    if not is_number(value):
        raise OptionError(option, "a finite number", value)
    return float(value)


def fraction(value: float, option: str) -> float:
    """The number that an option must be, at least 0 and less than 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise OptionError(option, "a number of at least 0 and less than 1", value)
    return float(value)


def flag(value: object, option: str) -> bool:
    """The truth value that an option must be."""
    if not isinstance(value, bool):
        raise OptionError(option, "true or false", value)
    return value
