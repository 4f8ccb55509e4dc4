"""The language's definition as a program: one Python number at a time, no NumPy, no plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

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
    reads,
)
from pellucid.formula.formula import Formula
from pellucid.formula.index import Atom, Index, Quotient, Remainder

Tensor = dict[tuple[int, ...], float]

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "abs": abs, "tanh": math.tanh, "erf": math.erf,
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)), "relu": lambda a: max(a, 0.0),
    "maximum": max, "minimum": min,
}  # fmt: skip
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


class OutOfRange(Exception):
    """A read outside its tensor and its padding."""


class Interpreter:
    """Evaluates a formula for letters of known extents.

    Args:
        formula: the equations.
        extents: number of values of every letter.
        operands: each as a mapping from index tuples to numbers, with its shape.
    """

    def __init__(
        self,
        formula: Formula,
        extents: Mapping[str, int],
        operands: Mapping[str, tuple[Tensor, Sequence[int]]],
    ) -> None:
        self.formula, self.extents = formula, extents
        self.sizes = {letter.upper(): extent for letter, extent in extents.items()}
        self.tensors = {name: tensor for name, (tensor, _) in operands.items()}
        self.shapes = {name: tuple(shape) for name, (_, shape) in operands.items()}

    def run(self) -> dict[str, Tensor]:
        for equation in self.formula.equations:
            letters = [s for i in equation.target.indices for s in sorted(i.symbols) if not s[0].isupper()]
            result: Tensor = {}
            for place in self.places(Bound(s) for s in letters):
                result[tuple(self.index(i, place) for i in equation.target.indices)] = self.value(
                    equation.value, place
                )
            self.tensors[equation.name] = result
            self.shapes[equation.name] = tuple(max(axis) + 1 for axis in zip(*result, strict=True))
        return self.tensors

    def places(self, bounds: Iterator[Bound] | Sequence[Bound]) -> Iterator[dict[str, int]]:
        bounds = list(bounds)
        for values in product(*(range(self.extent(b)) for b in bounds)):
            yield {b.letter: v for b, v in zip(bounds, values, strict=True)}

    def extent(self, bound: Bound) -> int:
        if bound.extent is not None:
            return self.index(bound.extent, {})
        return self.extents[bound.letter.rstrip("'")]

    def index(self, index: Index, place: Mapping[str, int]) -> int:
        return sum(c * math.prod(self.atom(a, place) for a in monomial) for monomial, c in index.terms)

    def atom(self, atom: Atom, place: Mapping[str, int]) -> int:
        if isinstance(atom, str):
            known = (place, self.formula.constants, self.sizes)
            return int(next(k[atom] for k in known if atom in k))
        numerator, divisor = self.index(atom.numerator, place), self.index(atom.divisor, place)
        if isinstance(atom, Remainder):
            return numerator % divisor
        if atom.exact and numerator % divisor:
            raise OutOfRange
        return numerator // divisor

    def fraction(self, atom: Atom, place: Mapping[str, int]) -> float:
        """An atom of an index that serves as a number, where divisions need not be exact."""
        if isinstance(atom, Quotient) and atom.exact:
            return self.index(atom.numerator, place) / self.index(atom.divisor, place)
        return self.atom(atom, place)

    def inside(self, read: Read, place: Mapping[str, int]) -> bool:
        """Whether the read falls on an element, not on padding; outside both is an error."""
        where = [self.index(i, place) for i in read.indices]
        shape = self.shapes.get(read.tensor, ())
        padding = self.formula.padding.get(read.tensor, ((Index.of(0), Index.of(0)),) * len(shape))
        for at, size, (low, high) in zip(where, shape, padding, strict=True):
            if not -self.index(low, {}) <= at < size + self.index(high, {}):
                raise OutOfRange(f"{read!r} at {dict(place)}")
        return all(0 <= at < size for at, size in zip(where, shape, strict=True))

    def value(self, node: Expr, place: Mapping[str, int]) -> float:
        match node:
            case Num(number):
                return float(number)
            case IndexValue(index):
                return float(sum(c * math.prod(self.fraction(a, place) for a in m) for m, c in index.terms))
            case Read(tensor, ()) if tensor not in self.tensors:
                return float(self.formula.constants.get(tensor, math.pi))
            case Read(tensor, indices):
                at = tuple(self.index(i, place) for i in indices)
                return self.tensors[tensor][at] if self.inside(node, place) else 0.0
            case Add(terms):
                return math.fsum(self.value(t, place) for t in terms)
            case Mul(factors):
                return math.prod(self.value(f, place) for f in factors)
            case Power(base, exponent):
                return float(self.value(base, place) ** self.value(exponent, place))
            case Call(function, arguments):
                return float(FUNCTIONS[function](*(self.value(a, place) for a in arguments)))
            case Where(condition, then, otherwise):
                return self.value(then if self.holds(condition, place) else otherwise, place)
            case Delta(left, right):
                return float(self.index(left, place) == self.index(right, place))
            case Reduce():
                return self.reduced(node, place)
        raise TypeError(f"no definition of {node!r}")

    def reduced(self, node: Reduce, place: Mapping[str, int]) -> float:
        values: list[tuple[float, int]] = []
        count = 0
        for number, inner in enumerate(self.places(node.letters)):
            here = {**place, **inner}
            count += 1
            if node.op in ("sum", "mean") or self.counts(node.body, here):
                values.append((self.value(node.body, here), number))
        if node.op in ("sum", "mean"):
            return math.fsum(v for v, _ in values) / (count if node.op == "mean" else 1)
        best = (max if node.op.endswith("max") else min)(v for v, _ in values)
        return float(next(n for v, n in values if v == best)) if node.op.startswith("arg") else best

    def counts(self, node: Expr, place: Mapping[str, int]) -> bool:
        """Whether no read of which a maximum's body may consist here is padding."""
        match node:
            case Read() if node.indices:
                return self.inside(node, place)
            case Where(condition, then, otherwise):
                decided = not any(True for _ in reads(condition))
                held = all(self.holds(part, place) for part in _about_indices(condition))
                yes = not held or self.counts(then, place)
                no = (decided and held) or self.counts(otherwise, place)
                return yes and no
            case Add(parts) | Mul(parts) | Call(_, parts):
                return all(self.counts(p, place) for p in parts)
            case Power(left, right):
                return self.counts(left, place) and self.counts(right, place)
        return True

    def holds(self, node: Condition, place: Mapping[str, int]) -> bool:
        match node:
            case Compare(op, left, right):
                return COMPARISONS[op](self.value(left, place), self.value(right, place))
            case Divides(divisor, index):
                return self.index(index, place) % self.index(divisor, place) == 0
            case Within(index, extent):
                try:
                    return 0 <= self.index(index, place) < self.index(extent, place)
                except OutOfRange:
                    return False
            case And(parts):
                first = _about_indices(node)
                rest = [p for p in parts if p not in first]
                return all(self.holds(p, place) for p in (*first, *rest))
            case Or(parts):
                return any(self.holds(p, place) for p in parts)
            case Not(part):
                return not self.holds(part, place)
        raise TypeError(f"no definition of {node!r}")


def _about_indices(condition: Condition) -> list[Condition]:
    """The parts of a conjunction that read no tensor."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return [p for p in parts if not any(True for _ in reads(p))]
