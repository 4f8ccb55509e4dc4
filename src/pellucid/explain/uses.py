"""Who uses a number: the elements that are computed from it, each with the term in which it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.adding import Single
from pellucid.explain.choosing import Choice
from pellucid.explain.evaluation import Env, Evaluator
from pellucid.explain.explanation import UsedBy, Uses
from pellucid.explain.reference import Reference
from pellucid.explain.sources import Sources, Use
from pellucid.explain.summands import Summand, is_extreme, summands
from pellucid.formula.expression import Read, Reduce, free_letters, reads
from pellucid.formula.formula import target_letters
from pellucid.formula.index import Index

__all__ = ["uses_of"]

Array = NDArray[Any]


def uses_of(sources: Sources, reference: Reference, most: int | None) -> Uses:
    """Everything that reads an element: forward equations for a value, backward ones for a gradient."""
    found = list(_readings(sources, reference))
    ranked: list[tuple[float, int, int]] = []
    for number, reading in enumerate(found):
        sizes = np.abs(reading.values())
        order = np.argsort(-sizes, kind="stable")[:most]
        ranked += [(-float(sizes[place]), number, int(place)) for place in order]
    chosen = sorted(ranked)[:most]
    listed = tuple(found[number].used_by(place) for _, number, place in chosen)
    return Uses(str(reference), listed, sum(reading.count for reading in found))


@dataclass
class _Reading:
    """One read of a summand (or of the candidates of a choice), at all letters where it hits the element."""

    use: Use
    summand: Summand
    letters: Mapping[str, Array]
    count: int

    @property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.use.scope)

    def values(self) -> Array:
        """Of the term, at all places."""
        product: Array = np.ones(())
        for factor in self.summand.factors:
            product = product * self.evaluator.value(factor, self.letters).value
        for condition in self.summand.conditions:
            product = np.where(self.evaluator.test(condition, self.letters), product, 0.0)
        return np.broadcast_to(product, (self.count,))

    def used_by(self, place: int) -> UsedBy:
        env: Env = {letter: np.asarray(values[place]) for letter, values in self.letters.items()}
        target = self.use.equation.target
        indices = tuple(int(self.evaluator.whole(i, env)) for i in target.indices)
        name = str(Reference(self.use.scope.places[target.tensor], indices))
        equation = str(self.use.equation)
        if is_extreme(self.use.equation.value):
            term, why = Choice(self.use, indices, "").candidate({s: int(v) for s, v in env.items()})
            return UsedBy(name, self.use.scope.step, equation, term.text, term.value, why)
        single = Single(self.use, self.summand, env)
        return UsedBy(name, self.use.scope.step, equation, single.text, single.value, single.why)


def _readings(sources: Sources, reference: Reference) -> Iterator[_Reading]:
    for scope in sources.scopes(gradients=reference.place.gradient):
        mine = {t for t, p in scope.places.items() if p == reference.place and t not in scope.scalars}
        for equation in scope.formula.equations:
            if scope.places[equation.name] == reference.place:
                continue  # a share of the element itself
            if equation.name in scope.positions and not sources.has(scope.places[equation.name]):
                continue  # a position that no gradient asks for
            for summand in _parts(Use(scope, equation)):
                yield from _hits(Use(scope, equation), summand, mine, reference.indices)


def _parts(use: Use) -> list[Summand]:
    value = use.equation.value
    if is_extreme(value):
        assert isinstance(value, Reduce)
        return [Summand(value.letters, (), (value.body,))]
    return summands(value)


def _hits(use: Use, summand: Summand, mine: set[str], element: Sequence[int]) -> Iterator[_Reading]:
    extents = {s: use.scope.ranges.extents[s] for s in target_letters(use.equation) if s}
    extents |= {b.letter: use.scope.ranges.extent(b) for b in summand.bounds}
    nodes = [*summand.factors, *summand.conditions]
    touched = dict.fromkeys(r for n in nodes for r in reads(n) if r.tensor in mine)
    columns: list[Array] = []
    for read in touched:
        if free_letters(read) - extents.keys() <= use.scope.ranges.symbols.keys():
            columns.append(_solutions(Evaluator(use.scope), read, element, extents))
    if not columns:
        return
    together = columns[0] if len(columns) == 1 else np.unique(np.concatenate(columns, axis=1), axis=1)
    if together.shape[1]:
        yield _Reading(use, summand, dict(zip(extents, together, strict=True)), together.shape[1])


def _solutions(evaluator: Evaluator, read: Read, element: Sequence[int], extents: Mapping[str, int]) -> Array:
    """All values of the letters, a row each, with which the read hits the element."""
    parts: list[dict[str, Array]] = []
    counts: list[int] = []
    for letters, axes in _components(read, extents):
        env = _grids(letters, extents)
        holds: Array = np.ones(tuple(extents[s] for s in letters), bool)
        for axis in axes:
            index = read.indices[axis]
            holds = holds & evaluator.exact(index, env) & (evaluator.whole(index, env) == element[axis])
        parts.append(dict(zip(letters, np.nonzero(holds), strict=True)) if letters else {})
        counts.append(int(holds.sum()))
    total = math.prod(counts)
    columns: dict[str, Array] = {}
    inner = total
    for part, count in zip(parts, counts, strict=True):
        inner = inner // count if count else 0
        for letter, values in part.items():
            columns[letter] = np.tile(np.repeat(values, inner), total // (inner * count) if total else 0)
    return np.stack([columns[s] for s in extents]) if extents else np.zeros((0, total), np.int64)


def _components(read: Read, extents: Mapping[str, int]) -> list[tuple[list[str], list[int]]]:
    """Letters that hang together through the axes that they index, with these axes; the others alone."""
    groups: list[tuple[set[str], list[int]]] = []
    for axis, index in enumerate(read.indices):
        letters, axes = _letters(index, extents), [axis]
        apart = []
        for group in groups:
            if group[0] & letters:
                letters, axes = letters | group[0], axes + group[1]
            else:
                apart.append(group)
        groups = [*apart, (letters, axes)]
    held: set[str] = reduce(set.union, (g[0] for g in groups), set())
    lone: list[tuple[list[str], list[int]]] = [([s], []) for s in extents if s not in held]
    found: list[tuple[list[str], list[int]]] = [(sorted(letters), axes) for letters, axes in groups]
    return [*found, *lone]


def _letters(index: Index, extents: Mapping[str, int]) -> set[str]:
    return set(index.symbols & extents.keys())


def _grids(letters: Sequence[str], extents: Mapping[str, int]) -> Env:
    sides = np.meshgrid(*(np.arange(extents[s]) for s in letters), indexing="ij", sparse=True)
    return dict(zip(letters, sides, strict=True))
