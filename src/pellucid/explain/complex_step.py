"""Partial derivatives without a rule of differentiation: the slope of a function along the imaginary axis.

For an analytic f the imaginary part of ``f(x + ih)`` is ``h f'(x)``, up to h cubed; as nothing is subtracted,
h can be so small that only rounding is left.  Derivations are checked with it, by none of their own rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import FormulaError
from pellucid.explain.evaluation import Env, Evaluator, Found, extended
from pellucid.formula.bounds import direct_reads
from pellucid.formula.expression import (
    Add,
    Call,
    Delta,
    Derivative,
    Expr,
    IndexValue,
    Mul,
    Num,
    Power,
    Read,
    Reduce,
    Where,
)

__all__ = ["ComplexStep"]

Array = NDArray[Any]
STEP = 1e-30


def _erf(z: Array) -> Array:
    from scipy.special import erf

    return np.asarray(erf(z))


# Continued to complex numbers; at kinks by the real part, and with the slopes that the conventions give them.
FUNCTIONS: Mapping[str, Callable[..., Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "erf": _erf,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "abs": lambda z: np.where(z.real < 0, -z, np.where(z.real > 0, z, 0)),
    "relu": lambda z: np.where(z.real > 0, z, 0),
    "maximum": lambda a, b: np.asarray(np.where(a.real >= b.real, a, b)),
    "minimum": lambda a, b: np.asarray(np.where(a.real <= b.real, a, b)),
}


@dataclass(frozen=True)
class ComplexStep(Evaluator):
    """Evaluates expressions in which derivatives stand."""

    def value(self, node: Expr, env: Env) -> Found:
        if isinstance(node, Derivative):
            slope = np.imag(self.moved(node.value, env, node.element)) / STEP
            return Found(slope, np.abs(slope))
        return super().value(node, env)

    def moved(self, node: Expr, env: Env, element: Read) -> Array:
        """The value where one element is moved by a small imaginary number."""
        match node:
            case Num() | IndexValue() | Delta():
                return self.value(node, env).value.astype(complex)
            case Read(tensor):
                value = self.read(node, env).value.astype(complex)
                return (
                    value + 1j * STEP * self._hit(node, env, element) if tensor == element.tensor else value
                )
            case Add(terms):
                return reduce(np.add, [self.moved(t, env, element) for t in terms])
            case Mul(factors):
                return reduce(np.multiply, [self.moved(f, env, element) for f in factors])
            case Power(base, exponent):
                return np.power(self.moved(base, env, element), self.moved(exponent, env, element))
            case Call(function, arguments):
                return FUNCTIONS[function](*(self.moved(a, env, element) for a in arguments))
            case Where(condition, then, otherwise):
                yes, no = self.moved(then, env, element), self.moved(otherwise, env, element)
                return np.where(self.test(condition, env), yes, no)
            case Reduce():
                return self._reduced_moved(node, env, element)
        raise FormulaError(f"{node!r} has no derivative that could be checked")

    def _hit(self, read: Read, env: Env, element: Read) -> Array:
        """Where a read is the element."""
        hit = self.inside(read, env)
        for mine, theirs in zip(read.indices, element.indices, strict=True):
            hit = hit & (self.whole(mine, env) == self.whole(theirs, env))
        return hit

    def _reduced_moved(self, node: Reduce, env: Env, element: Read) -> Array:
        bounds = [(b.letter, self.extent(b)) for b in node.letters]
        kept, inner = max((a.ndim for a in env.values()), default=0), extended(env, bounds)
        body = self.moved(node.body, inner, element)
        extents = tuple(extent for _, extent in bounds)
        full = np.broadcast_to(body, np.broadcast_shapes(body.shape, (1,) * kept + extents))
        flat = full.reshape((*full.shape[:kept], prod(full.shape[kept:])))  # perhaps of no terms
        if node.op in ("sum", "mean"):
            total: Array = flat.sum(-1)
            return total / flat.shape[-1] if node.op == "mean" else total
        if node.op not in ("max", "min"):
            raise FormulaError(f"{node!r} is a position, which has no derivative")
        worst = -np.inf if node.op == "max" else np.inf
        valid = np.broadcast_to(self._valid(node, inner), full.shape).reshape(flat.shape)
        keys = np.where(valid, flat.real, worst)
        at = keys.argmax(-1) if node.op == "max" else keys.argmin(-1)
        return np.asarray(np.take_along_axis(flat, at[..., None], -1)[..., 0])

    def _valid(self, node: Reduce, env: Env) -> Array:
        """Where no element lies in padding, which is never chosen."""
        valid: Array = np.asarray(True)
        for read, guards in direct_reads(node.body):
            failing: Sequence[Array] = [~self.test(g, env) for g in guards]
            valid = valid & reduce(np.logical_or, failing, self.inside(read, env))
        return valid
