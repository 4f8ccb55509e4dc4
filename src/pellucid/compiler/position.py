"""Where in its loops a kernel is while it is written: what each loop letter holds, and what it can hold.

A letter is at a loop's register plus a constant.  A tile's cells lie beside each other from there: a `point`
says for each letter of the tile which of its blocks is meant, a block being one value or a vector of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.compiler.layout import Tensor
from pellucid.compiler.nest import Nest
from pellucid.compiler.prove import Access
from pellucid.compiler.schedule import Schedule
from pellucid.formula.bounds import Interval
from pellucid.formula.expression import Read

__all__ = ["Place", "Point", "Position"]

# For each letter of a tile, the number of a block.
Point = Mapping[str, int]


@dataclass(frozen=True)
class Place:
    """What a loop letter is at some point: a loop's register (none: zero) plus a constant."""

    register: str | None
    constant: int = 0


class Position:
    """Where all letters of a nest are.

    Attributes:
        vector: the letter along which vectors lie; "" if there are none.
        lanes: numbers in a vector.
        across: whether the vector lies along a summed letter.
        extents: of the loops.
        places: where each letter is.
        spans: first and last value of each letter in the loops around.
        apart: number of the position of an unrolled sum, where terms share nothing; see `Memory.address`.
    """

    def __init__(self, nest: Nest, schedule: Schedule) -> None:
        self.vector, self.lanes, self.across = schedule.vector or "", schedule.lanes, schedule.across
        self.extents = nest.extents
        self.places: dict[str, Place] = {}
        self.spans: dict[str, Interval] = {}
        self.apart = 0

    def put(self, letter: str, place: Place, span: Interval) -> None:
        """Moves a letter."""
        self.places[letter], self.spans[letter] = place, span

    def block(self, letter: str) -> int:
        """Values of a letter in one block of a tile."""
        return self.lanes if letter == self.vector and not self.across else 1

    def constant(self, letter: str, point: Point) -> int:
        """Where a letter is, apart from a loop's register."""
        return self.places[letter].constant + self.block(letter) * point.get(letter, 0)

    def is_full(self, point: Point) -> bool:
        """Whether a vector ends before its loop does, whatever the registers hold."""
        extent = self.extents[self.vector]
        if self.places[self.vector].register is not None:
            return self.spans[self.vector][1] < extent
        return self.constant(self.vector, point) + self.lanes <= extent

    def access(self, read: Read, tensor: Tensor, lanes: int, point: Point) -> Access:
        """One number or a whole vector; of a vector in part, the numbers before the end of its loop."""
        spans, vector = dict(self.spans), self.vector
        if vector in spans:
            low, high = spans[vector]
            if self.places[vector].register is None and not self.across:
                low = self.constant(vector, point)
                high = low + self.lanes - 1
            spans[vector] = (low, high if lanes > 1 else min(high, self.extents[vector] - 1))
        return Access(read, tensor, spans)
