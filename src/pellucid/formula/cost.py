"""How many multiply-adds a formula takes, from its equations alone.

A multiply-add is one product that is added up in a sum, as the equations are written: a product of three
factors counts two, a sum of single elements none.  A sum that does not depend on an index is counted once for
all of its values.

>>> from pellucid.formula.formula import Formula
>>> from pellucid.formula.ranges import solve
>>> f = Formula.parse("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")
>>> multiply_adds(f, solve(f, {"b": (10,), "w": (10, 50), "x": (1, 50)}))
500
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pellucid.formula.expression import (
    Add,
    Expr,
    IndexValue,
    Mul,
    Node,
    Num,
    Power,
    Read,
    Reduce,
    Where,
    children,
    free_letters,
)
from pellucid.formula.formula import CONSTANTS, Formula, target_letters
from pellucid.formula.ranges import Ranges

__all__ = ["multiply_adds"]


def multiply_adds(formula: Formula, ranges: Ranges) -> int:
    """The number of multiply-adds of all equations together, over the whole ranges."""
    scalars = frozenset({*formula.constants, *CONSTANTS})
    total = 0
    for equation in formula.equations:
        extents = {letter: ranges.extents[letter] for letter in target_letters(equation)}
        total += _count(equation.value, extents, ranges, scalars)
    return total


def _count(node: Expr, around: dict[str, int], ranges: Ranges, scalars: frozenset[str]) -> int:
    """Multiply-adds of the sums in an expression that stands within the letters `around`."""
    total = 0
    for reduction in _outermost(node):
        inner = around | {b.letter: ranges.extent(b) for b in reduction.letters}
        total += _count(reduction.body, inner, ranges, scalars)
        if reduction.op in ("sum", "mean"):
            own = free_letters(reduction) | {b.letter for b in reduction.letters}
            times = math.prod(extent for letter, extent in inner.items() if letter in own)
            total += times * _products(reduction.body, scalars)
    return total


def _outermost(node: Node) -> Iterator[Reduce]:
    """The reductions that stand in no other one."""
    if isinstance(node, Reduce):
        yield node
    else:
        for child in children(node):
            yield from _outermost(child)


def _products(body: Expr, scalars: frozenset[str]) -> int:
    """Multiplications in one term of a sum, the last of them together with the addition."""
    terms = body.terms if isinstance(body, Add) else (body,)
    return sum(max(0, _factors(term, scalars) - 1) for term in terms)


def _factors(term: Expr, scalars: frozenset[str]) -> int:
    """Factors that vary; numbers and constants are taken out of the sum."""
    match term:
        case Mul(factors):
            return sum(_factors(f, scalars) for f in factors)
        case Where(_, then, otherwise) if otherwise == Num(0):
            return _factors(then, scalars)
        case Power(base, Num(int(exponent))) if exponent > 1:
            return exponent * _factors(base, scalars)
        case Num() | IndexValue():
            return 0
        case Read(name, ()) if name in scalars:
            return 0
    return 1
