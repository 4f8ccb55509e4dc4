"""Formulas worked out slowly in exact fractions, straight from their definition.

Tensors are functions of their indices, given by a mixing of the numbers; functions without an exact value
(``exp``) are replaced by fixed polynomials, which is enough to tell whether two formulas are the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from operator import eq, ge, gt, le, lt, ne

from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Condition,
    Delta,
    Divides,
    Expr,
    IndexValue,
    Mul,
    Not,
    Num,
    Or,
    Power,
    Read,
    Reduce,
    Where,
    Within,
)
from pellucid.formula.index import Index, Quotient, Remainder

Environment = Mapping[str, int]
COMPARE: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


class Undefined(ArithmeticError):
    """The formula has no value here, for instance because it divides by 0."""


def index_value(index: Index, at: Environment) -> int:
    """The integer that an index expression is; `Undefined` where an exact division leaves a remainder."""
    total = 0
    for monomial, coefficient in index.terms:
        value = coefficient
        for atom in monomial:
            value *= at[atom] if isinstance(atom, str) else _quotient(atom, at)
        total += value
    return total


def _quotient(atom: Quotient | Remainder, at: Environment) -> int:
    numerator, divisor = index_value(atom.numerator, at), index_value(atom.divisor, at)
    if divisor < 1 or (isinstance(atom, Quotient) and atom.exact and numerator % divisor):
        raise Undefined
    return numerator % divisor if isinstance(atom, Remainder) else numerator // divisor


def value(node: Expr, at: Environment) -> Fraction:
    """The value of an expression where the letters, constants and sizes have the given values."""
    match node:
        case Num(number):
            return Fraction(number)
        case IndexValue(index):
            return Fraction(index_value(index, at))
        case Read(name, ()) if name in at:
            return Fraction(at[name])
        case Read(name, indices):
            return element(name, tuple(index_value(i, at) for i in indices))
        case Add(terms):
            return sum((value(t, at) for t in terms), Fraction(0))
        case Mul(factors):
            result = Fraction(1)
            for factor in factors:
                result *= value(factor, at)
            return result
        case Power(base, Num(exponent)) if isinstance(exponent, int):
            return raised(value(base, at), exponent)
        case Call(name, arguments):
            return FUNCTIONS[name](*(value(a, at) for a in arguments))
        case Where(condition, then, otherwise):
            return value(then if holds(condition, at) else otherwise, at)
        case Delta(left, right):
            return Fraction(index_value(left, at) == index_value(right, at))
        case Reduce():
            return reduced(node, at)
    raise Undefined


def element(name: str, indices: tuple[int, ...]) -> Fraction:
    """A small number that depends on the tensor and each of its indices."""
    return Fraction(zlib.crc32(repr((name, indices)).encode()) % 13 - 6)


def raised(base: Fraction, exponent: int) -> Fraction:
    if base == 0 and exponent < 0:
        raise Undefined
    return base**exponent


def reduced(node: Reduce, at: Environment) -> Fraction:
    sizes = [index_value(b.size, at) for b in node.letters]
    values = [value(node.body, {**at, **place}) for place in _places(node, sizes)]
    match node.op:
        case "sum" | "mean":
            return sum(values, Fraction(0)) / (len(values) if node.op == "mean" else 1)
        case "max" | "min":
            return max(values) if node.op == "max" else min(values)
    return Fraction(values.index(max(values) if node.op == "argmax" else min(values)))


def _places(node: Reduce, sizes: list[int]) -> Iterator[dict[str, int]]:
    for place in product(*map(range, sizes)):
        yield {b.letter: number for b, number in zip(node.letters, place, strict=True)}


def holds(node: Condition, at: Environment) -> bool:
    """Whether the condition is true there."""
    match node:
        case Compare(op, left, right):
            return COMPARE[op](value(left, at), value(right, at))
        case Divides(divisor, index):
            return index_value(index, at) % index_value(divisor, at) == 0
        case Within(index, extent):
            return 0 <= index_value(index, at) < index_value(extent, at)
        case And(parts):
            return all(holds(p, at) for p in parts)
        case Or(parts):
            return any(holds(p, at) for p in parts)
        case Not(part):
            return not holds(part, at)
    raise Undefined


def _polynomial(*coefficients: int) -> Callable[[Fraction], Fraction]:
    return lambda x: sum((c * x**n for n, c in enumerate(coefficients)), Fraction(0))


FUNCTIONS: Mapping[str, Callable[..., Fraction]] = {
    "exp": _polynomial(1, 2, 3),
    "log": _polynomial(-1, 1, 5),
    "sqrt": _polynomial(2, 0, 1),
    "tanh": _polynomial(0, 3, 0, 1),
    "sigmoid": _polynomial(1, 1, 7),
    "erf": _polynomial(0, 2, 0, 3),
    "abs": abs,
    "relu": lambda x: max(x, Fraction(0)),
    "maximum": max,
    "minimum": min,
}
