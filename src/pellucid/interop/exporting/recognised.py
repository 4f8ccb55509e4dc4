"""Convolutions, matrix products and pools, recognised by the structure of their equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pellucid.formula.expression import Expr, Mul, Read, Reduce, as_expr, mul, substitute
from pellucid.formula.index import Index
from pellucid.formula.text import denominator
from pellucid.interop.exporting.scope import Scope
from pellucid.interop.exporting.windows import Windows

__all__ = ["Convolution", "MatrixProduct", "Pool", "average_of_sum", "pool", "product"]


@dataclass(frozen=True)
class Convolution:
    """Weights times the windows of images, or, transposed, images times what they spread out."""

    windows: Windows
    weight: Expr
    groups: tuple[str, ...]
    units: tuple[str, ...]
    channels: tuple[str, ...]

    @property
    def axes(self) -> tuple[str, ...]:
        """Letters of the weights."""
        first, second = (self.units, self.channels)[:: -1 if self.windows.transposed else 1]
        return self.groups + first + second + self.windows.offsets

    @property
    def outputs(self) -> tuple[str, ...]:
        """Letters of the output channels, on which a bias depends."""
        return self.groups + self.units

    @property
    def letters(self) -> tuple[str, ...]:
        return (self.windows.image, *self.outputs, *self.windows.places)


@dataclass(frozen=True)
class MatrixProduct:
    """The sum over the letters `summed` of ``left[row, summed] * right[unit, summed]``."""

    left: Expr
    right: Expr
    row: str
    unit: str
    summed: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.unit,)

    @property
    def letters(self) -> tuple[str, ...]:
        return (self.row, self.unit)


@dataclass(frozen=True)
class Pool:
    """The largest or the average element of each window, channel by channel."""

    kind: str
    windows: Windows
    attributes: dict[str, int | Sequence[int]]

    @property
    def letters(self) -> tuple[str, ...]:
        return (self.windows.image, *self.windows.channels, *self.windows.places)


def product(scope: Scope, node: Expr, letters: Sequence[str]) -> Convolution | MatrixProduct | None:
    """The convolution or matrix product that a sum is, if it is one."""
    if not isinstance(node, Reduce) or node.op != "sum":
        return None
    number, factors = scope.factors(node.body)
    if number != 1 or len(factors) < 2:
        return None
    convolution = _convolution(scope, node, letters) or _convolution(scope, _turned(scope, node), letters)
    return convolution or _matrices(scope, node, factors, letters)


def _convolution(scope: Scope, node: Reduce, letters: Sequence[str]) -> Convolution | None:
    _, factors = scope.factors(node.body)
    bound = [b.letter for b in node.letters]
    for factor in factors:
        found = scope.windows(factor, node)
        if found is None:
            continue
        weight = mul(*(f for f in factors if f is not factor))
        own = scope.letters_of(weight)
        groups = tuple(s for s in found.channels if s not in bound)
        channels = tuple(s for s in found.channels if s in bound)
        units = tuple(s for s in letters if s in own and s not in groups)
        foreign = own & {found.image, *found.places} or set(bound) != {*channels, *found.offsets}
        if not foreign and found.channels == groups + channels:
            return Convolution(found, weight, groups, units, channels)
    return None


def _turned(scope: Scope, node: Reduce) -> Reduce:
    """The same sum, with the letter of each window that runs backwards over the image turned round."""
    read = [
        i for f in scope.factors(node.body)[1] if isinstance(f, Read) for i in scope.numbers(f.indices[2:])
    ]
    behind = {m[0] for i in read if len(i.symbols) > 1 for m, c in i.terms if len(m) == 1 and c < 0}
    turned = {
        b.letter: Index.of(scope.ranges.extent(b) - 1) - b.letter
        for b in node.letters
        if b.letter in behind and scope.extents[b.letter] is not None
    }
    return replace(node, body=as_expr(substitute(node.body, turned)))


def _matrices(
    scope: Scope, node: Reduce, factors: Sequence[Expr], letters: Sequence[str]
) -> MatrixProduct | None:
    summed = tuple(b.letter for b in node.letters)
    free = [s for s in letters if any(s in scope.letters_of(f) for f in factors)]
    if len(free) != 2 or any(scope.extents[s] is None for s in summed):
        return None
    row, unit = free
    left = mul(*(f for f in factors if row in scope.letters_of(f)))
    right = mul(*(f for f in factors if row not in scope.letters_of(f)))
    if scope.letters_of(left) == {row, *summed} and scope.letters_of(right) == {unit, *summed}:
        return MatrixProduct(left, right, row, unit, summed)
    return None


def pool(scope: Scope, node: Reduce) -> Pool | None:
    """The pool that a maximum, mean or sum (then the average is meant, to be multiplied) is, if it is one."""
    found = scope.windows(node.body, node)
    bound = {b.letter for b in node.letters}
    if found is None or node.op not in ("max", "mean", "sum") or bound != set(found.offsets):
        return None
    if found.transposed:
        return None
    if node.op == "max":
        return Pool("MaxPool", found, {**found.attributes()})
    if any(s.dilation != 1 for s in found.slides):
        return None
    padded = any(s.low or s.high for s in found.slides)
    return Pool("AveragePool", found, found.attributes() | ({"count_include_pad": 1} if padded else {}))


def average_of_sum(scope: Scope, node: Expr) -> Pool | None:
    """The average over the pixels in each window that a sum, divided by their number, is."""
    above, below = denominator(node)
    if not isinstance(node, Mul) or len(above) != 1 or not below or not scope.is_known(mul(*below)):
        return None
    if not isinstance(above[0], Reduce) or above[0].op != "sum":
        return None
    found = pool(scope, above[0])
    if found is None or not scope.letters_of(mul(*below)) <= set(found.windows.places):
        return None
    counts = np.ones(())
    for slide in found.windows.slides:
        starts = slide.stride * np.arange(scope.extents[slide.place] or 0) - slide.low
        seen = starts[:, None] + np.arange(slide.kernel)
        counts = counts[..., None] * ((seen >= 0) & (seen < slide.size)).sum(1)
    divisor = scope.worked_out(mul(*below), found.windows.places)
    if counts.min() < 1 or not np.array_equal(np.broadcast_to(divisor, counts.shape), counts):
        return None
    return replace(found, attributes={k: v for k, v in found.attributes.items() if k != "count_include_pad"})
