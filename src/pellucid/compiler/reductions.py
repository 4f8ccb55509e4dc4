"""Sums and extremes of a tile's cells, gathered in registers while the summed letters run.

A sum takes each term by a fused multiply-add; where one sum alone could not keep the processor's adders busy,
several run side by side and are added in the end.  The position of an extreme value is kept beside it.
"""

from __future__ import annotations

import math

from pellucid.compiler.nest import VALID, Nest
from pellucid.compiler.position import Point, Position
from pellucid.compiler.schedule import along
from pellucid.compiler.values import Values
from pellucid.compiler.writer import Value
from pellucid.formula.expression import Expr, Read, Where
from pellucid.formula.index import Index
from pellucid.formula.text import denominator

__all__ = ["Reduction"]


class Reduction:
    """What the cells of one tile gather.

    Args:
        nest: a sum or an extreme value.
        position: where in its loops the kernel is.
        values: works out the terms.
        cells: how many there are.
        parts: sums that run side by side for each of them.
    """

    def __init__(self, nest: Nest, position: Position, values: Values, cells: int, parts: int) -> None:
        self.nest, self.position, self.values, self.writer = nest, position, values, values.writer
        # whether some positions of an extreme value lie in padding, which never wins
        self.guarded = isinstance(nest.body, Where) and nest.body.otherwise == VALID
        self.positions = nest.op.startswith("arg")
        worst = -math.inf if nest.op.endswith("max") else math.inf
        start = 0.0 if nest.op == "sum" else worst
        # no position yet, where padding may come first
        first = -1.0 if self.guarded else 0.0
        lanes = position.lanes
        self.gathered = [[self.writer.variable(lanes, start) for _ in range(cells)] for _ in range(parts)]
        self.places = [self.writer.variable(lanes, first) for _ in range(cells)] if self.positions else []

    def take(self, cell: int, part: int, point: Point) -> None:
        """Adds the term at a cell to one of its sums, or compares it with the best so far."""
        variable = self.gathered[part][cell]
        old = self.writer.held(variable, self.position.lanes)
        place = self.places[cell] if self.positions else None
        new = self._sum(old, point) if self.nest.op == "sum" else self._better(old, place, point)
        self.writer.assign(variable, new)

    def results(self) -> list[tuple[Value, Value]]:
        """Each cell's sum or extreme value, and what the reduction gives: that or the extreme's position."""
        lanes = self.position.lanes
        bests = [self._best(cell) for cell in range(len(self.gathered[0]))]
        if self.positions:
            return [(b, self.writer.held(p, lanes)) for b, p in zip(bests, self.places, strict=True)]
        if self.position.across:
            bests = self.writer.across(bests)
        return [(best, best) for best in bests]

    def _best(self, cell: int) -> Value:
        """A cell's extreme value; of a sum that ran in parts these added, neighbours first."""
        values = [self.writer.held(part[cell], self.position.lanes) for part in self.gathered]
        while len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=True)
            values = [self.writer.binary("fadd", a, b) for a, b in pairs]
        return values[0]

    # sums

    def _sum(self, total: Value, point: Point) -> Value:
        new = self.values.added(total, self.nest.body, point)
        if not self.position.across or self.position.is_full({}):
            return new
        above, below = denominator(self.nest.body)
        if not below and all(map(self._ends_in_zeros, above)):
            return new
        # lanes past the end keep what they have: 0 there times infinity elsewhere would be no number
        return self.writer.selected(Value(self.values.indices.inside({}), new.lanes), new, total)

    def _ends_in_zeros(self, factor: Expr) -> bool:
        """Whether a factor runs along a whole stored axis, so that padding or nothing follows its end."""
        vector = self.position.vector
        if not isinstance(factor, Read) or not factor.indices:
            return False
        tensor = self.values.memory.tensors[factor.tensor]
        return along(factor, tensor, vector) and any(
            i.letter == vector and tensor.shape[axis] == self.position.extents[vector]
            for axis, i in enumerate(factor.indices)
        )

    # extremes

    def _better(self, old: Value, place: str | None, point: Point) -> Value:
        """The larger (or smaller) of two; the first of equals stays, a NaN wins."""
        writer, lanes = self.writer, self.position.lanes
        body = self.nest.body
        valid: Value | None = None
        if isinstance(body, Where) and self.guarded:
            valid = self.values.condition(body.condition, point)
            body = body.then
        value = writer.wide(self.values.value(body, point), lanes)
        better = writer.compared("ogt" if self.nest.op.endswith("max") else "olt", value, old)
        wins = writer.joined("or", [better, writer.compared("uno", value, value)])
        if valid is not None:
            wins = self._first_valid(wins, place) if place is not None else wins
            wins = writer.joined("and", [wins, valid])
        if place is not None:
            held = writer.held(place, lanes)
            writer.assign(place, writer.selected(wins, writer.wide(self._number(), lanes), held))
        return writer.selected(wins, value, old)

    def _first_valid(self, wins: Value, place: str) -> Value:
        """The first position counts even if its value is the worst there is."""
        held = self.writer.held(place, wins.lanes)
        none = self.writer.compared("olt", held, self.writer.constant(0.0, wins.lanes))
        return self.writer.joined("or", [wins, none])

    def _number(self) -> Value:
        """The flattened position of the summed letters, row-major."""
        total = Index.of(0)
        for x in self.nest.reduce:
            total = total * x.extent + x.letter
        return self.values.indices.number(total, {})
