"""The terms of one equation at one place: which count, how much, and which vanish for what reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.causes import KINDS, Cause, causes, reason
from pellucid.explain.evaluation import Env, Evaluator, Found, extended, letters_at
from pellucid.explain.explanation import Lost, Operand, Term, Vanished
from pellucid.explain.naming import Naming
from pellucid.explain.sources import Use
from pellucid.explain.summands import Summand, summands
from pellucid.formula.expression import Expr

__all__ = ["Single", "Tally", "added", "joined"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Tally:
    """What terms come to.

    Attributes:
        total: their sum.
        size: the sum of their absolute values.
        terms: the largest.
        rest: count and sum of the others that count.
        vanished: the first of each kind of reason.
    """

    total: float
    size: float
    terms: tuple[Term, ...] = ()
    rest: tuple[int, float] = (0, 0.0)
    vanished: tuple[Vanished, ...] = ()


def added(use: Use, indices: Sequence[int], through: str, most: int | None) -> Tally:
    """The terms of an equation that adds up, at one place of its left side."""
    scope = use.scope
    places = [np.asarray(i) for i in indices]
    env = letters_at(use.equation.target.indices, places, scope.ranges.extents)
    sums = [_Sum(use, s, env, through) for s in summands(use.equation.value)]
    total = sum(float(np.sum(s.products)) for s in sums)
    size = sum(float(np.sum(s.sizes)) for s in sums)
    chosen = _largest([s.products[s.counting] for s in sums], most)
    terms = [
        s.term(int(place))
        for s, at in zip(sums, chosen, strict=True)
        for place in np.flatnonzero(s.counting)[at]
    ]
    terms.sort(key=lambda t: -abs(t.value) if t.value == t.value else -np.inf)
    count = sum(int(s.counting.sum()) for s in sums) - len(terms)
    left = total - sum(t.value for t in terms) if count else 0.0
    return Tally(total, size, tuple(terms), (count, left), _vanished(sums, most))


def joined(tallies: Sequence[Tally], most: int | None) -> Tally:
    """The terms of several equations whose results are added."""
    if len(tallies) == 1:
        return tallies[0]
    terms = sorted((t for tally in tallies for t in tally.terms), key=lambda t: -abs(t.value))
    shown, others = terms[:most], terms[len(terms) if most is None else most :]
    rest = sum(t.rest[0] for t in tallies) + len(others)
    left = sum(t.rest[1] for t in tallies) + sum(t.value for t in others)
    by_kind = {kind: [v for tally in tallies for v in tally.vanished if v.kind == kind] for kind in KINDS}
    vanished = tuple(
        Vanished(kind, KINDS[kind], sum(v.count for v in found), _first(found, most))
        for kind, found in by_kind.items()
        if found
    )
    return Tally(
        sum(t.total for t in tallies), sum(t.size for t in tallies), tuple(shown), (rest, left), vanished
    )


def _first(found: Sequence[Vanished], most: int | None) -> tuple[Lost, ...]:
    return tuple(lost for v in found for lost in v.terms)[:most]


def _largest(products: Sequence[Array], most: int | None) -> list[Array]:
    """Of each array, the places of those elements that are among the largest of all."""
    if most is None or sum(map(len, products)) <= most:
        return [np.arange(len(p)) for p in products]
    together = np.concatenate([np.nan_to_num(np.abs(p), nan=np.inf) for p in products])
    first = np.argsort(-together, kind="stable")[:most]
    starts = np.cumsum([0, *map(len, products)])
    return [np.sort(first[(first >= a) & (first < b)]) - a for a, b in pairwise(starts)]


def _vanished(sums: Sequence[_Sum], most: int | None) -> tuple[Vanished, ...]:
    found: list[Vanished] = []
    for kind, meaning in KINDS.items():
        lost = (lost for s in sums for lost in s.lost(kind))
        count = sum(s.count(kind) for s in sums)
        if count:
            listed = count if most is None else min(most, count)
            found.append(Vanished(kind, meaning, count, tuple(islice(lost, listed))))
    return tuple(found)


@dataclass
class _Sum:
    """One summand at one place, over all values of its letters."""

    use: Use
    summand: Summand
    env: Env
    through: str
    causes: list[Cause] = field(default_factory=list)

    def __post_init__(self) -> None:
        scope = self.use.scope
        self.evaluator, self.naming = Evaluator(scope), Naming(scope)
        bounds = [(b.letter, self.evaluator.extent(b)) for b in self.summand.bounds]
        self.letters = [letter for letter, _ in bounds]
        self.shape = tuple(extent for _, extent in bounds)
        inner = extended(self.env, bounds)
        factors = [self.evaluator.value(f, inner) for f in self.summand.factors]
        self.causes = list(causes(self.summand, factors, self.evaluator, self.naming, inner))
        self.products, self.sizes = self._multiplied(factors)
        self.blame = self._blamed()
        guarded = np.isin(self.blame, range(1, len(self.summand.conditions) + 1))
        self.products[guarded], self.sizes[guarded] = 0.0, 0.0
        self.counting = self.blame == 0

    def _flat(self, array: Array) -> Array:
        return np.broadcast_to(array, self.shape).reshape(-1)

    def _multiplied(self, factors: Sequence[Found]) -> tuple[Array, Array]:
        products, sizes = np.ones(self.shape).reshape(-1), np.ones(self.shape).reshape(-1)
        for found in factors:
            products = products * self._flat(found.value)
            sizes = sizes * self._flat(found.size)
        return products, sizes

    def _blamed(self) -> Array:
        """For each term 0 if it counts, or else the number of its first cause, from 1."""
        blame = np.zeros(self.products.shape, np.int64)
        for number, cause in enumerate(self.causes, 1):
            free = blame == 0
            if number > len(self.summand.conditions):
                free &= self.products == 0  # 0 times infinity is not 0
            blame[free & self._flat(cause.holds)] = number
        return blame

    def count(self, kind: str) -> int:
        return int(np.isin(self.blame, self._numbers(kind)).sum())

    def _numbers(self, kind: str) -> list[int]:
        return [n for n, cause in enumerate(self.causes, 1) if cause.kind == kind]

    def lost(self, kind: str) -> Iterator[Lost]:
        """The terms that vanished for this kind of reason."""
        for place in np.flatnonzero(np.isin(self.blame, self._numbers(kind))):
            env, letters = self.at(int(place))
            cause = self.causes[self.blame[place] - 1]
            why = reason(cause, self.evaluator, self.naming, env)
            yield Lost(self.naming.text(self.value, env), why, self.operands(env), letters, self.through)

    def term(self, place: int) -> Term:
        env, letters = self.at(place)
        text, value = self.naming.text(self.value, env), float(self.products[place])
        return Term(text, value, self.operands(env), letters, self.through)

    def operands(self, env: Env) -> tuple[Operand, ...]:
        """What a term reads, and what the conditions read under which it counts."""
        parts = [*self.summand.factors, *self.summand.conditions]
        found = {o.name: o for p in parts for o in self.naming.elements(p, self.evaluator, env)}
        return tuple(found.values())

    @property
    def value(self) -> Expr:
        return self.summand.value

    def at(self, place: int) -> tuple[Env, dict[str, int]]:
        """The letters at one term, all of them and those that are summed over."""
        numbers = np.unravel_index(place, self.shape) if self.shape else ()
        letters = {letter: int(n) for letter, n in zip(self.letters, numbers, strict=True)}
        return {**self.env, **{s: np.asarray(n) for s, n in letters.items()}}, letters


class Single:
    """One term of a summand, all of whose letters are given."""

    def __init__(self, use: Use, summand: Summand, env: Env) -> None:
        alone = Summand((), summand.conditions, summand.factors)
        only = _Sum(use, alone, env, "")
        self.text, self.value = only.naming.text(alone.value, env), float(only.products[0])
        blame = int(only.blame[0])
        self.why = reason(only.causes[blame - 1], only.evaluator, only.naming, env) if blame else ""
