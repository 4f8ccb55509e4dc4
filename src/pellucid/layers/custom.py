"""The user's own layer, from equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from pellucid.errors import UsageError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import LETTERS, Layer, Parameter

__all__ = ["FormulaLayer"]


@dataclass(frozen=True)
class FormulaLayer(Layer):
    """A layer that is nothing but its equations; equal in rights to all others.

    Args:
        source: equations in the language of formulas; the last one defines the output, and the images' index
            comes first in it.  ``...`` stands for the letters of the first input.
        parameters: trained arrays by name, each with its index letters.
        constants: values of named constants; a capital letter is the extent of an index letter.
        padding: for an input, ``{axis: amount or (low, high)}``: how far it may be read beyond its ends, as
            zeros in a sum.

    >>> swish = FormulaLayer("y[n,c,i,j] = x[n,c,i,j] * sigmoid(beta[c] * x[n,c,i,j])",
    ...                      parameters={"beta": Parameter(("c",), init=1.0)})
    >>> swish.operands
    ('x',)
    """

    kind: ClassVar[str] = "formula"

    source: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    constants: Mapping[str, int | float] = field(default_factory=dict)
    padding: Mapping[str, Mapping[int, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        formula = self.parsed(LETTERS[4])
        unread = [p for p in self.parameters if p not in formula.operands]
        if unread:
            raise UsageError(f"the formula does not read its parameter {unread[0]!r}")
        if not self.operands:
            raise UsageError(
                "the formula reads no input: everything that it reads is a parameter or a constant"
            )

    def parsed(self, letters: str) -> Formula:
        return Formula.parse(
            self.source,
            constants=self.constants,
            padding=self.padding,
            axes={name: p.letters for name, p in self.parameters.items()},
            ellipsis=letters,
        )

    @property
    def operands(self) -> tuple[str, ...]:
        return tuple(o for o in self.parsed(LETTERS[4]).operands if o not in self.parameters)

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        return self.parsed(LETTERS.get(len(shapes[0]), LETTERS[4]))
