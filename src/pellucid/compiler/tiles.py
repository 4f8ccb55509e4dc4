"""How many cells of a nest are worked on at once in registers, and which of its sums are written out.

Chosen by counting cycles over all tiles that fit.  Neither changes a sum's order: what is written out are the
innermost letters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from pellucid.compiler.layout import Tensor
from pellucid.compiler.nest import Nest
from pellucid.formula.expression import Read, reads

__all__ = ["Tile", "Unit", "best_tile", "unrollings"]

# Vector registers that hold operands; accumulators may take the others.
OPERANDS = 4
# Share of the room for accumulators beyond which there is none for numbers that terms of a sum share.
CROWDED = 0.65
# Cells that are worked on together where there is nothing to keep in registers, and of long ones.
MOST_CELLS, FEW_CELLS = 8, 2
# Multiply-adds that are written out at most.
MOST_WRITTEN = 384
# What a turn of a loop costs beside its work, in loads.
LOOP = 2.0
# Trifles that decide between equals: a load for a multiply-add; a letter, more if its neighbours lie far
# apart; cells that are left over.
LOAD, LETTER, REST = 0.03, 0.004, 0.1
# Numbers that fit the first-level cache, and how much longer a load of others takes.
NEAR, FAR = 8192, 3.0


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
class Tile:
    """Cells that are worked on at once.

    Attributes:
        sizes: letters of which several values are taken, and how many.
        unrolled: summed letters that are written out.
        crowded: whether accumulators leave no registers for numbers that terms of a sum share.
    """

    sizes: tuple[tuple[str, int], ...]
    unrolled: tuple[str, ...]
    crowded: bool


def best_tile(
    nest: Nest, steps: Mapping[str, int], tensors: Mapping[str, Tensor], images: str | None, most: int,
    room: int, unrolled: Sequence[tuple[str, ...]], *, contraction: bool,
) -> Tile:  # fmt: skip
    """The tile that takes the fewest cycles for each of its cells.

    Args:
        nest: the nest.
        steps: for each letter of the target, how far one of its blocks goes: a vector's lanes, or 1.
        tensors: storage.
        images: the letter whose extent is known at run time only.
        most: cells of a tile.
        room: vectors that fit the registers.
        unrolled: which summed letters may be written out.
        contraction: whether the work is multiply-adds.
    """
    blocks = {x.letter: -(-x.extent // steps[x.letter]) for x in nest.out}
    cost = _Cost(nest, steps, tensors, images, room, contraction=contraction)
    found = (
        (cost(dict(sizes), letters) * _rest(sizes, blocks), Tile(sizes, letters, cost.crowded(sizes)))
        for letters in unrolled
        for sizes in _sizes(blocks, images, most)
        if not letters or contraction is False or cost.written(sizes, letters) <= MOST_WRITTEN
    )
    return min(found, key=lambda f: (f[0], f[1].sizes))[1]


def unrollings(nest: Nest, images: str | None) -> list[tuple[str, ...]]:
    """The innermost summed letters, as many of them as one likes."""
    letters = [x.letter for x in nest.reduce]
    last = max((i for i, s in enumerate(letters) if s == images), default=-1)
    return [tuple(letters[i:]) for i in range(len(letters), last, -1)]


def _sizes(
    blocks: Mapping[str, int], images: str | None, most: int
) -> Iterator[tuple[tuple[str, int], ...]]:
    options = {s: _options(n, most, dynamic=s == images) for s, n in blocks.items()}
    letters = [s for s, o in options.items() if o]
    for number in range(min(3, len(letters)) + 1):
        for chosen in combinations(letters, number):
            for sizes in product(*(options[s] for s in chosen)):
                if math.prod(sizes) <= most:
                    yield tuple(zip(chosen, sizes, strict=True))


def _options(extent: int, most: int, *, dynamic: bool) -> list[int]:
    """Sizes of more than one."""
    largest = min(extent, most)
    if dynamic:
        return [n for n in (2, 4, 8) if n <= largest]
    return [n for n in range(2, largest + 1) if extent % n == 0 or n >= 3]


def _rest(sizes: Sequence[tuple[str, int]], blocks: Mapping[str, int]) -> float:
    """Cells that are left over make smaller tiles."""
    return math.prod(1 + REST * (blocks[s] % n) / blocks[s] for s, n in sizes)


class _Cost:
    """Cycles that a tile takes for each cell and term, with two multiply-adds or two loads in a cycle."""

    def __init__(
        self, nest: Nest, steps: Mapping[str, int], tensors: Mapping[str, Tensor], images: str | None,
        room: int, *, contraction: bool,
    ) -> None:  # fmt: skip
        self.contraction, self.images, self.room, self.steps = contraction, images, room, steps
        self.extents = {x.letter: x.extent for x in nest.reduce}
        self.terms = max(1, math.prod(self.extents.values()))
        self.known: dict[object, int] = {}
        # the target's letters but for the vector's, neighbours in storage first
        strides = tensors[nest.written[0].tensor].strides
        moves = {
            x.letter: sum(
                s for i, s in zip(nest.written[0].indices, strides, strict=True) if x.letter in i.symbols
            )
            for x in nest.out
        }
        self.far = sorted((s for s in moves if steps[s] == 1 and s != images), key=lambda s: (moves[s], s))
        summed = set(reads(nest.body)) if nest.op != "map" else set()
        written = set(nest.written)
        weighted = [
            (r, _weight(r, tensors, images)) for r in nest.accesses if r.indices and r not in written
        ]
        self.loads = [(r, w) for r, w in weighted if r in summed]
        self.once = [(r, w) for r, w in weighted if r not in summed]
        self.stores = sum(_weight(r, tensors, images) for r in written) * (2 if nest.accumulate else 1)

    def crowded(self, sizes: Sequence[tuple[str, int]]) -> bool:
        return math.prod(n for _, n in sizes) > CROWDED * self.room

    def written(self, sizes: Sequence[tuple[str, int]], unrolled: Sequence[str]) -> int:
        return math.prod(n for _, n in sizes) * math.prod(self.extents[s] for s in unrolled)

    def __call__(self, tile: Mapping[str, int], unrolled: tuple[str, ...]) -> float:
        size = math.prod(tile.values())
        once = sum(w * self.distinct(r, tile, ()) for r, w in self.once) + 2 * self.stores * size
        # tiles of images need a second loop for the rest
        rest = 1.1 if self.images in tile else 1.0
        if not self.contraction:
            loads = sum(w * self.distinct(r, tile, ()) for r, w in self.loads)
            return ((loads + LOOP) * self.terms + once + LOOP) / size * rest + 0.01 * size
        positions = math.prod(self.extents[s] for s in unrolled)
        loads = sum(w * self.loaded(r, tile, unrolled, positions) for r, w in self.loads)
        loads += once * positions / self.terms
        work = size * positions
        latency = max(1.0, 8 / size)
        cycles = max(work * latency, loads) + LOAD * loads + 0.2 * LOOP
        letters = sum(1 + self.far.index(s) for s in tile if s in self.far)
        return (cycles / work + LETTER * letters) * rest

    def loaded(self, read: Read, tile: Mapping[str, int], unrolled: tuple[str, ...], positions: int) -> int:
        """Loads of a turn: what terms share is loaded once, if there are registers for it."""
        if not self.crowded(tuple(tile.items())):
            return self.distinct(read, tile, unrolled)
        moves = any(s in i.symbols for i in read.indices for s in unrolled)
        return self.distinct(read, tile, ()) * (positions if moves else 1)

    def distinct(self, read: Read, tile: Mapping[str, int], unrolled: tuple[str, ...]) -> int:
        """Different elements that a tile's cells read in the terms that are written out."""
        total = 1
        for index in read.indices:
            parts = tuple(
                (number * self.steps.get(letter, 1), tile[letter] if letter in tile else self.extents[letter])
                for monomial, number in index.terms
                for letter in map(str, monomial)
                if letter in tile or letter in unrolled
            )
            if parts not in self.known:
                values = {0}
                for step, count in parts:
                    values = {v + step * i for v in values for i in range(count)}
                self.known[parts] = len(values)
            total *= self.known[parts]
        return total


def _weight(read: Read, tensors: Mapping[str, Tensor], images: str | None) -> float:
    """How much longer a load takes of what all images share and does not fit the first-level cache."""
    of_image = bool(read.indices) and read.indices[0].letter == images
    return FAR if tensors[read.tensor].size > NEAR and not of_image else 1.0
