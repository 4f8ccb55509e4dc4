"""No access leaves its tensor: proved for each one before its code is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.compiler.layout import Tensor
from pellucid.errors import FormulaError
from pellucid.formula.bounds import Interval, interval
from pellucid.formula.expression import Read
from pellucid.formula.index import Index

__all__ = ["Access", "escape", "proved"]


@dataclass(frozen=True)
class Access:
    """One load or store, of one number or of a vector along a letter.

    Attributes:
        read: the element, at affine indices of loop letters.
        tensor: its storage.
        spans: first and last value of each letter in the loops as emitted, a vector's lanes included.
    """

    read: Read
    tensor: Tensor
    spans: Mapping[str, Interval]

    @staticmethod
    def to_all(tensor: Tensor, lanes: int = 1, along: int = 0) -> Access:
        """To every element of a tensor, in vectors along one of its axes, which may end behind it."""
        letters = [f"a{axis}" for axis in range(len(tensor.shape))]
        reached = [-(-n // lanes) * lanes if axis == along else n for axis, n in enumerate(tensor.shape)]
        spans = {letter: (0, n - 1) for letter, n in zip(letters, reached, strict=True)}
        return Access(Read(tensor.name, tuple(map(Index.of, letters))), tensor, spans)


def proved(access: Access) -> None:
    """Returns if the access stays inside its tensor's storage, on every axis, for all values of all letters.

    Raises:
        FormulaError: it can leave it, or its bounds cannot be found; nothing is emitted then.
    """
    reason = escape(access)
    if reason is not None:
        raise FormulaError(reason)


def escape(access: Access) -> str | None:
    """How the access can leave its tensor's storage; None if it is proved that it cannot."""
    tensor = access.tensor
    for axis, index in enumerate(access.read.indices):
        low, high = interval(index, access.spans)
        before = tensor.halo[axis][0]
        if low + before < 0 or high + before >= tensor.allotted[axis]:
            return (
                f"{access.read!r} would reach {low} to {high} on axis {axis} of {tensor.name},"
                f" which is stored from {-before} to {tensor.allotted[axis] - before - 1}"
            )
    return None
