"""Expressions evaluated at chosen places, in float64, each value with the size of what it was added up from.

The size of a value is the sum of the absolute values of its terms: the error that rounding may leave in it is
a small multiple of this times the number type's epsilon.  A value that was read has its own absolute value as
size; what is inside a function counts by the function's slope.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import FormulaError
from pellucid.explain.sources import Scope
from pellucid.formula.evaluate import COMPARE, FUNCTION
from pellucid.formula.expression import (
    Add,
    And,
    Bound,
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
    walk,
)
from pellucid.formula.index import Atom, Index, Quotient, flat_parts

__all__ = ["Env", "Evaluator", "Found", "extended", "letters_at"]

Array = NDArray[Any]
# Values of index letters: integer arrays of one number of axes, which fit together.
Env = Mapping[str, Array]
# So many numbers are evaluated at a time.
MOST = 1 << 20

SLOPES: Mapping[str, Callable[[Array, Array], Array]] = {
    "exp": lambda a, f: f,
    "log": lambda a, f: 1 / a,
    "sqrt": lambda a, f: 0.5 / f,
    "abs": lambda a, f: np.ones_like(a),
    "tanh": lambda a, f: 1 - f * f,
    "sigmoid": lambda a, f: f * (1 - f),
    "relu": lambda a, f: (a > 0).astype(np.float64),
    "erf": lambda a, f: 2 / math.sqrt(math.pi) * np.exp(-a * a),
}


class Found(NamedTuple):
    """Values and their sizes."""

    value: Array
    size: Array


def letters_at(indices: Sequence[Index], places: Sequence[Array], extents: Mapping[str, int]) -> Env:
    """The letters of a left side where its indices have these values."""
    found: dict[str, Array] = {}
    for index, place in zip(indices, places, strict=True):
        rest = np.asarray(place)
        for letter in reversed(flat_parts(index) or (index.letter or "",)):
            rest, found[letter] = np.divmod(rest, extents[letter])
    return found


def extended(env: Env, bounds: Sequence[tuple[str, int]]) -> Env:
    """The letters with new ones, each of which runs over an axis of its own behind the others."""
    count = len(bounds)
    wider = {letter: a.reshape(a.shape + (1,) * count) for letter, a in env.items()}
    kept = max((a.ndim for a in env.values()), default=0)
    for axis, (letter, extent) in enumerate(bounds):
        shape = (1,) * (kept + axis) + (extent,) + (1,) * (count - axis - 1)
        wider[letter] = np.arange(extent).reshape(shape)
    return wider


@dataclass(frozen=True)
class Evaluator:
    """Evaluates parts of one formula's equations."""

    scope: Scope

    def extent(self, bound: Bound) -> int:
        return self.scope.ranges.extent(bound)

    def number(self, index: Index, env: Env) -> Array:
        """Values of an index expression used as a number: an exact quotient may be a fraction."""
        return self._polynomial(index, env, whole=False)

    def whole(self, index: Index, env: Env) -> Array:
        """Values of an index, rounded down where a division is not exact."""
        return self._polynomial(index, env, whole=True)

    def _polynomial(self, index: Index, env: Env, *, whole: bool) -> Array:
        total: Array = np.zeros((), np.int64)
        for monomial, coefficient in index.terms:
            product: Array = np.asarray(coefficient)
            for atom in monomial:
                product = product * self._atom(atom, env, whole=whole)
            total = total + product
        return total

    def _atom(self, atom: Atom, env: Env, *, whole: bool) -> Array:
        if isinstance(atom, str):
            return env[atom] if atom in env else np.asarray(self.scope.ranges.value(Index.of(atom)))
        numerator, divisor = self.whole(atom.numerator, env), self.whole(atom.divisor, env)
        if not isinstance(atom, Quotient):
            return numerator % divisor
        return numerator / divisor if atom.exact and not whole else numerator // divisor

    def exact(self, index: Index, env: Env) -> Array:
        """Where the divisions in an index leave no remainder."""
        result: Array = np.asarray(True)
        for atom in index.atoms():
            if isinstance(atom, Quotient) and atom.exact:
                result = result & (self.whole(atom.numerator, env) % self.whole(atom.divisor, env) == 0)
        return result

    def inside(self, read: Read, env: Env) -> Array:
        """Where a read lies inside its tensor."""
        result: Array = np.asarray(True)
        for index, extent in zip(read.indices, self.shape(read), strict=True):
            places = self.whole(index, env)
            result = result & self.exact(index, env) & (places >= 0) & (places < extent)
        return result

    def shape(self, read: Read) -> tuple[int, ...]:
        return self.scope.ranges.shapes.get(read.tensor, ())

    def value(self, node: Expr, env: Env) -> Found:
        match node:
            case Num(number):
                return _known(np.asarray(float(number)))
            case IndexValue(index):
                return _known(self.number(index, env).astype(np.float64))
            case Read():
                return self.read(node, env)
            case Add(terms):
                parts = [self.value(t, env) for t in terms]
                return Found(_added([p.value for p in parts]), _added([p.size for p in parts]))
            case Mul(factors):
                return self._product([self.value(f, env) for f in factors])
            case Power(base, exponent):
                return self._power(self.value(base, env), self.value(exponent, env).value)
            case Call(function, arguments):
                return self._call(function, arguments, env)
            case Delta(left, right):
                equal = self.whole(left, env) == self.whole(right, env)
                return _known(equal.astype(np.float64))
            case Where(condition, then, otherwise):
                test, yes, no = self.test(condition, env), self.value(then, env), self.value(otherwise, env)
                return Found(np.where(test, yes.value, no.value), np.where(test, yes.size, no.size))
            case Reduce():
                return self._reduced(node, env)
        raise FormulaError(f"{node!r} cannot be evaluated")

    def read(self, node: Read, env: Env) -> Found:
        if not node.indices and node.tensor in self.scope.scalars:
            return _known(np.asarray(self.scope.scalars[node.tensor]))
        places = [self.whole(i, env) for i in node.indices]
        clipped = [np.clip(p, 0, s - 1) for p, s in zip(places, self.shape(node), strict=True)]
        inside = self.inside(node, env)
        if node.tensor not in self.scope.arrays:
            found = self._computed(node.tensor, clipped)
            return Found(np.where(inside, found.value, 0.0), np.where(inside, found.size, 0.0))
        array = self.scope.arrays[node.tensor]
        return _known(np.where(inside, array[tuple(clipped)], 0).astype(np.float64))

    def _computed(self, tensor: str, places: Sequence[Array]) -> Found:
        """Elements of a tensor that no run keeps, each computed once from its equation."""
        equation = self.scope.formula.defined[tensor]
        spread = np.broadcast_arrays(*places) if places else []
        shape = spread[0].shape if spread else ()
        flat = np.stack([p.reshape(-1) for p in spread], axis=1) if spread else np.zeros((1, 0), np.int64)
        unique, back = np.unique(flat, axis=0, return_inverse=True)
        inner = math.prod(self.extent(b) for b in _bounds(equation.value))
        step = max(1, MOST // max(inner, 1))
        values: list[Array] = []
        sizes: list[Array] = []
        for start in range(0, len(unique), step):
            part = unique[start : start + step]
            env = letters_at(equation.target.indices, list(part.T), self.scope.ranges.extents)
            found = self.value(equation.value, env)
            values.append(np.broadcast_to(found.value, (len(part),)))
            sizes.append(np.broadcast_to(found.size, (len(part),)))
        at = back.reshape(shape)
        return Found(np.concatenate(values)[at], np.concatenate(sizes)[at])

    def _product(self, parts: Sequence[Found]) -> Found:
        return Found(
            reduce(np.multiply, (p.value for p in parts)), reduce(np.multiply, (p.size for p in parts))
        )

    def _power(self, base: Found, exponent: Array) -> Found:
        value = np.power(base.value, exponent)
        slack = np.where(base.value == 0, 0.0, base.size / np.abs(base.value) - 1)
        return Found(value, np.abs(value) * (1 + np.maximum(1, np.abs(exponent)) * slack))

    def _call(self, function: str, arguments: Sequence[Expr], env: Env) -> Found:
        parts = [self.value(a, env) for a in arguments]
        value = np.asarray(FUNCTION[function](*(p.value for p in parts)), np.float64)
        if function not in SLOPES:
            return Found(value, np.maximum(parts[0].size, parts[1].size))
        (part,) = parts
        slope = np.abs(SLOPES[function](part.value, value))
        inner = 0.0 if isinstance(arguments[0], Read) else part.size
        return Found(value, np.abs(value) + slope * inner)

    def _reduced(self, node: Reduce, env: Env) -> Found:
        bounds = [(b.letter, self.extent(b)) for b in node.letters]
        kept = max((a.ndim for a in env.values()), default=0)
        body = self.value(node.body, extended(env, bounds))
        extents = [extent for _, extent in bounds]
        shape = np.broadcast_shapes(body.value.shape, (1,) * kept + tuple(extents))
        value, size = np.broadcast_to(body.value, shape), np.broadcast_to(body.size, shape)
        axes = tuple(range(kept, kept + len(extents)))
        if node.op in ("sum", "mean"):
            count = math.prod(extents) if node.op == "mean" else 1
            return Found(value.sum(axes) / count, size.sum(axes) / count)
        if node.op in ("max", "min"):
            pick = np.max if node.op == "max" else np.min
            return Found(np.asarray(pick(value, axis=axes)), np.asarray(size.max(axes)))
        raise FormulaError(f"{node!r} stands inside an expression, where no position can be explained")

    def test(self, node: Condition, env: Env) -> Array:
        match node:
            case Compare(op, left, right):
                return np.asarray(COMPARE[op](self.value(left, env).value, self.value(right, env).value))
            case Divides(divisor, index):
                return np.asarray(self.whole(index, env) % self.whole(divisor, env) == 0)
            case Within(index, extent):
                places = self.whole(index, env)
                return np.asarray((places >= 0) & (places < self.whole(extent, env)))
            case And(parts):
                return np.asarray(reduce(np.logical_and, (self.test(p, env) for p in parts)))
            case Or(parts):
                return np.asarray(reduce(np.logical_or, (self.test(p, env) for p in parts)))
            case Not(part):
                return np.logical_not(self.test(part, env))
        raise FormulaError(f"{node!r} cannot be evaluated")


def _known(value: Array) -> Found:
    return Found(value, np.abs(value))


def _added(arrays: Sequence[Array]) -> Array:
    return reduce(np.add, arrays)


def _bounds(value: Expr) -> list[Bound]:
    return [b for n in walk(value) if isinstance(n, Reduce) for b in n.letters]
