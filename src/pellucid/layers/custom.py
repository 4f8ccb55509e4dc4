"""The user's own layer, from equations."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import UsageError
from pellucid.formula.formula import Formula, letters_of
from pellucid.formula.index import Index
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import LETTERS, Layer, Parameter
from pellucid.layers.options import MOST, Frozen, OptionError, is_number, is_whole

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
    parameters: Mapping[str, Parameter] = Frozen({})
    constants: Mapping[str, int | float] = Frozen({})
    padding: Mapping[str, Mapping[int, object]] = Frozen({})

    def __post_init__(self) -> None:
        if not isinstance(self.source, str):
            raise OptionError("source", "the text of a formula", self.source)
        object.__setattr__(self, "parameters", _parameters(self.parameters))
        object.__setattr__(self, "constants", _constants(self.constants))
        object.__setattr__(self, "padding", _padding(self.padding))
        formula = self.parsed(LETTERS[4])
        unread = [p for p in self.parameters if p not in formula.operands]
        if unread:
            raise UsageError(f"the formula does not read its parameter {unread[0]!r}")
        _check_affine(formula)
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


def _parameters(given: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
    if not _named(given) or not all(isinstance(p, Parameter) for p in given.values()):
        raise OptionError("parameters", "a mapping from names to Parameter", given)
    return Frozen(given)


def _constants(given: Mapping[str, int | float]) -> Mapping[str, int | float]:
    if not _named(given) or not all(is_whole(v, -MOST) or is_number(v) for v in given.values()):
        raise OptionError("constants", "a mapping from names to finite numbers", given)
    # Integers stay integers: only they may stand in an index.
    return Frozen({name: operator.index(v) if is_whole(v, -MOST) else float(v) for name, v in given.items()})


def _padding(given: Mapping[str, Mapping[int, object]]) -> Mapping[str, Mapping[int, object]]:
    wanted = "a mapping from inputs to {axis: amount or (low, high)}"
    if not _named(given) or not all(isinstance(axes, Mapping) for axes in given.values()):
        raise OptionError("padding", wanted, given)
    sides = {name: {axis: _sides(v) for axis, v in axes.items()} for name, axes in given.items()}
    for axis, both in (item for axes in sides.values() for item in axes.items()):
        if (
            not is_whole(axis, 0)
            or len(both) != 2
            or not all(isinstance(v, str) or is_whole(v, 0) for v in both)
        ):
            raise OptionError("padding", wanted, given)
    return Frozen({name: Frozen(axes) for name, axes in sides.items()})


def _check_affine(formula: Formula) -> None:
    """Refuses reads at a product of letters: no gradient can be gathered from there."""
    for equation, read in formula.reads():
        scope = letters_of(equation)
        for monomial in (m for index in read.indices for m, _ in index.terms):
            factors = [min(found) for atom in monomial if (found := Index((((atom,), 1),)).symbols & scope)]
            if len(factors) > 1:
                raise UsageError(
                    f"{read!r} multiplies the letters {factors[0]!r} and {factors[1]!r}; an index of a layer "
                    "takes a letter only times numbers, constants and sizes"
                )


def _sides(amount: object) -> tuple[object, ...]:
    return tuple(amount) if isinstance(amount, tuple | list) else (amount, amount)


def _named(given: object) -> bool:
    return isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
