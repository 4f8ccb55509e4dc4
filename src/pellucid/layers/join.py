"""Layers that join branches of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import UsageError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import Layer, letters_for

__all__ = ["Add"]


@dataclass(frozen=True)
class Add(Layer):
    """The sum of two or more inputs of one shape, named by `inputs`.

    Raises:
        UsageError: fewer than two are named.

    >>> print(Add(inputs=("conv1", "conv2")).formula(((1, 8), (1, 8))))
    y[n,d] = x1[n,d] + x2[n,d]
    """

    kind: ClassVar[str] = "add"

    def __post_init__(self) -> None:
        if self.inputs is None or len(self.inputs) < 2:
            raise UsageError(
                'Add joins at least two named inputs, for instance Add(inputs=("conv1", "conv2"))'
            )

    @property
    def operands(self) -> tuple[str, ...]:
        return tuple(f"x{i + 1}" for i in range(len(self.inputs or ())))

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        letters = letters_for(shapes[0], "Add")
        return Formula.parse("y[...] = " + " + ".join(f"{o}[...]" for o in self.operands), ellipsis=letters)
