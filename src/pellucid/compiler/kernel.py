"""A scheduled nest as a function of LLVM's: its loops, in steps of register tiles, with their rests.

What stands inside the loops is written by others, each of which knows those before it:

* `Writer` has the lines: registers, counted loops, arithmetic;
* `Position` says where in the nest the kernel is while its loops are written;
* `Indices` makes integers of index expressions at that position;
* `Memory` loads and stores elements of tensors there, once they are proved to be in bounds;
* `Values` makes registers of expressions and conditions;
* `Reduction` gathers the terms of a sum or of an extreme value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from pellucid.compiler.indices import Indices
from pellucid.compiler.layout import Tensor
from pellucid.compiler.memory import Memory
from pellucid.compiler.module import SPACES, Module
from pellucid.compiler.nest import BEST, RESULT, Loop, Nest
from pellucid.compiler.position import Place, Point, Position
from pellucid.compiler.reductions import Reduction
from pellucid.compiler.schedule import Schedule
from pellucid.compiler.values import Values
from pellucid.compiler.writer import Value, Writer

__all__ = ["Kernel"]


class Kernel:
    """Writes one nest into a module, as a function of the buffers and of the number of images.

    Args:
        module: what it is written into.
        name: of the function.
        nest: what it does.
        schedule: how.
        tensors: storage of what the nest names.
        scalars: values of its named scalars.
        images: the letter whose extent is known at run time only, None if there is none.

    Raises:
        FormulaError: an access may leave its tensor, or something is not compiled; nothing is written then.
    """

    def __init__(
        self, module: Module, name: str, nest: Nest, schedule: Schedule, tensors: Mapping[str, Tensor],
        scalars: Mapping[str, float], images: str | None,
    ) -> None:  # fmt: skip
        self.nest, self.schedule, self.images = nest, schedule, images
        self.writer, self.position = Writer(module), Position(nest, schedule)
        indices = Indices(self.writer, self.position)
        self.memory = Memory(self.writer, self.position, indices, tensors)
        self.values = Values(self.writer, indices, self.memory, scalars)
        loops = {x.letter: x for x in nest.out}
        self._outer_loops([loops[s] for s in schedule.outer], dict(schedule.tile))
        pointers = ", ".join(f"ptr noalias %{s}" for s in SPACES)
        head = f"define internal void @{name}({pointers}, i64 %images) {{\nentry:"
        lines = [*self.writer.allocations, *self.writer.lines]
        module.functions.append("\n".join([head, *lines, "  ret void", "}"]))

    # loops over the target

    def _outer_loops(self, remaining: Sequence[Loop], tile: Mapping[str, int]) -> None:
        """The target's loops in steps of their tiles, with a rest where a tile does not divide the extent."""
        if not remaining:
            self._cells(tile)
            return
        first, rest = remaining[0], remaining[1:]
        letter, size = first.letter, tile.get(first.letter, 1)
        if letter == self.images:
            self._image_loops(first, size, rest, tile)
            return
        block = self.position.block(letter)
        blocks = -(-first.extent // block)
        # a vector that is not full is worked on by itself, with a constant mask
        whole = first.extent // block // size * size
        if whole:
            self._segment(letter, 0, whole, size, rest, tile)
        if whole < blocks:
            left = blocks - whole
            self._segment(letter, whole, blocks, left, rest, {**tile, letter: left})

    def _segment(
        self, letter: str, start: int, stop: int, step: int, rest: Sequence[Loop], tile: Mapping[str, int]
    ) -> None:
        """Some blocks of a letter, `step` at once: a loop, if once is not enough."""
        block = self.position.block(letter)
        first, end = start * block, stop * block

        def inside(place: Place) -> None:
            self.position.put(letter, place, (first, end - 1))
            self._outer_loops(rest, tile)

        if stop - start == step:
            inside(Place(None, first))
        else:
            self.writer.loop(str(first), str(end), step * block, lambda i: inside(Place(i)))

    def _image_loops(self, loop: Loop, size: int, rest: Sequence[Loop], tile: Mapping[str, int]) -> None:
        """As many images as there are, in tiles and then one by one."""

        def inside(register: str, tile: Mapping[str, int]) -> None:
            self.position.put(loop.letter, Place(register), (0, loop.extent - 1))
            self._outer_loops(rest, tile)

        if size == 1:
            self.writer.loop("0", "%images", 1, lambda i: inside(i, tile))
            return
        single = {**tile, loop.letter: 1}
        whole = self.writer.op(f"and i64 %images, {-size}", 1).name
        self.writer.loop("0", whole, size, lambda i: inside(i, tile), may_be_empty=True)
        self.writer.loop(whole, "%images", 1, lambda i: inside(i, single), may_be_empty=True)

    # one register tile

    def _cells(self, tile: Mapping[str, int]) -> None:
        # vector blocks vary fastest: a broadcast number is used up before the next is loaded
        letters = sorted(tile, key=lambda s: s == self.schedule.vector)
        numbers = product(*(range(tile[s]) for s in letters))
        points = [dict(zip(letters, cell, strict=True)) for cell in numbers]
        if self.nest.op != "map":
            self._reduced(points)
            return
        for point in points:
            self._finish(point, self.values.value(self.nest.body, point))

    def _reduced(self, points: Sequence[Point]) -> None:
        """All cells' reductions together, then what is made of each."""
        parts = self.schedule.parallel[1] if self.schedule.parallel else 1
        reduction = Reduction(self.nest, self.position, self.values, len(points), parts)
        with self.writer.scope():
            self._inner_loops(self.schedule.inner, lambda part: self._terms(reduction, part, points))
        for point, (best, result) in zip(points, reduction.results(), strict=True):
            with self.writer.scope():
                self.memory.remember(BEST, point, best)
                self.memory.remember(RESULT, point, result)
                self._finish(point, self.values.value(self.nest.finish, point))

    def _terms(self, reduction: Reduction, part: int, points: Sequence[Point]) -> None:
        """The terms of all cells at the positions that are written out."""
        unrolled = self.schedule.unrolled
        extents = [range(self.position.extents[s]) for s in unrolled]
        for number, position in enumerate(product(*extents)):
            for letter, value in zip(unrolled, position, strict=True):
                self.position.put(letter, Place(None, value), (value, value))
            self.position.apart = number if self.schedule.crowded else 0
            for cell, point in enumerate(points):
                reduction.take(cell, part, point)
        self.position.apart = 0

    def _finish(self, point: Point, value: Value) -> None:
        """A cell's value and what else is made of it, each written if memory needs it."""
        nest = self.nest
        if nest.kept:
            value = self.memory.store(nest.target, point, value, accumulate=nest.accumulate)
        self.memory.remember(nest.target, point, value)
        for further in nest.then:
            value = self.values.value(further.value, point)
            if further.kept:
                self.memory.store(further.target, point, value)
            self.memory.remember(further.target, point, value)

    # loops of a reduction

    def _inner_loops(self, letters: Sequence[str], body: Callable[[int], None], part: int = 0) -> None:
        """The summed letters' loops; the innermost hands its turns to the sums that run side by side."""
        if not letters:
            body(part)
            return
        letter, rest = letters[0], letters[1:]
        extent = self.position.extents[letter]

        def inside(place: Place, first: int, last: int, part: int = 0) -> None:
            self.position.put(letter, place, (first, last))
            self._inner_loops(rest, body, part)

        if letter == self.images:
            self.writer.loop("0", "%images", 1, lambda i: inside(Place(i), 0, extent - 1))
            return
        step = self.position.lanes if letter == self.position.vector else 1
        parts = self.schedule.parallel[1] if self.schedule.parallel and not rest else 1
        whole = extent // (step * parts) * (step * parts)

        def turn(counter: str) -> None:
            for part in range(parts):
                inside(Place(counter, part * step), 0, whole - 1, part)

        if whole:
            self.writer.loop("0", str(whole), step * parts, turn)
        for part, first in enumerate(range(whole, extent, step)):
            inside(Place(None, first), first, first + step - 1, part)
