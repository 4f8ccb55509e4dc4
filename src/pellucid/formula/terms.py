"""Sums of products of deltas, term by term.

>>> from pellucid.formula.parse import parse_expression
>>> for term in expand(parse_expression("sum[i] f[i]*(delta(2*i, h) + g[h])", "h")):
...     print(term.value())
sum[i] delta(2*i, h)*f[i]
sum[i] f[i]*g[h]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pellucid.formula.bounds import index_of, wholes
from pellucid.formula.expression import (
    Add,
    Bound,
    Compare,
    Condition,
    Delta,
    Divides,
    Expr,
    IndexValue,
    Mul,
    Node,
    Num,
    Reduce,
    Where,
    add,
    all_of,
    bound_letters,
    count,
    free_letters,
    map_children,
    mul,
    prime,
    substitute,
    walk,
)
from pellucid.formula.index import Atom, Index, Quotient, floor_quotient

__all__ = ["Term", "expand", "terms_to_value"]


@dataclass(frozen=True)
class Term:
    """``sum[bounds : conditions] deltas * factor``."""

    bounds: tuple[Bound, ...]
    conditions: tuple[Condition, ...]
    deltas: tuple[Delta, ...]
    factor: Expr

    def value(self) -> Expr:
        body = mul(*self.deltas, self.factor)
        condition = all_of(self.conditions)
        if condition is not None and body != Num(0):
            body = Where(condition, body, Num(0))
        return Reduce("sum", self.bounds, body) if self.bounds and body != Num(0) else body

    @property
    def letters(self) -> frozenset[str]:
        return frozenset(b.letter for b in self.bounds)

    @property
    def symbols(self) -> frozenset[str]:
        """Every symbol in it, bound by it or not."""
        parts = (self.factor, *self.conditions, *self.deltas)
        extents = (b.extent.symbols for b in self.bounds if b.extent is not None)
        return self.letters.union(*map(free_letters, parts), bound_letters(self.factor), *extents)

    def replaced(self, letter: str, solution: Index) -> Term:
        """The letter is no longer summed; its only value is put in everywhere."""
        mapping = {letter: solution}
        deltas = [substitute(d, mapping) for d in self.deltas]
        conditions = [_rounding(substitute(c, mapping)) for c in self.conditions]
        factor = _rounding(substitute(self.factor, mapping))
        assert isinstance(factor, Expr)
        kept = [c for c in conditions if isinstance(c, Condition) and not _always(c)]
        if len(kept) < len(conditions):  # what said that the solution is whole may have cancelled out
            kept += [c for c in wholes(solution) if c not in kept]
        return Term(
            tuple(b for b in self.bounds if b.letter != letter),
            tuple(kept),
            tuple(d for d in deltas if isinstance(d, Delta)),
            factor,
        )

    def bound(self, letter: str) -> Bound:
        return next(b for b in self.bounds if b.letter == letter)

    def without(self, delta: Delta) -> Term:
        return replace(self, deltas=tuple(d for d in self.deltas if d is not delta))


def _always(condition: Condition) -> bool:
    return isinstance(condition, Divides) and condition.index.divided(condition.divisor) is not None


def _rounding(node: Node) -> Node:
    """Exact divisions in index expressions that serve as numbers, rounded.

    The conditions around them say that they are whole.  Comparisons of two index expressions can hold them as
    they are.
    """
    if isinstance(node, IndexValue):
        return count(node.index.map_atoms(_rounded_atom))
    if isinstance(node, Compare) and index_of(node.left) is not None and index_of(node.right) is not None:
        return node
    return map_children(node, _rounding)


def _rounded_atom(atom: Atom) -> Index:
    if isinstance(atom, Quotient):
        return floor_quotient(atom.numerator, atom.divisor)
    return Index((((atom,), 1),))


def terms_to_value(terms: Iterable[Term]) -> Expr:
    """The sum of the terms."""
    return add(*(t.value() for t in terms))


def expand(value: Expr) -> list[Term]:
    """The terms of a sum of products of deltas; what holds no delta stays whole."""
    return [t for t in _expand(value) if t.factor != Num(0)]


def _has_delta(node: Node) -> bool:
    return any(isinstance(n, Delta) for n in walk(node))


def _expand(value: Expr) -> list[Term]:
    if not _has_delta(value):
        return [Term((), (), (), value)]
    match value:
        case Delta():
            return [Term((), (), (value,), Num(1))]
        case Add(terms):
            return [t for part in terms for t in _expand(part)]
        case Mul(factors):
            product = [Term((), (), (), Num(1))]
            for factor in factors:
                product = [_joined(a, b) for a in product for b in _expand(factor)]
            return product
        case Reduce("sum", letters, body):
            return [_summed(letters, t) for t in _expand(body)]
        case Where(condition, then, Num(0)):
            return [replace(t, conditions=(*t.conditions, condition)) for t in _expand(then)]
    return [Term((), (), (), value)]


def _joined(left: Term, right: Term) -> Term:
    right = _renamed_apart(right, left.symbols)
    left = _renamed_apart(left, right.symbols)
    return Term(
        left.bounds + right.bounds,
        left.conditions + right.conditions,
        left.deltas + right.deltas,
        mul(left.factor, right.factor),
    )


def _summed(letters: tuple[Bound, ...], term: Term) -> Term:
    term = _renamed_apart(term, {b.letter for b in letters})
    return replace(term, bounds=letters + term.bounds)


def _renamed_apart(term: Term, taken: Iterable[str]) -> Term:
    taken = frozenset(taken)
    for bound in term.bounds:
        if bound.letter in taken:
            fresh = prime(bound.letter, taken | term.symbols)
            changed = term.replaced(bound.letter, Index.of(fresh))
            bounds = tuple(Bound(fresh, b.extent) if b == bound else b for b in term.bounds)
            term = replace(changed, bounds=bounds)
    return term
