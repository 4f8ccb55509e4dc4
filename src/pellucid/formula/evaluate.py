"""Formulas evaluated with NumPy: the reference for everything else.

>>> import numpy as np
>>> f = Formula.parse("y[i] = sum[u] w[u] * x[i + u]")
>>> evaluate(f, {"w": np.array([1.0, -1.0]), "x": np.array([1.0, 4.0, 9.0])})["y"]
array([-3., -5.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

import numpy as np
from numpy.typing import DTypeLike

from pellucid.errors import FormulaError, GeometryError
from pellucid.formula.bounds import direct_reads
from pellucid.formula.contraction import Contraction
from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Condition,
    Delta,
    Divides,
    Equation,
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
    is_singular,
    split_coefficient,
    walk,
)
from pellucid.formula.extremes import extreme, extreme_position
from pellucid.formula.formula import CONSTANTS, Formula, target_letters
from pellucid.formula.index import Index
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.formula.text import denominator
from pellucid.formula.views import Array, grid, inside, numbers, reader

__all__ = ["Plan", "evaluate", "plan"]

Values = dict[str, Array]
Evaluator = Callable[[Values], Array]


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return np.asarray(erf(x))


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


FUNCTION: Mapping[str, Callable[..., Array]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "tanh": np.tanh, "sigmoid": _sigmoid,
    "relu": lambda x: np.maximum(x, 0), "erf": _erf, "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip
COMPARE: Mapping[str, Callable[[Array, Array], Array]] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal,
    ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A formula made ready for operands of fixed shapes."""

    formula: Formula
    ranges: Ranges
    dtype: np.dtype
    steps: tuple[tuple[str, Evaluator], ...]

    def __call__(self, operands: Mapping[str, Array]) -> Values:
        """All operands and all defined tensors, by name; shapes as in `ranges`."""
        with np.errstate(all="ignore"):
            return self.values(operands)

    def values(self, operands: Mapping[str, Array]) -> Values:
        """The same, where NumPy has been told already that no floating-point result is worth a warning."""
        values = dict(operands)
        for name, step in self.steps:
            values[name] = step(values)
        return values


def plan(
    formula: Formula,
    shapes: Mapping[str, Shape],
    dtype: DTypeLike = np.float64,
    sizes: Mapping[str, int] | None = None,
) -> Plan:
    """Solves the ranges and prepares every equation; what was prepared lately is kept."""
    kind = np.dtype(dtype)
    return _kept(formula, tuple(shapes.items()), kind, tuple((sizes or {}).items()))


@lru_cache(maxsize=128)
def _kept(
    formula: Formula,
    shapes: tuple[tuple[str, Shape], ...],
    dtype: np.dtype,
    sizes: tuple[tuple[str, int], ...],
) -> Plan:
    return planned(formula, solve(formula, dict(shapes), dict(sizes)), dtype)


def planned(formula: Formula, ranges: Ranges, dtype: DTypeLike = np.float64) -> Plan:
    """Prepares every equation for ranges that are solved already."""
    kind = np.dtype(dtype)
    return Plan(formula, ranges, kind, tuple(_steps(formula, ranges, kind)))


def evaluate(
    formula: Formula, operands: Mapping[str, Array], *, sizes: Mapping[str, int] | None = None
) -> Values:
    """All operands and defined tensors, in the operands' common floating type (integers become float64).

    Raises:
        GeometryError: the shapes contradict the formula.
        FormulaError: an operand is missing.
    """
    arrays = {name: np.asarray(value) for name, value in operands.items()}
    missing = [n for n in formula.operands if n not in arrays]
    if missing:
        raise FormulaError(
            f"the formula needs {', '.join(missing)}; given were {', '.join(arrays) or 'none'}"
        )
    floats = [a.dtype for a in arrays.values() if a.dtype.kind == "f"]
    dtype = np.result_type(*floats) if floats else np.dtype(np.float64)
    return plan(formula, {n: a.shape for n, a in arrays.items()}, dtype, sizes)(arrays)


def _steps(formula: Formula, ranges: Ranges, dtype: np.dtype) -> list[tuple[str, Evaluator]]:
    builder = Builder(formula, ranges, dtype)
    steps: list[tuple[str, Evaluator]] = []
    found: dict[str, str] = {}
    for equation in formula.equations:
        steps.append((equation.name, builder.equation(equation, found)))
    return steps


class Builder:
    """Turns expressions into functions from the values so far to an array with an axis for each letter."""

    def __init__(self, formula: Formula, ranges: Ranges, dtype: np.dtype) -> None:
        self.ranges, self.dtype = ranges, dtype
        self.scalars = {**CONSTANTS, **formula.constants}
        self.extents = dict(ranges.extents)

    def equation(self, equation: Equation, positions: dict[str, str]) -> Evaluator:
        """`positions` remembers where an argmax of the same body was kept, for the max to pick from."""
        letters = target_letters(equation)
        full = tuple(self.extents[s] for s in letters)
        shape = self.ranges.shapes[equation.name]
        value = equation.value
        build: Evaluator
        if isinstance(value, Reduce) and value.op in ("argmax", "argmin"):
            build = self.extreme(value, letters, keep=equation.name + ":best")
            positions[f"{letters}{value.op[3:]}{_reduced_key(value)}"] = equation.name + ":best"
        elif isinstance(value, Reduce) and (
            kept := positions.get(f"{letters}{value.op}{_reduced_key(value)}")
        ):
            build = itemgetter(kept)
        else:
            build = self.value(value, letters)

        def run(values: Values) -> Array:
            result = np.asarray(build(values))
            return (result if result.shape == full else np.broadcast_to(result, full)).reshape(shape)

        return run

    def value(self, node: Expr, letters: tuple[str, ...]) -> Evaluator:
        match node:
            case Num(number):
                constant = np.full((1,) * len(letters), float(number), self.dtype)
                return lambda values: constant
            case IndexValue(index):
                counted = numbers(self.ranges.number(index), letters, self.extents).astype(self.dtype)
                return lambda values: counted
            case Read():
                return self.read(node, letters)
            case Add(terms):
                return self.sum_of(terms, letters)
            case Mul() | Power():
                return self.product(node, letters)
            case Call(function, arguments):
                apply = FUNCTION[function]
                inner = [self.value(a, letters) for a in arguments]
                if len(inner) == 1:
                    only = inner[0]
                    return lambda values: apply(only(values))
                return lambda values: apply(*(f(values) for f in inner))
            case Reduce():
                return self.reduction(node, letters)
            case Delta(left, right):
                equal = (self.index(left, letters) == self.index(right, letters)).astype(self.dtype)
                return lambda values: equal
            case Where():
                return self.where(node, letters)
        raise FormulaError(f"{node!r} cannot be evaluated")

    def where(self, node: Where, letters: tuple[str, ...]) -> Evaluator:
        test, yes = self.condition(node.condition, letters), self.value(node.then, letters)
        if node.otherwise != Num(0):
            no = self.value(node.otherwise, letters)
            return lambda values: np.where(test(values), yes(values), no(values))
        if node.then == Num(1):
            return lambda values: test(values).astype(self.dtype)
        return lambda values: masked(test(values), yes(values))

    def read(self, node: Read, letters: tuple[str, ...]) -> Evaluator:
        name = node.tensor
        if not node.indices and name in self.scalars:
            constant = np.full((1,) * len(letters), self.scalars[name], self.dtype)
            return lambda values: constant
        indices = [self.ranges.number(i) for i in node.indices]
        view = reader(indices, self.ranges.shapes.get(name, ()), letters, self.extents)
        return lambda values: view(values[name])

    def sum_of(self, terms: Sequence[Expr], letters: tuple[str, ...]) -> Evaluator:
        parts: list[tuple[bool, Evaluator]] = []
        for term in terms:
            minus = split_coefficient(term)[0] == -1
            parts.append((minus, self.value(-term if minus else term, letters)))
        parts.sort(key=lambda p: p[0])
        (negative, first), rest = parts[0], parts[1:]

        def run(values: Values) -> Array:
            total = -first(values) if negative else first(values)
            for minus, part in rest:
                total = total - part(values) if minus else total + part(values)
            return total

        return run

    def product(self, node: Expr, letters: tuple[str, ...]) -> Evaluator:
        above, below = denominator(node)
        if len(above) == 1 and not below and isinstance(node, Power):
            return self.power(node, letters)
        up = [self.value(f, letters) for f in above]
        down = [self.value(f, letters) for f in below]

        def run(values: Values) -> Array:
            result = _multiplied([f(values) for f in up]) if up else None
            if not down:
                return result if result is not None else np.ones(())
            under = _multiplied([f(values) for f in down])
            return 1 / under if result is None else result / under

        return run

    def power(self, node: Power, letters: tuple[str, ...]) -> Evaluator:
        base = self.value(node.base, letters)
        if node.exponent == Num(2):
            return lambda values: np.square(base(values))
        exponent = self.value(node.exponent, letters)
        return lambda values: np.power(base(values), exponent(values))

    def reduction(self, node: Reduce, letters: tuple[str, ...]) -> Evaluator:
        if node.op in ("sum", "mean"):
            return self.sum(node, letters)
        return self.extreme(node, letters)

    def bind(self, node: Reduce, letters: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        for bound in node.letters:
            self.extents[bound.letter] = self.ranges.extent(bound)
        inner = letters + tuple(b.letter for b in node.letters)
        return inner, tuple(self.extents[s] for s in inner)

    def sum(self, node: Reduce, letters: tuple[str, ...]) -> Evaluator:
        inner, extents = self.bind(node, letters)
        kept = len(letters)
        count = float(np.prod(extents[kept:])) if node.op == "mean" else None
        terms = node.body.terms if isinstance(node.body, Add) else (node.body,)
        parts = [(*self.factors(t, inner), Contraction(extents, kept)) for t in terms]

        def run(values: Values) -> Array:
            total = None
            for number, factors, contract in parts:
                part = contract([f(values) for f in factors])
                part = part if number == 1 else part * number
                total = part if total is None else total + part
            result = np.zeros(()) if total is None else total
            return result if count is None else result / count

        return run

    def factors(self, term: Expr, letters: tuple[str, ...]) -> tuple[float, list[Evaluator]]:
        """The term as a number times factors whose product is summed."""
        number, rest = split_coefficient(term)
        factors = list(rest.factors) if isinstance(rest, Mul) else [rest]
        pieces: list[Evaluator] = []
        for factor in factors:
            if isinstance(factor, Where) and factor.otherwise == Num(0) and self.vanishes(factor):
                inner_number, inner = self.factors(factor.then, letters)
                number = number * inner_number
                pieces += inner
            else:
                pieces.append(self.value(factor, letters))
        return float(number), pieces

    def vanishes(self, node: Where) -> bool:
        """Whether the product is 0 wherever the condition fails, as one of its reads falls outside."""
        factors = node.then.factors if isinstance(node.then, Mul) else (node.then,)
        if any(is_singular(n) or (isinstance(n, Call) and n.function == "exp") for n in walk(node.then)):
            return False
        touched = [f for f in factors if isinstance(f, Read)]
        conditions = node.condition.parts if isinstance(node.condition, And) else (node.condition,)
        return all(any(self.implies(r, c) for r in touched) for c in conditions)

    def implies(self, read: Read, condition: Condition) -> bool:
        shape = self.ranges.shapes.get(read.tensor, ())
        for index, size in zip(read.indices, shape, strict=False):
            number = self.ranges.number(index)
            if isinstance(condition, Within):
                if (
                    number == self.ranges.number(condition.index)
                    and self.ranges.value(condition.extent) == size
                ):
                    return True
            elif isinstance(condition, Divides):
                exact = [a for a in number.atoms() if not isinstance(a, str)]
                wanted = self.ranges.number(condition.index), self.ranges.number(condition.divisor)
                if (
                    len(exact) == 1
                    and (exact[0].numerator, exact[0].divisor) == wanted
                    and getattr(exact[0], "exact", False)
                ):
                    return True
        return False

    def extreme(self, node: Reduce, letters: tuple[str, ...], keep: str | None = None) -> Evaluator:
        """max, min, argmax, argmin; padding never wins, the first of equals does, NaN wins over all."""
        inner, extents = self.bind(node, letters)
        body = self.value(node.body, inner)
        kept, largest = len(letters), node.op.endswith("max")
        window = extents[kept:]
        valid = self.valid(node, inner)
        worst = self.dtype.type(-np.inf if largest else np.inf)
        first = valid.reshape((*valid.shape[:kept], -1)).argmax(-1) if valid is not None else None
        want_position = node.op.startswith("arg")

        def run(values: Values) -> Array:
            array = body(values)
            if valid is not None:
                array = np.where(valid, array, worst)
            if not want_position:
                return extreme(array, kept, window, largest=largest)
            best, position = extreme_position(array, kept, window, first, largest=largest)
            if keep is not None:
                values[keep] = best
            return position

        return run

    def valid(self, node: Reduce, letters: tuple[str, ...]) -> Array | None:
        """Where no read of the body falls into padding; None if none ever does."""
        mask = np.ones((1,) * len(letters), dtype=bool)
        for read, guards in direct_reads(node.body):
            indices = [self.ranges.number(i) for i in read.indices]
            here = inside(indices, self.ranges.shapes.get(read.tensor, ()), letters, self.extents)
            for guard in guards:
                here = here | ~self.condition(guard, letters)({})
            mask = mask & here
        if mask.all():
            return None
        axes = tuple(range(len(letters) - len(node.letters), len(letters)))
        if not mask.any(axis=axes).all():
            raise GeometryError(f"a window of {node!r} sees nothing but padding")
        full = tuple(
            self.extents[s] if i in axes else n
            for i, (s, n) in enumerate(zip(letters, mask.shape, strict=True))
        )
        return np.broadcast_to(mask, full)

    def condition(self, node: Condition, letters: tuple[str, ...]) -> Evaluator:
        match node:
            case Compare(op, left, right):
                compare, a, b = COMPARE[op], self.value(left, letters), self.value(right, letters)
                return lambda values: compare(a(values), b(values))
            case Divides(divisor, index):
                return self.fixed(self.index(index, letters) % self.index(divisor, letters) == 0)
            case Within(index, extent):
                places = self.index(index, letters)
                return self.fixed((places >= 0) & (places < self.index(extent, letters)))
            case And(parts) | Or(parts):
                join = np.logical_and if isinstance(node, And) else np.logical_or
                tests = [self.condition(p, letters) for p in parts]
                return lambda values: _folded(join, [t(values) for t in tests])
            case Not(part):
                test = self.condition(part, letters)
                return lambda values: np.logical_not(test(values))
        raise FormulaError(f"{node!r} cannot be evaluated")

    def index(self, index: Index, letters: tuple[str, ...]) -> Array:
        return grid(self.ranges.number(index), letters, self.extents)

    def fixed(self, array: Array) -> Evaluator:
        return lambda values: array


def _reduced_key(node: Reduce) -> str:
    return f"{[b.key for b in node.letters]}{node.body.key}"


def _multiplied(arrays: Sequence[Array]) -> Array:
    result = arrays[0]
    for array in arrays[1:]:
        result = result * array
    return result


def masked(test: Array, values: Array) -> Array:
    """The values where the test holds, 0 elsewhere.

    A product of bits takes the same time for every mask; `np.where` takes ten times longer for a random one.
    """
    bits = values.view(np.int32 if values.dtype == np.float32 else np.int64)
    result: Array = (bits * test.view(np.int8)).view(values.dtype)
    return result


def _folded(join: Callable[[Array, Array], Array], arrays: Sequence[Array]) -> Array:
    result = arrays[0]
    for array in arrays[1:]:
        result = join(result, array)
    return result
