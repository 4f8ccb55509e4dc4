"""How a nest runs on a vector processor.  A schedule is data: it changes a nest's speed, not what it means.

Chosen by counting: among the letters that could be the vector, and the register tiles that fit, the one with
the fewest vector operations and loads.  The same nest always gets the same schedule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from pellucid.compiler.layout import Tensor, lanes_for
from pellucid.compiler.nest import Loop, Nest
from pellucid.formula.expression import Mul, Read, free_letters, reads
from pellucid.formula.index import Index

__all__ = ["Schedule", "Unit", "along", "best_cost", "choose", "coefficient", "is_contraction"]

# Vector registers that hold operands; accumulators may take the others.
OPERANDS = 4
# Share of the room for accumulators beyond which there is none for numbers that terms of a sum share.
CROWDED = 0.6
# Cells that are worked on together where there is nothing to keep in registers, and of long ones.
MOST_CELLS, FEW_CELLS = 8, 2
# Sums that must be under way for the adders to be busy: two units of four cycles.
BUSY = 8
# What a turn of a loop costs beside its work, in loads.
LOOP = 2.0
# Numbers that fit the first-level cache, and how much longer a load of others takes.
NEAR, FAR = 8192, 3.0
# Reductions of up to this many positions are unrolled completely.
UNROLLED = 32


@dataclass(frozen=True)
class Unit:
    """A processor's vector unit, and the numbers that it works on.  It decides about speed, not about bits.

    Attributes:
        registers: how many it has.
        size: of a register, in bytes.
        itemsize: of a number, in bytes.
    """

    registers: int = 32
    size: int = 64
    itemsize: int = 4

    def accumulators(self, lanes: int) -> int:
        """Logical vectors that fit its registers beside the operands."""
        return max(1, (self.registers - OPERANDS) // max(1, lanes * self.itemsize // self.size))


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
    unrolled = _unrolled(nest, vector if across else None, images)
    tile = _tile(nest, None if across else vector, lanes, tensors, images, unit)
    crowded = math.prod(n for _, n in tile) > CROWDED * unit.accumulators(lanes)
    outer = _outer_order(nest, tensors, images)
    inner = tuple(x.letter for x in nest.reduce if x.letter not in unrolled)
    if across and vector is not None:
        inner = (*(s for s in inner if s != vector), vector)
    parallel = _parallel(nest, inner, vector, lanes, images, across=across)
    return Schedule(
        vector if lanes > 1 else None, lanes, across and lanes > 1, tile, outer, inner, unrolled, parallel,
        crowded,
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
    extents = {x.letter: x.extent for x in nest.loops}
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


def _tile(
    nest: Nest, vector: str | None, lanes: int, tensors: Mapping[str, Tensor], images: str | None, unit: Unit
) -> tuple[tuple[str, int], ...]:
    """The tile that takes the fewest cycles for each of its cells."""
    blocks = {x.letter: -(-x.extent // lanes) if x.letter == vector else x.extent for x in nest.out}
    room = unit.accumulators(lanes)
    most = room if is_contraction(nest) else min(FEW_CELLS if nest.long else MOST_CELLS, room)
    cost = _Cost(nest, tensors, images)
    options = {s: _sizes(n, most, dynamic=s == images) for s, n in blocks.items()}
    best: tuple[float, tuple[tuple[str, int], ...]] = (math.inf, ())
    letters = [s for s, o in options.items() if len(o) > 1 or o[0] > 1]
    for number in range(min(3, len(letters)) + 1):
        for chosen in combinations(letters, number):
            for sizes in product(*(options[s] for s in chosen)):
                if math.prod(sizes) <= most and 1 not in sizes:
                    tile = tuple(zip(chosen, sizes, strict=True))
                    waste = math.prod(-(-blocks[s] // n) * n / blocks[s] for s, n in tile)
                    best = min(best, (cost(dict(tile)) * waste, tile))
    return best[1]


def _sizes(extent: int, most: int, *, dynamic: bool) -> list[int]:
    if dynamic:
        return [n for n in (1, 2, 4, 8) if n <= min(extent, most)] or [1]
    return [n for n in range(1, min(extent, most) + 1) if extent % n == 0 or (n >= 4 and extent > most)]


class _Cost:
    """Cycles that a tile takes for each cell and term, with two multiply-adds or two loads in a cycle."""

    def __init__(self, nest: Nest, tensors: Mapping[str, Tensor], images: str | None) -> None:
        self.contraction, self.images = is_contraction(nest), images
        self.terms = math.prod(x.extent for x in nest.reduce)
        summed = set(reads(nest.body)) if nest.op != "map" else set()
        self.loads, self.once = (
            [(_letters(r), _weight(r, tensors, images)) for r in _reads(nest) if (r in summed) == inside]
            for inside in (True, False)
        )
        written = sum(_weight(r, tensors, images) for r in nest.written)
        self.stores = written * (2 if nest.accumulate else 1)

    def __call__(self, tile: Mapping[str, int]) -> float:
        size = math.prod(tile.values())
        loads, once = (
            sum(w * math.prod(n for s, n in tile.items() if s in letters) for letters, w in group)
            for group in (self.loads, self.once)
        )
        once += 2 * self.stores * size
        # tiles of images need a second loop for the rest
        rest = 1.1 if self.images in tile else 1.0
        if not self.contraction:
            return ((loads + LOOP) * max(1, self.terms) + once + LOOP) / size * rest + 0.01 * size
        latency = max(1.0, 8 / size)
        loads += once / max(1, self.terms)
        return (max(size * latency, loads) + 0.01 * loads) / size * rest


def _letters(read: Read) -> set[str]:
    return {s for i in read.indices for s in i.symbols}


def _weight(read: Read, tensors: Mapping[str, Tensor], images: str | None) -> float:
    """How much longer a load takes if the share of one image does not fit the first-level cache."""
    tensor = tensors[read.tensor]
    of_image = bool(read.indices) and read.indices[0].letter == images
    size = tensor.size // max(1, tensor.allotted[0]) if of_image else tensor.size
    return FAR if size > NEAR else 1.0


def _parallel(
    nest: Nest, inner: Sequence[str], vector: str | None, lanes: int, images: str | None, *, across: bool
) -> tuple[str, int] | None:
    """Sums are cut where one image has too few of them to keep the adders busy.

    The tile plays no part in it, so that an image's sums are the same in a tile of one image and of many.
    """
    extents = {x.letter: x.extent for x in nest.loops}
    cells = math.prod(
        -(-x.extent // lanes) if x.letter == vector else x.extent for x in nest.out if x.letter != images
    )
    if nest.op != "sum" or not inner or inner[-1] == images or cells >= BUSY:
        return None
    steps = extents[inner[-1]] // (lanes if across else 1)
    parts = next((n for n in (8, 4, 2) if n * cells <= 2 * BUSY and steps >= 2 * n), 1)
    return (inner[-1], parts) if parts > 1 else None


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
