"""Loads and stores: addresses, whole vectors, vectors in part, and what has to be collected.

Nothing is written here before it is proved to stay inside its tensor; see `prove`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.compiler.indices import Indices
from pellucid.compiler.layout import Tensor
from pellucid.compiler.position import Point, Position
from pellucid.compiler.prove import Access, escape, proved
from pellucid.compiler.schedule import along, coefficient
from pellucid.compiler.writer import Value, Writer
from pellucid.errors import FormulaError
from pellucid.formula.expression import Read

__all__ = ["Memory"]


class Memory:
    """Reads and writes elements of tensors at a position."""

    def __init__(
        self, writer: Writer, position: Position, indices: Indices, tensors: Mapping[str, Tensor]
    ) -> None:
        self.writer, self.position, self.indices, self.tensors = writer, position, indices, tensors

    def load(self, read: Read, point: Point) -> Value:
        """An element, or one in each lane if it moves along the vector; loaded once in a scope."""
        return self.writer.once(self._key(read, point), lambda: self._loaded(read, point))

    def remember(self, read: Read, point: Point, value: Value) -> None:
        """Later loads of the element in this scope find it in its register."""
        self.writer.remember(self._key(read, point), value)

    def store(self, target: Read, point: Point, value: Value, *, accumulate: bool = False) -> Value:
        """Writes an element, or adds to it; returns what it holds then."""
        if self.position.across or not self.position.vector:
            return self._store_number(target, point, value, accumulate=accumulate)
        writer, lanes = self.writer, self.position.lanes
        full = self.position.is_full(point)
        proved(self._access(target, lanes if full else 1, point))
        pointer, kind = self._address(target, point), writer.type_of(lanes)
        value = writer.wide(value, lanes)
        if accumulate:
            value = writer.binary("fadd", self._loaded(target, point), value)
        if full:
            writer.line(f"store {kind} {value.name}, ptr {pointer}, align {writer.alignment}")
            return value
        mask = self.indices.inside(point)
        name = f"@llvm.masked.store.{writer.suffix(lanes)}.p0"
        writer.module.declare(name, f"void {name}({kind}, ptr, i32, <{lanes} x i1>)")
        where = f"ptr {pointer}, i32 {writer.alignment}, <{lanes} x i1> {mask}"
        writer.line(f"call void {name}({kind} {value.name}, {where})")
        return value

    def _store_number(self, target: Read, point: Point, value: Value, *, accumulate: bool) -> Value:
        writer = self.writer
        proved(self._access(target, 1, point))
        pointer = self._address(target, point)
        if accumulate:
            old = writer.op(f"load {writer.kind}, ptr {pointer}, align {writer.alignment}", 1)
            value = writer.binary("fadd", old, value)
        writer.line(f"store {writer.kind} {value.name}, ptr {pointer}, align {writer.alignment}")
        return value

    def _access(self, read: Read, lanes: int, point: Point) -> Access:
        return self.position.access(read, self.tensors[read.tensor], lanes, point)

    def _key(self, read: Read, point: Point) -> object:
        letters = sorted({s for i in read.indices for s in i.symbols})
        where = tuple((s, self.position.places[s].constant, point.get(s, 0)) for s in letters)
        return "load", read.key, where

    # addresses

    def _address(self, read: Read, point: Point, *, apart: int = 0) -> str:
        """Pointer to the element; the part that moves with loops is computed once in a scope.

        Positions of an unrolled sum that are `apart` read the same numbers again.  Each gets a base that LLVM
        cannot know to be the same, for it would keep every number in a register of its own, spread over all
        lanes, and there are not so many; loading it again costs nothing, being a part of the multiply-add.
        """
        tensor, position, writer = self.tensors[read.tensor], self.position, self.writer
        constant = tensor.origin
        moving: dict[str, int] = {}
        for axis, index in enumerate(read.indices):
            stride = tensor.strides[axis]
            for monomial, number in index.terms:
                if not monomial:
                    constant += stride * number
                    continue
                if len(monomial) != 1 or not isinstance(letter := monomial[0], str):
                    raise FormulaError(f"{read!r} is not read at sums of multiples of letters")
                constant += stride * number * position.constant(letter, point)
                register = position.places[letter].register
                if register is not None:
                    moving[register] = moving.get(register, 0) + stride * number
        base = self._moving_part(tensor.space, moving)
        if apart:
            hidden = f'call ptr asm "", "=r,0"(ptr {base})'
            base = writer.once(("apart", base, apart), lambda: writer.op(hidden, 1)).name
        return writer.op(f"getelementptr {writer.kind}, ptr {base}, i64 {constant}", 1, "p").name

    def _moving_part(self, space: str, moving: Mapping[str, int]) -> str:
        """The start of a space moved by each loop's register, the outermost loop's first."""
        writer = self.writer
        base = f"%{space}"
        for register, weight in sorted(moving.items(), key=lambda m: int(m[0][2:])):
            if weight == 0:
                continue

            def step(base: str = base, register: str = register, weight: int = weight) -> Value:
                offset = writer.op(f"mul nsw i64 {register}, {weight}", 1, "o")
                return writer.op(f"getelementptr {writer.kind}, ptr {base}, i64 {offset.name}", 1, "q")

            base = writer.once((base, register, weight), step).name
        return base

    # loads

    def _loaded(self, read: Read, point: Point) -> Value:
        writer, vector, lanes = self.writer, self.position.vector, self.position.lanes
        if not any(vector in i.symbols for i in read.indices):
            proved(self._access(read, 1, point))
            pointer = self._address(read, point, apart=self.position.apart)
            return writer.op(f"load {writer.kind}, ptr {pointer}, align {writer.alignment}", 1)
        if not along(read, self.tensors[read.tensor], vector):
            return self._gathered(read, point)
        if escape(self._access(read, lanes, point)) is not None:
            return self._masked(read, point)
        pointer = self._address(read, point)
        return writer.op(f"load {writer.type_of(lanes)}, ptr {pointer}, align {writer.alignment}", lanes)

    def _masked(self, read: Read, point: Point) -> Value:
        """A vector whose lanes past the end are not read, for they lie outside the tensor's storage."""
        proved(self._access(read, 1, point))
        writer, lanes = self.writer, self.position.lanes
        kind, bits = writer.type_of(lanes), f"<{lanes} x i1>"
        name = f"@llvm.masked.load.{writer.suffix(lanes)}.p0"
        writer.module.declare(name, f"{kind} {name}(ptr, i32, {bits}, {kind})")
        pointer = self._address(read, point)
        where = f"ptr {pointer}, i32 {writer.alignment}, {bits} {self.indices.inside(point)}"
        return writer.op(f"call {kind} {name}({where}, {kind} zeroinitializer)", lanes)

    def _gathered(self, read: Read, point: Point) -> Value:
        """A vector collected element by element; lanes past the end repeat the last element."""
        writer, vector, lanes = self.writer, self.position.vector, self.position.lanes
        proved(self._access(read, 1, point))
        tensor = self.tensors[read.tensor]
        weight = sum(coefficient(i, vector) * s for i, s in zip(read.indices, tensor.strides, strict=True))
        first, kind = self._address(read, point), writer.type_of(lanes)
        result = Value("poison", lanes)
        for lane in range(lanes):
            offset = writer.op(f"mul nsw i64 {self._clamped(lane, point)}, {weight}", 1)
            pointer = writer.op(f"getelementptr {writer.kind}, ptr {first}, i64 {offset.name}", 1)
            number = writer.op(f"load {writer.kind}, ptr {pointer.name}, align {writer.alignment}", 1)
            into = f"{kind} {result.name}, {writer.kind} {number.name}"
            result = writer.op(f"insertelement {into}, i32 {lane}", lanes)
        return result

    def _clamped(self, lane: int, point: Point) -> str:
        """A lane's number, or that of the last one before the end."""
        vector, writer = self.position.vector, self.writer
        extent, register = self.position.extents[vector], self.position.places[vector].register
        room = extent - 1 - self.position.constant(vector, point)
        if register is None:
            return str(min(lane, room))
        if extent % self.position.lanes == 0:
            return str(lane)
        left = writer.op(f"sub i64 {room}, {register}", 1)
        test = writer.op(f"icmp slt i64 {lane}, {left.name}", 1)
        return writer.op(f"select i1 {test.name}, i64 {lane}, i64 {left.name}", 1).name
