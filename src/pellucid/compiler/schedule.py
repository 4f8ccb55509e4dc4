"""How a nest runs on a vector processor.  A schedule is data: it changes a nest's speed, not what it means.

Chosen by counting: among the letters that could be the vector, and the register tiles that fit, the one with
the fewest vector operations and loads.  The same nest always gets the same schedule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pellucid.compiler.layout import Tensor, lanes_for
from pellucid.compiler.nest import Loop, Nest
from pellucid.compiler.tiles import FEW_CELLS, MOST_CELLS, Unit, best_tile, unrollings
from pellucid.formula.expression import Mul, Read, free_letters
from pellucid.formula.index import Index

__all__ = ["Schedule", "Unit", "along", "best_cost", "choose", "coefficient", "is_contraction"]

# Sums that must be under way for the adders to be busy: two units of four cycles.
BUSY = 8
# Reductions of up to this many positions are unrolled completely.
UNROLLED = 32


@dataclass(frozen=True)
class Schedule:
    """What `pellucid compile --show schedule` prints.

    Attributes:
        vector: the letter along which vectors lie; None for scalar code.
        lanes: numbers in a vector.
        across: whether the vector lies along a summed letter, its lanes added at the end.
        tile: letters of which several values are worked on at once, in registers, and how many.
        outer: the target's letters as loops, outermost first.
        inner: summed letters as loops, outermost first.
        unrolled: summed letters that are written out.
        parallel: the innermost summed letter, and into how many sums that run side by side it is cut.
        crowded: whether accumulators leave no registers for numbers that terms of a sum share.
    """

    vector: str | None
    lanes: int
    across: bool
    tile: tuple[tuple[str, int], ...]
    outer: tuple[str, ...]
    inner: tuple[str, ...]
    unrolled: tuple[str, ...]
    parallel: tuple[str, int] | None = None
    crowded: bool = False

    def __str__(self) -> str:
        tile = " x ".join(f"{letter}:{size}" for letter, size in self.tile) or "none"
        vector = f"{self.vector} x {self.lanes}{' across' if self.across else ''}" if self.vector else "none"
        loops = " > ".join(self.outer) or "none"
        parts = f"; {self.parallel[1]} sums side by side over {self.parallel[0]}" if self.parallel else ""
        return (
            f"vector {vector}; register tile {tile}; loops {loops}; summed {' > '.join(self.inner) or 'none'}"
            f"; unrolled {','.join(self.unrolled) or 'none'}{parts}"
        )


def coefficient(index: Index, letter: str) -> int:
    """How far an affine index moves when the letter does by one."""
    return next((c for m, c in index.terms if m == (letter,)), 0)


def is_contraction(nest: Nest) -> bool:
    """A sum of products of two or more reads."""
    factors = nest.body.factors if isinstance(nest.body, Mul) else (nest.body,)
    return nest.op == "sum" and sum(isinstance(f, Read) for f in factors) >= 2


def choose(
    nest: Nest, tensors: Mapping[str, Tensor], images: str | None, unit: Unit | None = None
) -> Schedule:
    """The schedule of a nest; how far the letter `images` runs is known at run time only."""
    unit = unit or Unit()
    candidates = _candidates(nest, tensors, images)
    vector, across = min(candidates, key=lambda c: _vector_cost(nest, c[0], tensors, across=c[1]))
    loop = {x.letter: x for x in nest.loops}
    lanes = lanes_for(loop[vector].extent) if vector else 1
    cells = math.prod(
        -(-x.extent // lanes) if x.letter == vector else x.extent for x in nest.out if x.letter != images
    )
    fixed = _unrolled(nest, vector if across else None, images)
    # where sums are cut, what is written out decides where, and may depend on nothing but the nest
    free = is_contraction(nest) and not across and cells >= BUSY
    room = unit.accumulators(lanes)
    steps = {x.letter: lanes if x.letter == vector and not across else 1 for x in nest.out}
    tile = best_tile(
        nest, steps, tensors, images,
        room if is_contraction(nest) else min(FEW_CELLS if nest.long else MOST_CELLS, room), room,
        unrollings(nest, images) if free else [fixed], contraction=is_contraction(nest),
    )  # fmt: skip
    inner = tuple(x.letter for x in nest.reduce if x.letter not in tile.unrolled)
    if across and vector is not None:
        inner = (*(s for s in inner if s != vector), vector)
    parallel = None
    if nest.op == "sum" and inner and inner[-1] != images and cells < BUSY:
        parallel = _parallel(inner[-1], loop[inner[-1]].extent // (lanes if across else 1), cells)
    return Schedule(
        vector if lanes > 1 else None, lanes, across and lanes > 1, tile.sizes,
        _outer_order(nest, tensors, images), inner, tile.unrolled, parallel, tile.crowded,
    )  # fmt: skip


def best_cost(nest: Nest, tensors: Mapping[str, Tensor], images: str | None) -> float:
    """Vector operations that the nest takes at best with tensors in this storage."""
    return min(
        _vector_cost(nest, vector, tensors, across=across)[0]
        for vector, across in _candidates(nest, tensors, images)
    )


def _candidates(
    nest: Nest, tensors: Mapping[str, Tensor], images: str | None
) -> list[tuple[str | None, bool]]:
    """Letters for the vector; contractions go without only where no letter has more than one lane."""
    every = list(_vectors(nest, tensors, images))
    extents = nest.extents
    if not is_contraction(nest):
        return every
    return [c for c in every if c[0] is not None and lanes_for(extents[c[0]]) > 1] or every


def _reads(nest: Nest) -> list[Read]:
    written = set(nest.written)
    return [r for r in nest.accesses if r.indices and r not in written]


def _vectors(
    nest: Nest, tensors: Mapping[str, Tensor], images: str | None
) -> Iterator[tuple[str | None, bool]]:
    """Letters along which vectors could lie, and whether lanes are then added."""
    yield None, False
    for x in nest.out:
        if x.letter != images and all(along(t, tensors[t.tensor], x.letter) for t in nest.written):
            yield x.letter, False
    if nest.op == "sum":
        for x in nest.reduce:
            if (
                x.letter != images
                and x.letter not in free_letters(nest.finish)
                and not _gathers(nest, x.letter, tensors)
            ):
                yield x.letter, True


def along(read: Read, tensor: Tensor, letter: str) -> bool:
    """Whether neighbours along the letter are neighbours in storage."""
    touched = [axis for axis, i in enumerate(read.indices) if letter in i.symbols]
    return (
        len(touched) == 1
        and tensor.strides[touched[0]] == 1
        and coefficient(read.indices[touched[0]], letter) == 1
    )


def _gathers(nest: Nest, letter: str, tensors: Mapping[str, Tensor]) -> int:
    """How many reads would have to be collected element by element."""
    found = 0
    for read in _reads(nest):
        moves = any(letter in i.symbols for i in read.indices)
        found += moves and not along(read, tensors[read.tensor], letter)
    return found


def _vector_cost(
    nest: Nest, vector: str | None, tensors: Mapping[str, Tensor], *, across: bool
) -> tuple[float, int]:
    work = math.prod(max(x.extent, 1) for x in nest.loops)
    if vector is None:
        return float(work), 0
    extent = next(x.extent for x in nest.loops if x.letter == vector)
    lanes = lanes_for(extent)
    if lanes == 1:
        return float(work), 1
    operations = work // extent * -(-extent // lanes)
    operations *= 1 + lanes * _gathers(nest, vector, tensors)
    if across:
        operations += 8 * math.prod(x.extent for x in nest.out)
    return float(operations), 1 if across else 0


def _unrolled(nest: Nest, vector: str | None, images: str | None) -> tuple[str, ...]:
    """Innermost summed letters that together have few positions."""
    chosen: list[str] = []
    positions = 1
    limit = 9 if is_contraction(nest) else UNROLLED
    for x in reversed(nest.reduce):
        if x.letter in (images, vector) or positions * x.extent > limit:
            break
        positions *= x.extent
        chosen.insert(0, x.letter)
    return tuple(chosen)


def _parallel(letter: str, steps: int, cells: int) -> tuple[str, int] | None:
    """Sums are cut where one image has too few of them to keep the adders busy.

    The tile plays no part in it, so that an image's sums are the same in a tile of one image and of many.
    """
    parts = next((n for n in (8, 4, 2) if n * cells <= 2 * BUSY and steps >= 2 * n), 1)
    return (letter, parts) if parts > 1 else None


def _outer_order(nest: Nest, tensors: Mapping[str, Tensor], images: str | None) -> tuple[str, ...]:
    """The target's storage order, so that neighbours are written one after the other; images outermost."""
    target = nest.written[0]
    strides = tensors[target.tensor].strides

    def rank(x: Loop) -> tuple[bool, float]:
        weight = sum(
            abs(coefficient(i, x.letter)) * s for i, s in zip(target.indices, strides, strict=True)
        )
        return x.letter != images, -weight

    return tuple(x.letter for x in sorted(nest.out, key=rank))
