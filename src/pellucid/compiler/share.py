"""How much of a nest's work its schedule does in vectors: a count, so that nothing slow hides behind a name.

Every operation on a number counts as one, wherever a number comes from; so do stores, and loads that are
collected element by element.  Loads that an operation takes as they lie, or one number for all lanes, are
part of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.compiler.layout import Tensor
from pellucid.compiler.nest import BEST, RESULT, Nest
from pellucid.compiler.schedule import Schedule, along
from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Delta,
    IndexValue,
    Mul,
    Node,
    Not,
    Or,
    Power,
    Read,
    Where,
    Within,
    free_letters,
    walk,
)

__all__ = ["Work", "vector_share", "work"]


@dataclass(frozen=True)
class Work:
    """Operations on single numbers.

    Attributes:
        vector: done by instructions that take several numbers at once.
        scalar: done one after the other.
    """

    vector: int = 0
    scalar: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.vector + other.vector, self.scalar + other.scalar)

    @property
    def share(self) -> float:
        """Of the vectors; 1 where there is nothing to do."""
        total = self.vector + self.scalar
        return self.vector / total if total else 1.0


def vector_share(nest: Nest, schedule: Schedule, tensors: Mapping[str, Tensor]) -> float:
    """Share of a nest's operations that are done in vectors, between 0 and 1.

    >>> from pellucid.compiler.lower import lower
    >>> from pellucid.compiler.schedule import choose
    >>> from pellucid.formula.formula import Formula
    >>> from pellucid.formula.ranges import solve
    >>> formula = Formula.parse("y[k] = b[k] + sum[d] w[k,d]*x[d]")
    >>> ranges = solve(formula, {"b": (4,), "w": (4, 100), "x": (100,)})
    >>> tensors = {
    ...     name: Tensor(name, "", shape, tuple(range(len(shape))), ((0, 0),) * len(shape))
    ...     for name, shape in ranges.shapes.items()
    ... }
    >>> (nest,) = lower(formula.equations[0], ranges)
    >>> schedule = choose(nest, tensors, None)
    >>> schedule.vector, round(vector_share(nest, schedule, tensors), 2)
    ('d', 0.97)
    """
    return work(nest, schedule, tensors).share


def work(nest: Nest, schedule: Schedule, tensors: Mapping[str, Tensor]) -> Work:
    """A nest's operations, those of a whole tile of images."""
    written = math.prod(x.extent for x in nest.out)
    terms = math.prod(x.extent for x in nest.loops)
    cell = _Part(nest, schedule, tensors, written, inside=not schedule.across)
    further = sum((cell.of(store.value) for store in nest.then), cell.written())
    if nest.op == "map":
        return cell.of(nest.body) + further
    each = _Part(nest, schedule, tensors, terms, inside=True)
    return each.summed() + _added_lanes(schedule, written) + cell.of(nest.finish) + further


def _added_lanes(schedule: Schedule, written: int) -> Work:
    """Lanes are added by halves; the last two as single numbers."""
    if not schedule.across:
        return Work()
    return Work(vector=written * (schedule.lanes - 2), scalar=written)


@dataclass(frozen=True)
class _Part:
    """A nest's body or its end.

    Attributes:
        nest: the nest.
        schedule: of the nest.
        tensors: storage.
        times: how often it is worked out.
        inside: whether it is worked out inside the loop over the vector's letter.
    """

    nest: Nest
    schedule: Schedule
    tensors: Mapping[str, Tensor]
    times: int
    inside: bool

    def of(self, root: Node) -> Work:
        """All operations in an expression."""
        parts = (self._counted(node, _operations(node)) + self._collected(node) for node in walk(root))
        return sum(parts, Work())

    def summed(self) -> Work:
        """The body and what adds it to the rest: with a product's last factor, one multiply-add."""
        body = self.nest.body
        fused = self.nest.op == "sum" and isinstance(body, Mul)
        return self.of(body) + (Work() if fused else self._counted(None, 1))

    def written(self) -> Work:
        """The stores, and the addition before the first if the target is added to."""
        vectors = [self.inside and self._lies_along(target) for target in self.nest.written]
        numbers = [self.times] * len(vectors)
        if self.nest.accumulate:
            numbers[0] *= 2
        parts = zip(vectors, numbers, strict=True)
        return sum((Work(vector=n) if along else Work(scalar=n) for along, n in parts), Work())

    def _counted(self, node: Node | None, operations: int) -> Work:
        """Operations on values that change along the vector are done in it, others once for all its lanes."""
        vector = self.schedule.vector
        if vector is None or not self.inside:
            return Work(scalar=operations * self.times)
        extent = next(x.extent for x in self.nest.loops if x.letter == vector)
        if node is None or vector in free_letters(node) or not {RESULT, BEST}.isdisjoint(walk(node)):
            return Work(vector=operations * self.times)
        return Work(scalar=operations * self.times // extent * -(-extent // self.schedule.lanes))

    def _collected(self, node: Node) -> Work:
        """Loads of single numbers that are put together to a vector; what the cell holds is not loaded."""
        if not self.inside or not isinstance(node, Read) or node in self.nest.targets:
            return Work()
        if self.schedule.vector not in free_letters(node):
            return Work()
        return Work() if self._lies_along(node) else Work(scalar=self.times)

    def _lies_along(self, read: Read) -> bool:
        """Whether neighbours along the vector's letter are neighbours in storage."""
        vector = self.schedule.vector
        return vector is not None and along(read, self.tensors[read.tensor], vector)


def _operations(node: Node) -> int:
    """Those of one node by itself; a function counts as one."""
    match node:
        case Add(terms):
            return len(terms) - 1
        case Mul(factors):
            return len(factors) - 1
        case Within():
            return 2
        case And(parts) | Or(parts):
            return len(parts) - 1
        case Power() | Call() | Where() | Delta() | Compare() | Not() | IndexValue():
            return 1
    return 0
