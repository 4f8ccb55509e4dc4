"""How far machine code may be from exact values: a few roundings of the terms that are added up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.formula import evaluate
from pellucid.formula.expression import (
    Add,
    Call,
    Equation,
    Expr,
    Mul,
    Num,
    Power,
    Read,
    Reduce,
    Where,
    add,
    mul,
    power,
)
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Ranges
from pellucid.formula.specialise import specialised

__all__ = ["Array", "errors"]

Array = np.ndarray
# Roundings of a sum's terms, and of anything else relative to its tensor's largest term.
ROUNDINGS, COMPOSED = 16, 256


def errors(
    formula: Formula, ranges: Ranges, got: Mapping[str, Array], given: Mapping[str, Array], dtype: str
) -> dict[str, float]:
    """For each equation the worst error in units of what is allowed.

    Each is worked out in float64 from what the machine code itself found for what the equation reads, so no
    error is passed on from one equation to the next.

    Args:
        formula: forward or backward equations.
        ranges: their extents.
        got: every tensor that the machine code defined.
        given: the operands.
        dtype: number type of the machine code.
    """
    values = {n: np.asarray(a, dtype).astype(np.float64) for n, a in {**given, **got}.items()}
    return {
        equation.name: _error(equation, formula, ranges, values, float(np.finfo(dtype).eps))
        for equation in specialised(formula, ranges).equations
    }


def _error(
    equation: Equation, formula: Formula, ranges: Ranges, values: Mapping[str, Array], eps: float
) -> float:
    def evaluated(value: Expr) -> Array:
        one = Formula((Equation(equation.target, value),), constants=formula.constants)
        return evaluate.planned(one, ranges)({n: a for n, a in values.items() if n != equation.name})[
            equation.name
        ]

    want, size = evaluated(equation.value), np.abs(evaluated(_terms(equation.value)))
    roundings = ROUNDINGS if _is_sum(equation.value) else COMPOSED
    allowed = roundings * eps * (size if roundings == ROUNDINGS else size.max(initial=0.0))
    found = values[equation.name]
    same = (found == want) | (np.isnan(want) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0.0, np.abs(found - want) / np.maximum(allowed, 1e-300))
    return float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0))


def _is_sum(value: Expr) -> bool:
    """Sums of products of what is read, one inside the other, and nothing else."""
    match value:
        case Read() | Num():
            return True
        case Add(terms):
            return all(map(_is_sum, terms))
        case Mul(factors):
            return sum(not isinstance(f, Read | Num) for f in factors) <= 1 and all(map(_is_sum, factors))
        case Reduce("sum" | "mean", _, body):
            return _is_sum(body)
    return False


def _terms(value: Expr) -> Expr:
    """The sum of the sizes of all terms that are added up, of functions' arguments too."""
    if isinstance(value, Num):
        return value if value.value >= 0 else Num(-value.value)
    match value:
        case Add(terms):
            return add(*map(_terms, terms))
        case Mul(factors):
            return mul(*map(_terms, factors))
        case Power(base, Num(exponent)) if isinstance(exponent, int) and exponent > 0:
            return power(_terms(base), Num(exponent))
        case Reduce("sum" | "mean" as op, letters, body):
            return Reduce(op, letters, _terms(body))
        case Reduce("max" | "min", letters, body):
            return Reduce("max", letters, _terms(body))
        case Where(condition, then, otherwise):
            return Where(condition, _terms(then), _terms(otherwise))
        case Call(_, arguments):
            inner = add(*map(_terms, arguments))
            return add(inner, mul(Call("abs", (value,)), add(Num(1), inner)))
    return Call("abs", (value,))
