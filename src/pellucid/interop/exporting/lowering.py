"""Equations as ONNX operators.

Every expression becomes a value with an axis for each index letter that it depends on: reads become slices
and gathers, functions of elements the operators of the same meaning, sums of products Einsum. What depends on
no tensor is worked out here. Convolutions, pools and matrix products are recognised by the structure of their
equations, whoever wrote them, and become the operators for which runtimes are fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.errors import UsageError
from pellucid.formula.bounds import direct_reads
from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Condition,
    Equation,
    Expr,
    IndexValue,
    Mul,
    Node,
    Not,
    Num,
    Or,
    Power,
    Read,
    Reduce,
    Where,
    mul,
    power,
    split_coefficient,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import flat_parts
from pellucid.formula.ranges import Ranges
from pellucid.formula.text import denominator
from pellucid.formula.views import Array
from pellucid.interop.exporting.emission import convolution, matrix_product, pool_of
from pellucid.interop.exporting.graph import Graph, Tensor
from pellucid.interop.exporting.reading import read
from pellucid.interop.exporting.recognised import (
    Convolution,
    MatrixProduct,
    Pool,
    average_of_sum,
    pool,
    product,
)
from pellucid.interop.exporting.scope import Scope
from pellucid.interop.exporting.values import Value, Values
from pellucid.interop.exporting.whole import operator_of

__all__ = ["lowered"]

FUNCTION: Mapping[str, str] = {
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "tanh": "Tanh", "sigmoid": "Sigmoid",
    "relu": "Relu", "erf": "Erf", "maximum": "Max", "minimum": "Min",
}  # fmt: skip
COMPARE: Mapping[str, str] = {
    "==": "Equal", "<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual",
}  # fmt: skip
EXTREME: Mapping[str, str] = {
    "max": "ReduceMax", "min": "ReduceMin", "argmax": "ArgMax", "argmin": "ArgMin",
}  # fmt: skip
# Einsum's own letters.
AXES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lowered(
    graph: Graph,
    formula: Formula,
    ranges: Ranges,
    operands: Mapping[str, Tensor],
    counted: frozenset[str] = frozenset(),
) -> Tensor:
    """Adds a formula's equations to a graph.

    Args:
        graph: that grows.
        formula: the equations.
        ranges: their extents and shapes, for some number of images.
        operands: the graph's value behind each operand.
        counted: the symbols that stand for the number of images, which is known only when the graph runs.

    Returns:
        The value of the last equation.

    Raises:
        UsageError: an equation computes with the images' places in their batch.
    """
    if len(operands) == 1:
        ((name, given),) = operands.items()
        whole = operator_of(formula, len(given.shape))
        if whole and formula.operands == (name,):
            return Tensor(graph.add(whole[0], given.name, **whole[1]), given.shape)
    lowering = _Lowering(graph, Scope(formula, ranges, operands, counted))
    for equation in formula.equations:
        lowering.scope.tensors[equation.name] = lowering.equation(equation)
    return lowering.scope.tensors[formula.output]


class _Lowering:
    def __init__(self, graph: Graph, scope: Scope) -> None:
        self.graph, self.scope = graph, scope
        self.values = Values(graph, scope.extents)

    def equation(self, equation: Equation) -> Tensor:
        letters = target_letters(equation)
        value = self.values.spread(self.value(equation.value, letters), letters)
        parts = [flat_parts(i) or (i.letter or "",) for i in equation.target.indices]
        dims = tuple(self.values.length(part) for part in parts)
        return Tensor(self.values.regrouped(value, dims), dims)

    def value(self, node: Expr, letters: tuple[str, ...]) -> Value:
        if self.scope.is_known(node):
            return self.constant(node, letters)
        match node:
            case Read(tensor, indices):
                return read(self.values, self.scope.tensors[tensor], self.scope.numbers(indices), letters)
            case Add(terms):
                return self.sum_of(terms, letters)
            case Mul() | Power():
                return self.product(node, letters)
            case Call(function, arguments):
                return self.joined(FUNCTION[function], arguments, letters)
            case Reduce(op) if op in ("sum", "mean"):
                return self.total(node, letters)
            case Reduce():
                return self.extreme(node, letters)
            case Where(condition, then, otherwise):
                parts = [self.value(then, letters), self.value(otherwise, letters)]
                return self.values.joined("Where", [self.condition(condition, letters), *parts], letters)
            case IndexValue(index) if index.letter in self.scope.counted:
                return self.values.images()
        raise _of_places(node)

    def condition(self, node: Condition, letters: tuple[str, ...]) -> Value:
        if self.scope.is_known(node):
            return self.constant(node, letters)
        match node:
            case Compare("!=", left, right):
                return self.condition(Not(Compare("==", left, right)), letters)
            case Compare(op, left, right):
                return self.joined(COMPARE[op], (left, right), letters)
            case Not(part):
                return self.values.joined("Not", [self.condition(part, letters)], letters)
            case And(parts) | Or(parts):
                kind = "And" if isinstance(node, And) else "Or"
                return self.values.chained(kind, [self.condition(p, letters) for p in parts], letters)
        raise _of_places(node)

    def joined(self, kind: str, parts: Sequence[Expr], letters: tuple[str, ...]) -> Value:
        return self.values.joined(kind, [self.value(p, letters) for p in parts], letters)

    def constant(self, node: Node, letters: Sequence[str]) -> Value:
        own = self.scope.letters_of(node)
        used = tuple(s for s in letters if s in own)
        array = np.asarray(self.scope.worked_out(node, used))
        kept = tuple(s for s, n in zip(used, array.shape, strict=True) if n > 1)
        return Value(self.graph.constant(array.reshape([n for n in array.shape if n > 1])), kept)

    # --- sums and products of elements

    def sum_of(self, terms: Sequence[Expr], letters: tuple[str, ...]) -> Value:
        """The sum; a bias goes into the convolution or matrix product beside it."""
        for term in terms:
            found = product(self.scope, term, letters)
            bias = found and next((t for t in terms if self.scope.letters_of(t) == {*found.outputs}), None)
            if found and bias:
                first = self.emitted(found, self.value(bias, found.outputs), letters)
                return self.added([first], [t for t in terms if t not in (term, bias)], letters)
        return self.added([], terms, letters)

    def added(self, found: list[Value], terms: Sequence[Expr], letters: tuple[str, ...]) -> Value:
        for term in sorted(terms, key=lambda t: split_coefficient(t)[0] == -1):
            minus = bool(found) and split_coefficient(term)[0] == -1
            value = self.value(-term if minus else term, letters)
            found = [self.values.chained("Sub" if minus else "Add", [*found, value], letters)]
        return found[0]

    def product(self, node: Expr, letters: tuple[str, ...]) -> Value:
        averaged = average_of_sum(self.scope, node)
        if averaged:
            return self.pooled(averaged, letters)
        above, below = denominator(node)
        if above == [node] and isinstance(node, Power):
            return self.joined("Pow", (node.base, node.exponent), letters)
        if above[:1] == [Num(-1)] and len(above) > 1:
            positive = mul(*above[1:], *(power(b, Num(-1)) for b in below))
            return self.joined("Neg", [positive], letters)
        if not above:
            return self.values.joined("Reciprocal", [self.multiplied(below, letters)], letters)
        parts = [self.multiplied(side, letters) for side in (above, below) if side]
        return self.values.chained("Div", parts, letters)

    def multiplied(self, factors: Sequence[Expr], letters: tuple[str, ...]) -> Value:
        known = [f for f in factors if self.scope.is_known(f)]
        found = [self.value(f, letters) for f in factors if f not in known]
        if known:
            found.append(self.constant(mul(*known), letters))
        return self.values.chained("Mul", found, letters)

    # --- sums over letters

    def total(self, node: Reduce, letters: tuple[str, ...]) -> Value:
        found = product(self.scope, node, letters)
        if found:
            return self.emitted(found, None, letters)
        bound = tuple(b.letter for b in node.letters)
        pooled = pool(self.scope, node)
        if pooled:
            mean = self.pooled(pooled, letters)
            return mean if node.op == "mean" else self.values.times(mean, bound)
        terms = node.body.terms if isinstance(node.body, Add) else (node.body,)
        parts = [self.scope.factors(t) for t in terms]
        if all(len(factors) < 2 for _, factors in parts):
            return self.reduced(node, bound, letters)
        sums = [self.contracted(number, factors, bound, letters) for number, factors in parts]
        result = self.values.chained("Add", sums, letters)
        return (
            self.values.chained("Div", [result, self.values.size(bound)], letters)
            if node.op == "mean"
            else result
        )

    def reduced(self, node: Reduce, bound: tuple[str, ...], letters: tuple[str, ...]) -> Value:
        body = self.value(node.body, letters + bound)
        if node.op == "mean":
            return self.values.reduced("ReduceMean", body, bound)
        total = self.values.reduced("ReduceSum", body, bound)
        return self.values.times(total, [s for s in bound if s not in body.letters])

    def contracted(
        self, number: float, factors: Sequence[Expr], bound: tuple[str, ...], letters: tuple[str, ...]
    ) -> Value:
        """A number times the sum of a product, by Einsum."""
        values = [self.value(f, letters + bound) for f in factors] or [self.constant(Num(1), letters)]
        sign = dict(zip(letters + bound, AXES, strict=False))
        kept = tuple(s for s in letters if any(s in v.letters for v in values))
        inputs = ",".join("".join(sign[s] for s in v.letters) for v in values)
        equation = f"{inputs}->{''.join(sign[s] for s in kept)}"
        total = Value(self.graph.add("Einsum", *(v.name for v in values), equation=equation), kept)
        absent = [s for s in bound if all(s not in v.letters for v in values)]
        return self.values.times(total, absent, number)

    # --- maxima and minima

    def extreme(self, node: Reduce, letters: tuple[str, ...]) -> Value:
        """max, min, argmax, argmin; padding never wins, the first of equals does."""
        pooled = pool(self.scope, node)
        if pooled:
            return self.pooled(pooled, letters)
        bound = tuple(b.letter for b in node.letters)
        inner = letters + bound
        body = self.value(node.body, inner)
        valid = self.valid(node.body, inner)
        if valid is not None:
            worst = self.graph.constant(np.array(-np.inf if node.op.endswith("max") else np.inf))
            body = self.values.joined("Where", [valid, body, Value(worst)], inner)
        if not node.op.startswith("arg"):
            return self.values.reduced(EXTREME[node.op], body, bound)
        kept = tuple(s for s in letters if s in body.letters)
        body = self.values.spread(body, kept + bound)
        flat = self.values.regrouped(body, (*self.values.dims(kept), self.values.length(bound)))
        place = self.graph.add(EXTREME[node.op], flat, axis=len(kept), keepdims=0)
        return Value(self.graph.float(place), kept)

    def valid(self, body: Expr, letters: Sequence[str]) -> Value | None:
        """Where no read of the body falls into padding; None if none ever does."""
        fixed = [s for s in letters if self.scope.extents[s] is not None]
        mask: Array = np.ones((1,) * len(fixed), bool)
        for node, guards in direct_reads(body):
            here = self.scope.inside(node, fixed)
            for guard in guards:
                here = here | ~self.scope.worked_out(guard, fixed)
            mask = mask & here
        if mask.all():
            return None
        kept = tuple(s for s, n in zip(fixed, mask.shape, strict=True) if n > 1)
        return Value(self.graph.constant(mask.reshape([n for n in mask.shape if n > 1])), kept)

    # --- what is recognised

    def emitted(
        self, found: Convolution | MatrixProduct, bias: Value | None, letters: tuple[str, ...]
    ) -> Value:
        if isinstance(found, MatrixProduct):
            left, right = (self.value(side, letters + found.summed) for side in (found.left, found.right))
            return matrix_product(self.values, found, left, right, bias)
        image = self.scope.tensors[found.windows.read.tensor].name
        weight = self.value(found.weight, found.axes)
        return self.values.ordered(convolution(self.values, found, image, weight, bias), letters)

    def pooled(self, found: Pool, letters: tuple[str, ...]) -> Value:
        image = self.scope.tensors[found.windows.read.tensor].name
        return self.values.ordered(pool_of(self.values, found, image), letters)


def _of_places(node: Node) -> UsageError:
    return UsageError(f"{node!r} computes with the images' places in their batch or with their number")
