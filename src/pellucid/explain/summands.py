"""The value of an equation as a list of sums of products: what is added up, and where each term counts.

>>> from pellucid.formula.parse import parse_expression
>>> for summand in summands(parse_expression("b[k] + sum[d : d > 0] w[k,d]*x[d]", "k")):
...     print([s.letter for s in summand.bounds], summand.conditions, summand.factors)
[] () (b[k],)
['d'] (d > 0,) (w[k,d], x[d])
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from pellucid.formula.expression import (
    Add,
    Bound,
    Call,
    Compare,
    Condition,
    Delta,
    Expr,
    IndexValue,
    Mul,
    Num,
    Reduce,
    Where,
    as_expr,
    conjuncts,
    count,
    mul,
    negation,
    power,
    prime,
    substitute,
    walk,
)
from pellucid.formula.index import Index

__all__ = ["Summand", "is_extreme", "summands"]

# A product is not multiplied out to more sums than this.
MOST = 64


@dataclass(frozen=True)
class Summand:
    """``sum[bounds : conditions] product of the factors``."""

    bounds: tuple[Bound, ...]
    conditions: tuple[Condition, ...]
    factors: tuple[Expr, ...]

    @property
    def value(self) -> Expr:
        """The product."""
        return mul(*self.factors)


def is_extreme(value: Expr) -> bool:
    """Whether a value is chosen from candidates, not added up."""
    return isinstance(value, Reduce) and value.op not in ("sum", "mean")


def summands(value: Expr) -> list[Summand]:
    """The sums of products that add up to a value; sums inside products are multiplied out."""
    match value:
        case Add(terms):
            return [s for term in terms for s in summands(term)]
        case Mul(factors):
            choices = [summands(f) if _opens(f) else [Summand((), (), (f,))] for f in factors]
            if math.prod(map(len, choices)) <= MOST:
                return [_multiplied(chosen) for chosen in product(*choices)]
        case Reduce(op, _, body) if op in ("sum", "mean"):
            return [_summed(value, s) for s in summands(body)]
        case Where(condition, then, otherwise):
            return [*_guarded(condition, then), *_guarded(negation(condition), otherwise)]
        case Delta(left, right):
            return [Summand((), (Compare("==", IndexValue(left), IndexValue(right)),), (Num(1),))]
        case Call("relu", (argument,)):
            return list(_guarded(Compare(">", argument, Num(0)), argument))
    return [Summand((), (), (value,))]


def _opens(factor: Expr) -> bool:
    """Whether a factor is itself a sum over letters, or counts only under a condition."""
    if isinstance(factor, Add):
        return any(isinstance(n, Reduce) and n.op in ("sum", "mean") for n in walk(factor))
    return isinstance(factor, Reduce | Where | Delta) or (
        isinstance(factor, Call) and factor.function == "relu"
    )


def _guarded(condition: Condition, value: Expr) -> Iterator[Summand]:
    if value != Num(0):
        for s in summands(value):
            yield Summand(s.bounds, (*conjuncts(condition), *s.conditions), s.factors)


def _summed(node: Reduce, body: Summand) -> Summand:
    body = _apart(body, frozenset(b.letter for b in node.letters))
    factors = body.factors
    if node.op == "mean":
        size = Index.of(1)
        for bound in node.letters:
            size = size * bound.size
        factors = (power(count(size), Num(-1)), *factors)
    return Summand(node.letters + body.bounds, body.conditions, _without_ones(factors))


def _multiplied(parts: Sequence[Summand]) -> Summand:
    result = parts[0]
    for part in parts[1:]:
        part = _apart(part, frozenset(b.letter for b in result.bounds))
        result = Summand(
            result.bounds + part.bounds, result.conditions + part.conditions, result.factors + part.factors
        )
    return Summand(result.bounds, result.conditions, _without_ones(result.factors))


def _without_ones(factors: tuple[Expr, ...]) -> tuple[Expr, ...]:
    flat = [g for f in factors for g in (f.factors if isinstance(f, Mul) else (f,))]
    return tuple(f for f in flat if f != Num(1)) or (Num(1),)


def _apart(summand: Summand, taken: frozenset[str]) -> Summand:
    """The same sum over letters that are not taken."""
    used = taken | {b.letter for b in summand.bounds}
    mapping: dict[str, Index] = {}
    bounds: list[Bound] = []
    for bound in summand.bounds:
        letter = prime(bound.letter, used) if bound.letter in taken else bound.letter
        used |= {letter}
        bounds.append(Bound(letter, bound.size if letter != bound.letter else bound.extent))
        if letter != bound.letter:
            mapping[bound.letter] = Index.of(letter)
    if not mapping:
        return summand
    conditions = tuple(_condition(c, mapping) for c in summand.conditions)
    factors = tuple(as_expr(substitute(f, mapping)) for f in summand.factors)
    return Summand(tuple(bounds), conditions, factors)


def _condition(node: Condition, mapping: dict[str, Index]) -> Condition:
    result = substitute(node, mapping)
    assert isinstance(result, Condition)
    return result
