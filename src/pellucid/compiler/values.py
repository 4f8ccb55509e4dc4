"""Expressions and conditions as registers: one number, or one a lane where they move along the vector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pellucid.compiler import elementary
from pellucid.compiler.indices import Indices, is_fraction
from pellucid.compiler.memory import Memory
from pellucid.compiler.position import Point
from pellucid.compiler.writer import Value, Writer, many
from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Condition,
    Delta,
    Expr,
    IndexValue,
    Mul,
    Not,
    Num,
    Or,
    Power,
    Read,
    Where,
    Within,
    split_coefficient,
)
from pellucid.formula.index import Index
from pellucid.formula.text import denominator

__all__ = ["Values"]

COMPARISON = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}


class Values:
    """Works out expressions at a position."""

    def __init__(
        self, writer: Writer, indices: Indices, memory: Memory, scalars: Mapping[str, float]
    ) -> None:
        self.writer, self.indices, self.memory, self.scalars = writer, indices, memory, scalars

    def value(self, node: Expr, point: Point) -> Value:
        """What an expression is at a cell."""
        match node:
            case Read(tensor, ()) if tensor in self.scalars:
                return self.writer.constant(self.scalars[tensor], 1)
            case Read():
                return self.memory.load(node, point)
            case Num(number):
                return self.writer.constant(float(number), 1)
            case IndexValue(index):
                return self.indices.number(index, point)
            case Add(terms):
                return self._sum(terms, point)
            case Mul() | Power():
                return self._quotient(node, point)
            case Call(function, arguments):
                return elementary.call(self.writer, function, [self.value(a, point) for a in arguments])
            case Delta(left, right):
                test = self.indices.compared("==", left, right, point)
                return self.writer.selected(test, self.writer.constant(1.0, 1), self.writer.constant(0.0, 1))
            case Where(condition, then, otherwise):
                return self.writer.selected(
                    self.condition(condition, point), self.value(then, point), self.value(otherwise, point)
                )
        raise FormulaError(f"{node!r} is not compiled")

    def added(self, total: Value, term: Expr, point: Point) -> Value:
        """``total + term``, by a fused multiply-add if the term is a product."""
        above, below = denominator(term)
        if len(above) < 2 or below:
            return self.writer.binary("fadd", total, self.value(term, point))
        first = self._product(above[:-1], point)
        return self.writer.fma(first, self.value(above[-1], point), total)

    def condition(self, node: Condition, point: Point) -> Value:
        """The truth value of a condition at a cell."""
        match node:
            case Compare(op, left, right):
                mine, theirs = _as_index(left), _as_index(right)
                if mine is not None and theirs is not None and not is_fraction(mine - theirs):
                    return self.indices.compared(op, mine, theirs, point)
                return self.writer.compared(COMPARISON[op], self.value(left, point), self.value(right, point))
            case Within(index, extent):
                low = self.indices.compared(">=", index, Index.of(0), point)
                high = self.indices.compared("<", index, extent, point)
                return self.writer.joined("and", [low, high])
            case And(parts):
                return self.writer.joined("and", [self.condition(p, point) for p in parts])
            case Or(parts):
                return self.writer.joined("or", [self.condition(p, point) for p in parts])
            case Not(part):
                inner = self.condition(part, point)
                ones = "true" if inner.lanes == 1 else "<" + ", ".join(["i1 true"] * inner.lanes) + ">"
                return self.writer.op(f"xor {many('i1', inner.lanes)} {inner.name}, {ones}", inner.lanes)
        raise FormulaError(f"{node!r} is not compiled")

    def _sum(self, terms: Sequence[Expr], point: Point) -> Value:
        """Terms added from the left, beginning with one that is not subtracted."""
        first = next((t for t in terms if split_coefficient(t)[0] != -1), terms[0])
        rest = list(terms)
        rest.remove(first)
        total = self.value(first, point)
        for term in rest:
            number, inner = split_coefficient(term)
            if number == -1:
                total = self.writer.binary("fsub", total, self.value(inner, point))
            else:
                total = self.added(total, term, point)
        return total

    def _product(self, factors: Sequence[Expr], point: Point) -> Value:
        return self.writer.product([self.value(f, point) for f in factors])

    def _quotient(self, node: Mul | Power, point: Point) -> Value:
        above, below = denominator(node)
        if not below and len(above) == 1 and isinstance(node, Power):
            return self._power(node, point)
        top = self._product(above, point)
        return self.writer.binary("fdiv", top, self._product(below, point)) if below else top

    def _power(self, node: Power, point: Point) -> Value:
        writer = self.writer
        base, number = self.value(node.base, point), self._known_number(node.exponent)
        if number is not None:
            return elementary.power(writer, base, number)
        exponent = self.value(node.exponent, point)
        logarithm = elementary.call(writer, "log", [base])
        return elementary.call(writer, "exp", [writer.binary("fmul", exponent, logarithm)])

    def _known_number(self, node: Expr) -> float | None:
        """The number that an expression of numbers and named constants is; None if it is of another kind."""
        match node:
            case Num(value):
                return float(value)
            case Read(tensor, ()):
                return self.scalars.get(tensor)
            case Mul(factors):
                found = [self._known_number(f) for f in factors]
                return math.prod(f for f in found if f is not None) if None not in found else None
            case Power(base, Num(-1)):
                inner = self._known_number(base)
                return 1 / inner if inner else None
        return None


def _as_index(value: Expr) -> Index | None:
    if isinstance(value, IndexValue):
        return value.index
    return Index.of(value.value) if isinstance(value, Num) and isinstance(value.value, int) else None
