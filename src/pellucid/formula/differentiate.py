"""Derivatives pushed inward, one rule at a time, until only deltas are left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    Bound,
    Call,
    Compare,
    Condition,
    Delta,
    Derivative,
    Expr,
    IndexValue,
    Mul,
    Node,
    Num,
    Power,
    Read,
    Reduce,
    Where,
    add,
    children,
    map_children,
    mul,
    negation,
    power,
    reads,
    transform,
)
from pellucid.formula.index import Index, flat
from pellucid.formula.parse import parse_expression
from pellucid.formula.rules import Recorder

__all__ = ["DERIVATIVES", "push_derivatives"]

# f'(a), or the two partial derivatives of f(a, b); at a kink as the conventions decide.
DERIVATIVES: Mapping[str, tuple[str, ...]] = {
    "exp": ("exp(a)",),
    "log": ("1/a",),
    "sqrt": ("1/(2*sqrt(a))",),
    "abs": ("[a > 0] - [a < 0]",),
    "tanh": ("1 - tanh(a)^2",),
    "sigmoid": ("sigmoid(a)*(1 - sigmoid(a))",),
    "relu": ("[a > 0]",),
    "erf": ("2/sqrt(pi)*exp(-a^2)",),
    "maximum": ("[a >= b]", "[a < b]"),
    "minimum": ("[a <= b]", "[a > b]"),
}


@cache
def _derivative_of(function: str) -> tuple[Expr, ...]:
    return tuple(parse_expression(source, "") for source in DERIVATIVES[function])


def push_derivatives(
    recorder: Recorder, positions: Mapping[str, Read], covering: Callable[[Read, int], bool]
) -> None:
    """Rewrites until no derivative is left.

    Args:
        recorder: holds the expression and takes the steps.
        positions: for the body of a max or min, by key, the read of the position of its first winner.
        covering: whether a read's index on an axis takes every value of that axis.
    """
    pusher = _Pusher(positions, covering)
    while (rule := pusher.next_rule(recorder.value)) is not None:
        recorder.apply(rule, partial(pusher.apply, rule))


class _Pusher:
    def __init__(self, positions: Mapping[str, Read], covering: Callable[[Read, int], bool]) -> None:
        self.positions, self.covering = positions, covering

    def next_rule(self, node: Node) -> str | None:
        """The rule for the first derivative, outermost first."""
        if isinstance(node, Derivative):
            return self.rule(node)
        return next((rule for child in children(node) if (rule := self.next_rule(child))), None)

    def rule(self, node: Derivative) -> str:
        value = node.value
        if not any(r.tensor == node.element.tensor for r in reads(value)):
            return "constant"
        match value:
            case Read():
                return "element"
            case Add() | Reduce(op="sum" | "mean"):
                return "sum"
            case Mul():
                return "product"
            case Power():
                return "power"
            case Call():
                return "function"
            case Reduce():
                return "maximum"
            case Where():
                return "cases"
        raise FormulaError(f"{value!r} cannot be differentiated")

    def apply(self, rule: str, value: Expr) -> Expr:
        def visit(node: Node) -> Node:
            if isinstance(node, Derivative):
                return self.pushed(node) if self.rule(node) == rule else node
            return _without_zeros(map_children(node, visit))

        result = visit(value)
        assert isinstance(result, Expr)
        return result

    def pushed(self, node: Derivative) -> Expr:
        element = node.element
        match node.value:
            case value if self.rule(node) == "constant":
                return Num(0)
            case Read() as read:
                return self.element(read, element)
            case Add(terms):
                return add(*(Derivative(t, element) for t in terms))
            case Mul(factors):
                return add(
                    *(
                        _without(factors, i, Derivative(f, element))
                        for i, f in enumerate(factors)
                        if _holds(f, element)
                    )
                )
            case Power(base, exponent):
                return _power(base, exponent, element)
            case Call(function, arguments):
                parts = zip(_derivative_of(function), arguments, strict=True)
                return add(
                    *(
                        mul(_with_arguments(d, arguments), Derivative(a, element))
                        for d, a in parts
                        if _holds(a, element)
                    )
                )
            case Reduce("sum", letters, body):
                return Reduce("sum", letters, Derivative(body, element))
            case Reduce("mean", letters, body):
                return mul(power(_count(letters), Num(-1)), Reduce("sum", letters, Derivative(body, element)))
            case Reduce() as value:
                return self.extreme(value, element)
            case Where(condition, then, otherwise):
                return add(_case(condition, then, element), _case(negation(condition), otherwise, element))
        raise FormulaError(f"{node.value!r} cannot be differentiated")

    def element(self, read: Read, element: Read) -> Expr:
        pairs = zip(read.indices, element.indices, strict=True)
        return mul(
            *(
                Delta(mine, theirs, self.covering(read, axis))
                for axis, (mine, theirs) in enumerate(pairs)
                if mine != theirs
            )
        )

    def extreme(self, node: Reduce, element: Read) -> Expr:
        at = self.positions.get(node.key)
        if at is None:
            raise FormulaError(f"the position of {node!r} is not recorded; derive from the normal form")
        place = flat(Index.of(b.letter) for b in node.letters)
        return Reduce("sum", node.letters, _case(Compare("==", at, IndexValue(place)), node.body, element))


def _without_zeros(node: Node) -> Node:
    """Sums and cases of zeros are 0."""
    if isinstance(node, Reduce) and node.op == "sum" and node.body == Num(0):
        return Num(0)
    if isinstance(node, Where) and node.then == node.otherwise == Num(0):
        return Num(0)
    return node


def _case(condition: Condition, value: Expr, element: Read) -> Expr:
    """The value's derivative where the condition holds; not a product, as elsewhere it may be no number."""
    return Where(condition, Derivative(value, element), Num(0)) if _holds(value, element) else Num(0)


def _holds(value: Expr, element: Read) -> bool:
    return any(r.tensor == element.tensor for r in reads(value))


def _without(factors: tuple[Expr, ...], position: int, instead: Expr) -> Expr:
    return mul(*(instead if i == position else f for i, f in enumerate(factors)))


def _power(base: Expr, exponent: Expr, element: Read) -> Expr:
    terms: list[Expr] = []
    if _holds(base, element):
        terms.append(mul(exponent, power(base, add(exponent, Num(-1))), Derivative(base, element)))
    if _holds(exponent, element):
        terms.append(mul(power(base, exponent), Call("log", (base,)), Derivative(exponent, element)))
    return add(*terms)


def _with_arguments(derivative: Expr, arguments: tuple[Expr, ...]) -> Expr:
    names = dict(zip("ab", arguments, strict=False))

    def visit(node: Node) -> Node | None:
        return names.get(node.tensor) if isinstance(node, Read) and not node.indices else None

    result = transform(derivative, visit)
    assert isinstance(result, Expr)
    return result


def _count(letters: tuple[Bound, ...]) -> Expr:
    size = Index.of(1)
    for bound in letters:
        size = size * bound.size
    return IndexValue(size) if size.constant is None else Num(size.constant)
