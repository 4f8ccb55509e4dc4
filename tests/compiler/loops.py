"""Nests run by plain Python loops: what their words mean, without schedules, storage or vectors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np

from pellucid.compiler.nest import RESULT, VALID, Nest
from pellucid.formula.evaluate import FUNCTION
from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Delta,
    IndexValue,
    Mul,
    Node,
    Not,
    Num,
    Or,
    Power,
    Read,
    Where,
    Within,
)
from pellucid.formula.index import Index

__all__ = ["interpreted"]

COMPARE = {
    "==": np.equal, "!=": np.not_equal,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


def interpreted(nest: Nest, values: Mapping[str, np.ndarray], scalars: Mapping[str, float]) -> None:
    """Runs a nest: its target, one of the `values`, is changed in place."""
    target = values[nest.target.tensor]
    for out in _points(nest.out):
        point = _Point(out, values, scalars, None)
        if nest.op == "map":
            result = point.value(nest.body)
        else:
            result = _Point(out, values, scalars, _reduced(nest, out, values, scalars)).value(nest.finish)
        place = tuple(point.index(i) for i in nest.target.indices)
        assert all(0 <= i < n for i, n in zip(place, target.shape, strict=True))
        target[place] = result + (target[place] if nest.accumulate else 0)


def _points(loops):
    ranges = (range(x.extent) for x in loops)
    return ({x.letter: i for x, i in zip(loops, p, strict=True)} for p in itertools.product(*ranges))


def _reduced(nest, out, values, scalars):
    body, valid = nest.body, None
    if isinstance(body, Where) and body.otherwise == VALID:
        body, valid = body.then, body.condition
    terms = []
    for position, inner in enumerate(_points(nest.reduce)):
        point = _Point({**out, **inner}, values, scalars, None)
        if valid is None or point.holds(valid):
            terms.append((point.value(body), position))
    if nest.op == "sum":
        return math.fsum(v for v, _ in terms)
    best = max(terms, key=lambda t: t[0]) if nest.op.endswith("max") else min(terms, key=lambda t: t[0])
    return best[1] if nest.op.startswith("arg") else best[0]


class _Point:
    """Values at one value of every loop letter."""

    def __init__(self, letters, values, scalars, result):
        self.letters, self.values, self.scalars, self.result = letters, values, scalars, result

    def index(self, index: Index) -> int:
        total = 0
        for monomial, number in index.terms:
            assert len(monomial) <= 1, f"{index} is not affine"
            total += number * (self.letters[monomial[0]] if monomial else 1)
        return total

    def value(self, node: Node) -> float:
        match node:
            case Read() if node == RESULT:
                return self.result
            case Read(tensor, ()) if tensor in self.scalars:
                return self.scalars[tensor]
            case Read(tensor, indices):
                place = tuple(self.index(i) for i in indices)
                array = self.values[tensor]
                known = all(0 <= i < n for i, n in zip(place, array.shape, strict=True))
                return float(array[place]) if known else 0.0
            case Num(number):
                return float(number)
            case IndexValue(index):
                return float(self.index(index))
            case Add(terms):
                return sum(self.value(t) for t in terms)
            case Mul(factors):
                return math.prod(self.value(f) for f in factors)
            case Power(base, exponent):
                return float(np.power(self.value(base), self.value(exponent)))
            case Call(function, arguments):
                return float(FUNCTION[function](*(self.value(a) for a in arguments)))
            case Delta(left, right):
                return float(self.index(left) == self.index(right))
            case Where(condition, then, otherwise):
                return self.value(then if self.holds(condition) else otherwise)
        raise AssertionError(f"{node!r} is left in a nest")

    def holds(self, node: Node) -> bool:
        match node:
            case Compare(op, left, right):
                return bool(COMPARE[op](self.value(left), self.value(right)))
            case Within(index, extent):
                return 0 <= self.index(index) < self.index(extent)
            case And(parts):
                return all(self.holds(p) for p in parts)
            case Or(parts):
                return any(self.holds(p) for p in parts)
            case Not(part):
                return not self.holds(part)
        raise AssertionError(f"{node!r} is left in a nest")
