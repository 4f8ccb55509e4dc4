"""Why a term of a sum vanishes: each condition under which it counts, and each factor that may be 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pellucid.explain.evaluation import Env, Evaluator, Found
from pellucid.explain.naming import Naming
from pellucid.explain.summands import Summand
from pellucid.formula.expression import (
    Compare,
    Condition,
    Divides,
    Expr,
    Node,
    Power,
    Read,
    Within,
    reads,
)

__all__ = ["KINDS", "Cause", "causes", "reason"]

Array = NDArray[Any]
# What a vanished term is said to be, and the sentence for all of a kind.
KINDS: Mapping[str, str] = {
    "stride": "a division of indices leaves a remainder",
    "range": "an index lies outside its range",
    "padding": "the element lies in the padding, which is 0",
    "maximum": "the element is not the one that was chosen",
    "condition": "a condition does not hold",
    "zero": "a factor is 0",
}


@dataclass(frozen=True)
class Cause:
    """One reason for which terms of a summand vanish.

    Attributes:
        kind: one of `KINDS`.
        holds: for which terms; fits the summand's letters.
        node: the condition or factor that is to blame.
    """

    kind: str
    holds: Array
    node: Node


def causes(
    summand: Summand, factors: list[Found], evaluator: Evaluator, naming: Naming, env: Env
) -> Iterator[Cause]:
    """All reasons, in the order in which they count; `factors` are the values of the summand's."""
    kinds = [(_kind(c, naming), c) for c in summand.conditions]
    for kind, condition in sorted(kinds, key=lambda pair: [*KINDS].index(pair[0])):
        yield Cause(kind, ~evaluator.test(condition, env), condition)
    for factor, found in zip(summand.factors, factors, strict=True):
        nothing = found.value == 0
        if not nothing.any():
            continue
        read = _element(factor)
        if read is not None:
            outside = ~evaluator.inside(read, env)
            if outside.any():
                for index in read.indices:
                    yield Cause("stride", nothing & ~evaluator.exact(index, env), factor)
                yield Cause("padding", nothing & outside, factor)
        yield Cause("zero", nothing, factor)


def _kind(condition: Condition, naming: Naming) -> str:
    match condition:
        case Divides():
            return "stride"
        case Within():
            return "range"
        case Compare("==" | "!=", left, right) if any(
            isinstance(side, Read) and side.tensor in naming.scope.positions for side in (left, right)
        ):
            return "maximum"
        case Compare() if not any(True for _ in reads(condition)):
            return "range"
    return "condition"


def _element(factor: Expr) -> Read | None:
    """The element that a factor is, or is a power of."""
    if isinstance(factor, Power):
        return _element(factor.base)
    return factor if isinstance(factor, Read) and factor.indices else None


def reason(cause: Cause, evaluator: Evaluator, naming: Naming, env: Env) -> str:
    """One sentence for one term, whose letters are in `env`."""
    match cause.node:
        case Divides(divisor, index):
            place, by = int(evaluator.whole(index, env)), int(evaluator.whole(divisor, env))
            return f"{by} does not divide {_shown(index, place)}"
        case Within(index, extent):
            place, size = int(evaluator.whole(index, env)), int(evaluator.whole(extent, env))
            return f"{_shown(index, place)} is not in 0 … {size - 1}"
        case Compare(_, left, right) if cause.kind == "maximum":
            at, here = (left, right) if isinstance(left, Read) else (right, left)
            chosen, own = (int(evaluator.value(side, env).value) for side in (at, here))
            return f"the one that was chosen has position {chosen} in its window, and this one has {own}"
        case Condition():
            return _unmet(cause.node, evaluator, naming, env)
        case Expr():
            return _nothing(cause, cause.node, evaluator, naming, env)
    return KINDS[cause.kind]


def _shown(index: object, value: int) -> str:
    printed = str(index)
    return printed if printed == str(value) else f"{printed} = {value}"


def _unmet(condition: Condition, evaluator: Evaluator, naming: Naming, env: Env) -> str:
    values = [
        f"{e.reference} = {e.value:.6g}" for e in naming.elements(condition, evaluator, env) if e.reference
    ]
    where = f", as {', '.join(values)}" if values else ""
    return f"{naming.text(condition, env)} does not hold{where}"


def _nothing(cause: Cause, factor: Expr, evaluator: Evaluator, naming: Naming, env: Env) -> str:
    read = _element(factor)
    if cause.kind == "zero" or read is None:
        return f"{naming.text(factor, env)} is 0"
    for axis, (index, size) in enumerate(zip(read.indices, evaluator.shape(read), strict=True)):
        place = evaluator.whole(index, env)
        if not evaluator.exact(index, env):
            return f"{index} is no whole number"
        if not 0 <= place < size:
            return f"index {place} of axis {axis} of {naming.place(read.tensor)} is not in 0 … {size - 1}"
    return KINDS[cause.kind]
