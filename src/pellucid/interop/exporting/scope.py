"""One formula on its way into a graph: its letters, its tensors, and what is known before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.formula.evaluate import Builder
from pellucid.formula.expression import (
    Condition,
    Expr,
    Mul,
    Node,
    Num,
    Read,
    Reduce,
    Where,
    as_expr,
    bound_letters,
    free_letters,
    is_singular,
    iverson,
    reads,
    split_coefficient,
    walk,
)
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index, size_of
from pellucid.formula.ranges import Ranges
from pellucid.formula.views import Array, inside
from pellucid.interop.exporting.graph import Dim, Tensor
from pellucid.interop.exporting.windows import Windows, windows

__all__ = ["Scope"]


class Scope:
    """What every part of the lowering looks up.

    Args:
        formula: the equations.
        ranges: their extents and shapes, for some number of images.
        operands: the graph's value behind each operand.
        counted: the symbols that stand for the number of images.

    Attributes:
        tensors: the graph's value behind each tensor that is defined so far.
        extents: of all letters; None is the number of images.
        counted: as given.
    """

    def __init__(
        self, formula: Formula, ranges: Ranges, operands: Mapping[str, Tensor], counted: frozenset[str]
    ) -> None:
        fixed = {letter: n for letter, n in ranges.extents.items() if size_of(letter) not in counted}
        symbols = {s: v for s, v in ranges.symbols.items() if s not in counted}
        self.formula, self.ranges = formula, Ranges(fixed, symbols, ranges.shapes)
        self.tensors = dict(operands)
        self.extents: dict[str, Dim] = {**dict.fromkeys(formula.letters), **fixed}
        self.counted = counted
        self._open = counted | {s for s in formula.letters if size_of(s) in counted}
        self._builder = Builder(formula, self.ranges, np.dtype(np.float64))

    def numbers(self, indices: Sequence[Index]) -> tuple[Index, ...]:
        """Index expressions with numbers in place of sizes and constants."""
        return tuple(self.ranges.number(i) for i in indices)

    def letters_of(self, node: Node) -> set[str]:
        """The index letters that the value depends on."""
        return {s for s in free_letters(node) if s in self.extents}

    def is_known(self, node: Node) -> bool:
        """Whether the value follows from the equation and its constants alone."""
        if any(r.tensor not in self._builder.scalars for r in reads(node)):
            return False
        return not (free_letters(node) | bound_letters(node)) & self._open

    def worked_out(self, node: Node, letters: Sequence[str]) -> Array:
        """The known value: an axis for each letter, of length 1 where it does not depend on it."""
        with np.errstate(all="ignore"):
            if isinstance(node, Condition):
                return self._builder.condition(node, tuple(letters))({})
            return self._builder.value(as_expr(node), tuple(letters))({})

    def factors(self, term: Expr) -> tuple[float, list[Expr]]:
        """The term as a number times factors, whose product may be summed by a contraction.

        A condition that makes the term vanish becomes a factor of ones and zeros, or none at all where what
        is read is 0 as well.
        """
        number, rest = split_coefficient(term)
        found: list[Expr] = []
        for factor in rest.factors if isinstance(rest, Mul) else (rest,):
            if isinstance(factor, Where) and self.masks(factor):
                inner, parts = self.factors(factor.then)
                number = number * inner
                found += (
                    parts if self.is_seen(factor.condition, parts) else [iverson(factor.condition), *parts]
                )
                continue
            if factor != Num(1):
                found.append(factor)
        return float(number), found

    def masks(self, node: Where) -> bool:
        """Whether it is a value times ones and zeros that are known."""
        if node.otherwise != Num(0) or node.then == Num(1) or not self.is_known(node.condition):
            return False
        return not any(is_singular(n) or getattr(n, "function", None) == "exp" for n in walk(node.then))

    def is_seen(self, condition: Condition, factors: Sequence[Expr]) -> bool:
        """Whether a factor reads a zero outside its tensor wherever the known condition fails."""
        touched = [f for f in factors if isinstance(f, Read)]
        used = {s for node in (condition, *touched) for s in self.letters_of(node)}
        letters = sorted(s for s in used if self.extents[s] is not None)
        inner = self.worked_out(condition, letters)
        for node in touched:
            inner = inner | ~self.inside(node, letters)
        return bool(inner.all())

    def inside(self, node: Read, letters: Sequence[str]) -> Array:
        """Where the read stays within its tensor: an axis for each letter, of length 1 if it always does."""
        shape = self.tensors[node.tensor].shape if node.indices else ()
        places = [(i, n) for i, n in zip(self.numbers(node.indices), shape, strict=True) if n is not None]
        extents = {s: self.extents[s] or 0 for s in letters}
        return inside([i for i, _ in places], [n for _, n in places], letters, extents)

    def windows(self, node: Expr, reduction: Reduce) -> Windows | None:
        """The windows that the reduction slides over images, if the expression is such a read."""
        if not isinstance(node, Read) or not node.indices:
            return None
        bound = {b.letter for b in reduction.letters}
        shape = self.tensors[node.tensor].shape
        declared = self.formula.padding.get(node.tensor, ((Index.of(0), Index.of(0)),) * len(shape))
        padding = [(self.ranges.value(low), self.ranges.value(high)) for low, high in declared]
        return windows(Read(node.tensor, self.numbers(node.indices)), bound, self.extents, shape, padding)
