"""Which part of its operands a part of a formula's output is made of: index intervals, followed backwards.

>>> from pellucid.formula.formula import Formula
>>> from pellucid.formula.ranges import solve
>>> f = Formula.parse("y[n,i] = sum[u] w[u] * x[n, 2*i + u]")
>>> seen(f, solve(f, {"w": (3,), "x": (1, 9)}), ((0, 0), (1, 2)))["x"]
((0, 0), (2, 6))
"""

from __future__ import annotations

from pellucid.formula.bounds import Interval, guarded_reads, interval
from pellucid.formula.expression import Equation, Reduce, walk
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index, flat_parts
from pellucid.formula.ranges import Ranges

__all__ = ["Box", "hull", "seen"]

# The least and greatest index along each axis; beyond an array's ends lies padding.
Box = tuple[Interval, ...]


def seen(formula: Formula, ranges: Ranges, part: Box) -> dict[str, Box]:
    """The smallest box of each operand (and defined tensor) that holds all that a box of the output reads.

    Conditions on indices are respected where they bound an index; a box may reach into padding, or beyond it
    if the given box does.
    """
    boxes: dict[str, Box] = {formula.output: part}
    for equation in reversed(formula.equations):
        if equation.name not in boxes:
            continue
        letters = ranges.intervals() | _letters(equation, ranges, boxes[equation.name])
        for read, known in guarded_reads(equation.value):
            box = tuple(interval(index, letters, known) for index in read.indices)
            if all(low <= high for low, high in box):
                boxes[read.tensor] = hull(box, boxes.get(read.tensor, box))
    return boxes


def hull(one: Box, other: Box) -> Box:
    """The smallest box around two."""
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))


def _letters(equation: Equation, ranges: Ranges, box: Box) -> dict[str, Interval]:
    """The intervals of the equation's letters: those of the left side from the box, all of those it binds."""
    bounds = (b for n in walk(equation.value) if isinstance(n, Reduce) for b in n.letters)
    found = {b.letter: (0, ranges.extent(b) - 1) for b in bounds}
    for index, side in zip(equation.target.indices, box, strict=True):
        found |= _parts(index, side, ranges)
    return found


def _parts(index: Index, side: Interval, ranges: Ranges) -> dict[str, Interval]:
    """The intervals of the letters of one axis of the left side: one letter, or several flattened ones."""
    if index.letter is not None:
        return {index.letter: side}
    letters = flat_parts(index) or ()
    found: dict[str, Interval] = {}
    low, high = side
    for place, letter in enumerate(letters):
        stride = 1
        for inner in letters[place + 1 :]:
            stride *= ranges.extents[inner]
        first, last = max(0, low // stride), min(ranges.extents[letter] - 1, high // stride)
        found[letter] = (first, last)
        if first != last:  # the inner letters take all values
            return found | {inner: (0, ranges.extents[inner] - 1) for inner in letters[place + 1 :]}
        low, high = low - first * stride, high - first * stride
    return found
