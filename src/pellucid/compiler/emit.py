"""Scheduled nests as LLVM: loops, registers, loads, fused multiply-adds, stores.

Every access is proved to stay inside its tensor before it is written (see `prove`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

from pellucid.compiler.layout import Tensor
from pellucid.compiler.nest import BEST, RESULT, VALID, Loop, Nest
from pellucid.compiler.prove import Access, escape, proved
from pellucid.compiler.schedule import Schedule, along, coefficient
from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Add,
    And,
    Call,
    Compare,
    Condition,
    Delta,
    Divides,
    Expr,
    IndexValue,
    Mul,
    Not,
    Num,
    Or,
    Power,
    Read,
    Where,
    Within,
    split_coefficient,
)
from pellucid.formula.index import Index, Quotient
from pellucid.formula.text import denominator

__all__ = ["Kernel", "Module"]

SPACES = ("arena", "parameters", "gradients", "scalars")
COMPARISON = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
INTEGER = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}


@dataclass(frozen=True)
class Value:
    """A register: one number or a vector of them."""

    name: str
    lanes: int


@dataclass(frozen=True)
class Place:
    """What a loop letter is at some point: a loop's register (none: zero) plus a constant."""

    register: str | None
    constant: int = 0


class Module:
    """Collects functions and the intrinsics that they use."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # "float" or "double"
        self.functions: list[str] = []
        self.declared: dict[str, str] = {}

    def declare(self, name: str, signature: str) -> str:
        self.declared[name] = signature
        return name

    def text(self) -> str:
        return "\n".join([*self.functions, *(f"declare {s}" for s in sorted(self.declared.values()))]) + "\n"


class Kernel:
    """One nest as a function of the buffers and of the number of images."""

    def __init__(
        self, module: Module, name: str, nest: Nest, schedule: Schedule, tensors: Mapping[str, Tensor],
        scalars: Mapping[str, float], images: str | None,
    ) -> None:  # fmt: skip
        self.module, self.nest, self.schedule, self.tensors, self.images = (
            module,
            nest,
            schedule,
            tensors,
            images,
        )
        self.scalars, self.kind = scalars, module.kind
        self.lines: list[str] = []
        self.allocations: list[str] = []
        self.number = 0
        self.block = "entry"
        self.places: dict[str, Place] = {}
        self.blocks: dict[str, int] = {}
        self.known: list[dict[object, Value]] = [{}]
        self.extents = {x.letter: x.extent for x in nest.loops}
        self.spans: dict[str, tuple[int, int]] = {}
        self.result: Value | None = None
        self.best: Value | None = None
        # number of the position of an unrolled sum; see `address`
        self.apart = 0
        # number of the partial sum that terms are added to
        self.part = 0
        self.emit_loops(
            [next(x for x in nest.out if x.letter == s) for s in schedule.outer], dict(schedule.tile)
        )
        pointers = ", ".join(f"ptr noalias %{s}" for s in SPACES)
        head = f"define internal void @{name}({pointers}, i64 %images) {{\nentry:"
        module.functions.append("\n".join([head, *self.allocations, *self.lines, "  ret void", "}"]))

    # registers and lines

    def fresh(self, hint: str = "t") -> str:
        self.number += 1
        return f"%{hint}{self.number}"

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def op(self, text: str, lanes: int, hint: str = "t") -> Value:
        name = self.fresh(hint)
        self.line(f"{name} = {text}")
        return Value(name, lanes)

    def type_of(self, lanes: int) -> str:
        return self.kind if lanes == 1 else f"<{lanes} x {self.kind}>"

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Values found inside are not known outside."""
        self.known.append({})
        yield
        self.known.pop()

    def once(self, key: object, make: Callable[[], Value]) -> Value:
        for known in self.known:
            if key in known:
                return known[key]
        value = make()
        self.known[-1][key] = value
        return value

    # loops

    def loop(
        self, start: str, stop: str, step: int, body: Callable[[str], None], *, may_be_empty: bool = False
    ) -> None:
        number = self.number = self.number + 1
        head, leave = f"loop{number}", f"done{number}"
        before = self.block
        if may_be_empty:
            test = self.fresh()
            self.line(f"{test} = icmp slt i64 {start}, {stop}")
            self.line(f"br i1 {test}, label %{head}, label %{leave}")
        else:
            self.line(f"br label %{head}")
        counter, following = f"%i{number}", f"%n{number}"
        self.lines.append(f"{head}:")
        mark = len(self.lines)
        self.block = head
        with self.scope():
            body(counter)
        self.lines.insert(
            mark, f"  {counter} = phi i64 [ {start}, %{before} ], [ {following}, %{self.block} ]"
        )
        again = self.fresh()
        self.line(f"{following} = add nuw nsw i64 {counter}, {step}")
        self.line(f"{again} = icmp slt i64 {following}, {stop}")
        self.line(f"br i1 {again}, label %{head}, label %{leave}")
        self.lines.append(f"{leave}:")
        self.block = leave

    def emit_loops(self, remaining: Sequence[Loop], tile: Mapping[str, int]) -> None:
        """The target's loops in steps of their tiles, with a rest where a tile does not divide the extent."""
        if not remaining:
            self.cell(tile)
            return
        first, rest = remaining[0], remaining[1:]
        letter = first.letter
        size = tile.get(letter, 1)
        unit = self.schedule.lanes if letter == self.schedule.vector and not self.schedule.across else 1
        if letter == self.images:
            self.image_loops(letter, size, rest, tile)
            return
        blocks = -(-first.extent // unit)
        # a vector that is not full is worked on by itself, with a constant mask
        whole = first.extent // unit // size * size
        if whole:
            self.segment(letter, 0, whole, size, unit, rest, tile)
        if whole < blocks:
            self.segment(letter, whole, blocks, blocks - whole, unit, rest, {**tile, letter: blocks - whole})

    def segment(
        self,
        letter: str,
        start: int,
        stop: int,
        step: int,
        unit: int,
        rest: Sequence[Loop],
        tile: Mapping[str, int],
    ) -> None:
        self.spans[letter] = (start * unit, stop * unit - 1)
        if stop - start == step:
            self.at(letter, Place(None, start * unit), rest, tile)
        else:
            self.loop(
                str(start * unit),
                str(stop * unit),
                step * unit,
                lambda i: self.at(letter, Place(i), rest, tile),
            )

    def image_loops(self, letter: str, size: int, rest: Sequence[Loop], tile: Mapping[str, int]) -> None:
        self.spans[letter] = (0, self.extents[letter] - 1)
        if size > 1:
            whole = self.fresh()
            self.line(f"{whole} = and i64 %images, {-size}")
            self.loop("0", whole, size, lambda i: self.at(letter, Place(i), rest, tile), may_be_empty=True)
            self.loop(
                whole,
                "%images",
                1,
                lambda i: self.at(letter, Place(i), rest, {**tile, letter: 1}),
                may_be_empty=True,
            )
        else:
            self.loop("0", "%images", 1, lambda i: self.at(letter, Place(i), rest, tile))

    def at(self, letter: str, place: Place, rest: Sequence[Loop], tile: Mapping[str, int]) -> None:
        self.places[letter] = place
        self.emit_loops(rest, tile)

    # one cell of the register tile

    def cell(self, tile: Mapping[str, int]) -> None:
        # vector blocks vary fastest: a broadcast number is used up before the next is loaded
        letters = sorted(tile, key=lambda s: s == self.schedule.vector)
        points = [
            dict(zip(letters, offsets, strict=True))
            for offsets in product(*(range(tile[s]) for s in letters))
        ]
        if self.nest.op == "map":
            for point in points:
                self.finished(point, self.value(self.nest.body, point))
            return
        self.reduction(points)

    def reduction(self, points: list[dict[str, int]]) -> None:
        nest, lanes = self.nest, self.schedule.lanes
        positions = nest.op.startswith("arg")
        start = 0.0 if nest.op == "sum" else float("-inf") if nest.op.endswith("max") else float("inf")
        parts = self.schedule.parallel[1] if self.schedule.parallel else 1
        registers = [[self.start(start, lanes) for _ in points] for _ in range(parts)]
        # no position yet, where padding may come first
        places = [self.start(-1.0 if self.guarded() else 0.0, lanes) for _ in points] if positions else []

        def accumulate() -> None:
            unrolled = self.schedule.unrolled
            for number, position in enumerate(product(*(range(self.extents[s]) for s in unrolled))):
                for letter, value in zip(unrolled, position, strict=True):
                    self.places[letter] = Place(None, value)
                    self.spans[letter] = (value, value)
                self.apart = number if self.schedule.crowded else 0
                for index, point in enumerate(points):
                    self.add_term(registers[self.part][index], places[index] if positions else None, point)
            self.apart = 0

        with self.scope():
            self.inner_loops(list(self.schedule.inner), accumulate)
        for index, point in enumerate(points):
            with self.scope():
                self.best = self.total([r[index] for r in registers], lanes)
                self.result = self.load_register(places[index], lanes) if positions else self.best
                if self.schedule.across:
                    self.result = self.across(self.result)
                self.finished(point, self.value(nest.finish, point))
                self.result = self.best = None

    def start(self, number: float, lanes: int) -> str:
        """A register that begins with a number in every lane."""
        register = self.allocate(lanes)
        self.line(f"store {self.type_of(lanes)} {self.constant(number, lanes).name}, ptr {register}")
        return register

    def total(self, registers: list[str], lanes: int) -> Value:
        """Sums that ran side by side added, neighbours first."""
        values = [self.load_register(r, lanes) for r in registers]
        while len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=True)
            values = [self.op(f"fadd {self.type_of(lanes)} {a.name}, {b.name}", lanes) for a, b in pairs]
        return values[0]

    def finished(self, point: Mapping[str, int], value: Value) -> None:
        """A cell's value and what else is made of it, each written if memory needs it."""
        nest = self.nest
        if nest.kept:
            value = self.store(nest.target, point, value, accumulate=nest.accumulate)
        self.remember(nest.target, point, value)
        for further in nest.then:
            value = self.value(further.value, point)
            if further.kept:
                self.store(further.target, point, value)
            self.remember(further.target, point, value)

    def remember(self, target: Read, point: Mapping[str, int], value: Value) -> None:
        """Later reads of the element in this scope find it in its register."""
        self.known[-1][self.load_key(target, point)] = value

    def inner_loops(self, letters: list[str], body: Callable[[], None]) -> None:
        if not letters:
            body()
            return
        letter, rest = letters[0], letters[1:]

        def inside(place: Place, first: int, last: int) -> None:
            self.places[letter] = place
            self.spans[letter] = (first, last)
            self.inner_loops(rest, body)

        extent, lanes = self.extents[letter], self.schedule.lanes
        if letter == self.images:
            self.loop("0", "%images", 1, lambda i: inside(Place(i), 0, extent - 1))
            return
        step = lanes if letter == self.schedule.vector else 1
        parts = self.schedule.parallel[1] if self.schedule.parallel and not rest else 1
        whole = extent // (step * parts) * (step * parts)

        def turn(counter: str) -> None:
            for self.part in range(parts):
                inside(Place(counter, self.part * step), 0, whole - 1)

        if whole:
            self.loop("0", str(whole), step * parts, turn)
        for self.part, first in enumerate(range(whole, extent, step)):
            inside(Place(None, first), first, first + step - 1)
        self.part = 0

    def add_term(self, register: str, place: str | None, point: Mapping[str, int]) -> None:
        lanes = self.schedule.lanes
        old = self.load_register(register, lanes)
        if self.nest.op == "sum":
            new = self.fused(old, self.nest.body, point)
        else:
            new = self.better(old, register, place, point)
        self.line(f"store {self.type_of(lanes)} {new.name}, ptr {register}")

    def fused(self, total: Value, body: Expr, point: Mapping[str, int]) -> Value:
        """``total + body``, by a fused multiply-add if the body is a product."""
        above, below = denominator(body)
        if len(above) >= 2 and not below:
            first = self.product([self.value(f, point) for f in above[:-1]])
            new = self.fma(first, self.value(above[-1], point), total)
        else:
            new = self.binary("fadd", total, self.value(body, point))
        if not self.schedule.across or self.always_full({}):
            return new
        if not below and all(map(self.ends_in_zeros, above)):
            return new
        # lanes past the end keep what they have: 0 there times infinity elsewhere would be no number
        kind = self.type_of(new.lanes)
        bits = f"<{new.lanes} x i1> {self.tail_mask()}"
        return self.op(f"select {bits}, {kind} {new.name}, {kind} {total.name}", new.lanes)

    def ends_in_zeros(self, factor: Expr) -> bool:
        """Whether a factor runs along a whole stored axis, so that padding or nothing follows its end."""
        vector = self.schedule.vector or ""
        if not isinstance(factor, Read) or not factor.indices:
            return False
        tensor = self.tensors[factor.tensor]
        return along(factor, tensor, vector) and any(
            i.letter == vector and tensor.shape[axis] == self.extents[vector]
            for axis, i in enumerate(factor.indices)
        )

    def guarded(self) -> bool:
        """Whether some positions of an extreme value lie in padding, which never wins."""
        return isinstance(self.nest.body, Where) and self.nest.body.otherwise == VALID

    def better(self, old: Value, register: str, place: str | None, point: Mapping[str, int]) -> Value:
        """The larger (or smaller) of two; the first of equals stays, a NaN wins."""
        lanes = self.schedule.lanes
        body = self.nest.body
        valid: Value | None = None
        if isinstance(body, Where) and self.guarded():
            valid = self.condition(body.condition, point)
            body = body.then
        value = self.wide(self.value(body, point), lanes)
        kind = self.type_of(lanes)
        bits = "i1" if lanes == 1 else f"<{lanes} x i1>"
        better = "ogt" if self.nest.op.endswith("max") else "olt"
        wins = self.op(f"fcmp {better} {kind} {value.name}, {old.name}", lanes)
        broken = self.op(f"fcmp uno {kind} {value.name}, {value.name}", lanes)
        wins = self.op(f"or {bits} {wins.name}, {broken.name}", lanes)
        if valid is not None:
            if place is not None:
                wins = self.first_valid(wins, place, lanes)
            wins = self.both(wins, valid, lanes)
        if place is not None:
            held = self.load_register(place, lanes)
            number = self.wide(self.position(), lanes)
            chosen = self.op(f"select {bits} {wins.name}, {kind} {number.name}, {kind} {held.name}", lanes)
            self.line(f"store {kind} {chosen.name}, ptr {place}")
        return self.op(f"select {bits} {wins.name}, {kind} {value.name}, {kind} {old.name}", lanes)

    def first_valid(self, wins: Value, place: str, lanes: int) -> Value:
        """The first position counts even if its value is the worst there is."""
        kind, bits = self.type_of(lanes), "i1" if lanes == 1 else f"<{lanes} x i1>"
        held = self.load_register(place, lanes)
        none = self.op(f"fcmp olt {kind} {held.name}, {self.constant(0.0, lanes).name}", lanes)
        return self.op(f"or {bits} {wins.name}, {none.name}", lanes)

    def both(self, a: Value, b: Value, lanes: int) -> Value:
        bits = "i1" if lanes == 1 else f"<{lanes} x i1>"
        return self.op(f"and {bits} {self.wide_bits(a, lanes).name}, {self.wide_bits(b, lanes).name}", lanes)

    def position(self) -> Value:
        """The flattened position of the summed letters, row-major."""
        total = Index.of(0)
        for x in self.nest.reduce:
            total = total * x.extent + x.letter
        return self.number_of(total, {})

    def across(self, value: Value) -> Value:
        """All lanes added, halves first: always in the same order."""
        while value.lanes > 1:
            half = value.lanes // 2
            kind, narrow = self.type_of(value.lanes), self.type_of(half)
            parts = []
            for start in (0, half):
                picks = ", ".join(f"i32 {start + i}" for i in range(half))
                if half == 1:
                    parts.append(self.op(f"extractelement {kind} {value.name}, i32 {start}", 1))
                else:
                    parts.append(
                        self.op(
                            f"shufflevector {kind} {value.name}, {kind} poison, <{half} x i32> <{picks}>",
                            half,
                        )
                    )
            value = self.op(f"fadd {narrow} {parts[0].name}, {parts[1].name}", half)
        return value

    def allocate(self, lanes: int) -> str:
        name = self.fresh("r")
        self.allocations.append(f"  {name} = alloca {self.type_of(lanes)}, align 64")
        return name

    def load_register(self, register: str, lanes: int) -> Value:
        return self.op(f"load {self.type_of(lanes)}, ptr {register}", lanes)

    # memory

    def address(self, read: Read, point: Mapping[str, int], *, lane: int = 0, apart: int = 0) -> str:
        """Pointer to the element; the part that moves with loops is computed once in a scope.

        Positions of an unrolled sum that are `apart` read the same numbers again.  Each gets a base that LLVM
        cannot know to be the same, for it would keep every number in a register of its own, spread over all
        lanes, and there are not so many; loading it again costs nothing, being a part of the multiply-add.
        """
        tensor = self.tensors[read.tensor]
        constant = tensor.offset
        moving: dict[str, int] = {}
        for axis, index in enumerate(read.indices):
            stride = tensor.strides[axis]
            constant += stride * tensor.halo[axis][0]
            for monomial, number in index.terms:
                if not monomial:
                    constant += stride * number
                    continue
                if len(monomial) != 1 or not isinstance(letter := monomial[0], str):
                    raise FormulaError(f"{read!r} is not read at sums of multiples of letters")
                place = self.places[letter]
                step = self.unit(letter)
                constant += stride * number * (place.constant + step * point.get(letter, 0))
                if letter == self.schedule.vector:
                    constant += stride * number * lane
                if place.register is not None:
                    moving[place.register] = moving.get(place.register, 0) + stride * number
        base = self.moving_part(tensor.space, moving)
        if apart:
            hidden = f'call ptr asm "", "=r,0"(ptr {base})'
            base = self.once(("apart", base, apart), lambda: self.op(hidden, 1)).name
        name = self.fresh("p")
        self.line(f"{name} = getelementptr {self.kind}, ptr {base}, i64 {constant}")
        return name

    def unit(self, letter: str) -> int:
        return self.schedule.lanes if letter == self.schedule.vector and not self.schedule.across else 1

    def moving_part(self, space: str, moving: Mapping[str, int]) -> str:
        base = f"%{space}"
        for register, weight in sorted(moving.items(), key=lambda m: int(m[0][2:])):
            if weight == 0:
                continue
            key = (base, register, weight)

            def step(base: str = base, register: str = register, weight: int = weight) -> Value:
                offset = self.op(f"mul nsw i64 {register}, {weight}", 1, "o")
                return self.op(f"getelementptr {self.kind}, ptr {base}, i64 {offset.name}", 1, "q")

            base = self.once(key, step).name
        return base

    def load(self, read: Read, point: Mapping[str, int]) -> Value:
        return self.once(self.load_key(read, point), lambda: self.loaded(read, point))

    def load_key(self, read: Read, point: Mapping[str, int]) -> object:
        letters = sorted({s for i in read.indices for s in i.symbols})
        where = tuple((s, self.places[s].constant, point.get(s, 0)) for s in letters)
        return "load", read.key, where

    def loaded(self, read: Read, point: Mapping[str, int]) -> Value:
        vector = self.schedule.vector
        tensor = self.tensors[read.tensor]
        touched = [axis for axis, i in enumerate(read.indices) if vector is not None and vector in i.symbols]
        if not touched:
            proved(self.access(read, 1, point))
            pointer = self.address(read, point, apart=self.apart)
            return self.op(f"load {self.kind}, ptr {pointer}, align {self.alignment()}", 1)
        lanes = self.schedule.lanes
        if along(read, tensor, vector or ""):
            if escape(self.access(read, lanes, point)) is not None:
                return self.masked_load(read, point)
            return self.op(
                f"load {self.type_of(lanes)}, ptr {self.address(read, point)}, align {self.alignment()}",
                lanes,
            )
        return self.gathered(read, point)

    def masked_load(self, read: Read, point: Mapping[str, int]) -> Value:
        """A vector whose lanes past the end are not read, for they lie outside the tensor's storage."""
        proved(self.access(read, 1, point))
        lanes = self.schedule.lanes
        kind, bits = self.type_of(lanes), f"<{lanes} x i1>"
        suffix = f"v{lanes}f{32 if self.kind == 'float' else 64}.p0"
        name = self.module.declare(
            f"@llvm.masked.load.{suffix}", f"{kind} @llvm.masked.load.{suffix}(ptr, i32, {bits}, {kind})"
        )
        where = f"ptr {self.address(read, point)}, i32 {self.alignment()}, {bits} {self.tail_mask(point)}"
        return self.op(f"call {kind} {name}({where}, {kind} zeroinitializer)", lanes)

    def gathered(self, read: Read, point: Mapping[str, int]) -> Value:
        """A vector collected element by element; lanes past the end repeat the last element."""
        lanes, vector = self.schedule.lanes, self.schedule.vector or ""
        proved(self.access(read, 1, point))
        tensor = self.tensors[read.tensor]
        weight = sum(coefficient(i, vector) * s for i, s in zip(read.indices, tensor.strides, strict=True))
        first = self.address(read, point)
        place = self.places[vector]
        constant = place.constant + self.unit(vector) * point.get(vector, 0)
        value = f"{self.type_of(lanes)} poison"
        result = Value("", lanes)
        for lane in range(lanes):
            move = self.clamped_lane(place, constant, lane)
            offset = self.op(f"mul nsw i64 {move}, {weight}", 1)
            pointer = self.op(f"getelementptr {self.kind}, ptr {first}, i64 {offset.name}", 1)
            number = self.op(f"load {self.kind}, ptr {pointer.name}, align {self.alignment()}", 1)
            result = self.op(f"insertelement {value}, {self.kind} {number.name}, i32 {lane}", lanes)
            value = f"{self.type_of(lanes)} {result.name}"
        return result

    def clamped_lane(self, place: Place, constant: int, lane: int) -> str:
        extent = self.extents[self.schedule.vector or ""]
        if place.register is None:
            return str(min(lane, extent - 1 - constant))
        if extent % self.schedule.lanes == 0:
            return str(lane)
        room = self.op(f"sub i64 {extent - 1 - constant}, {place.register}", 1)
        test = self.op(f"icmp slt i64 {lane}, {room.name}", 1)
        return self.op(f"select i1 {test.name}, i64 {lane}, i64 {room.name}", 1).name

    def alignment(self) -> int:
        return 4 if self.kind == "float" else 8

    def access(self, read: Read, lanes: int, point: Mapping[str, int]) -> Access:
        """One number or a whole vector; of a vector in part, the numbers before the end of its loop."""
        spans, vector = dict(self.spans), self.schedule.vector
        if vector in spans:
            low, high = spans[vector]
            place = self.places[vector]
            if place.register is None and not self.schedule.across:
                low = place.constant + self.unit(vector) * point.get(vector, 0)
                high = low + self.schedule.lanes - 1
            spans[vector] = (low, high if lanes > 1 else min(high, self.extents[vector] - 1))
        return Access(read, self.tensors[read.tensor], spans)

    def store(
        self, target: Read, point: Mapping[str, int], value: Value, *, accumulate: bool = False
    ) -> Value:
        """Writes an element, or adds to it; returns what it holds then."""
        vector = None if self.schedule.across else self.schedule.vector
        if vector is None:
            proved(self.access(target, 1, point))
            pointer = self.address(target, point)
            if accumulate:
                old = self.op(f"load {self.kind}, ptr {pointer}, align {self.alignment()}", 1)
                value = self.op(f"fadd {self.kind} {old.name}, {value.name}", 1)
            self.line(f"store {self.kind} {value.name}, ptr {pointer}, align {self.alignment()}")
            return value
        lanes = self.schedule.lanes
        full = self.always_full(point)
        proved(self.access(target, lanes if full else 1, point))
        pointer, kind = self.address(target, point), self.type_of(lanes)
        value = self.wide(value, lanes)
        if accumulate:
            old = self.loaded(target, point)
            value = self.op(f"fadd {kind} {old.name}, {value.name}", lanes)
        if full:
            self.line(f"store {kind} {value.name}, ptr {pointer}, align {self.alignment()}")
            return value
        mask = self.tail_mask(point)
        suffix = f"v{lanes}f{32 if self.kind == 'float' else 64}"
        name = self.module.declare(
            f"@llvm.masked.store.{suffix}.p0",
            f"void @llvm.masked.store.{suffix}.p0({kind}, ptr, i32, <{lanes} x i1>)",
        )
        where = f"ptr {pointer}, i32 {self.alignment()}, <{lanes} x i1> {mask}"
        self.line(f"call void {name}({kind} {value.name}, {where})")
        return value

    def always_full(self, point: Mapping[str, int]) -> bool:
        vector = self.schedule.vector or ""
        extent, lanes = self.extents[vector], self.schedule.lanes
        place = self.places[vector]
        if place.register is not None:
            return self.spans[vector][1] < extent
        return place.constant + lanes * point.get(vector, 0) + lanes <= extent

    def tail_mask(self, point: Mapping[str, int] | None = None) -> str:
        """Which lanes lie before the end of the vector letter's loop."""
        vector, lanes = self.schedule.vector or "", self.schedule.lanes
        place = self.places[vector]
        start = place.constant + self.unit(vector) * (point or {}).get(vector, 0)
        room = self.extents[vector] - start
        if place.register is None:
            bits = ", ".join(f"i1 {'true' if lane < room else 'false'}" for lane in range(lanes))
            return f"<{bits}>"
        left = self.op(f"sub i64 {room}, {place.register}", 1)
        everywhere = self.spread("i64", left.name, lanes)
        numbers = ", ".join(f"i64 {lane}" for lane in range(lanes))
        return self.op(f"icmp slt <{lanes} x i64> <{numbers}>, {everywhere.name}", lanes).name

    # values

    def constant(self, number: float, lanes: int) -> Value:
        literal = hexadecimal(number, self.kind)
        if lanes == 1:
            return Value(literal, 1)
        return Value("<" + ", ".join([f"{self.kind} {literal}"] * lanes) + ">", lanes)

    def wide(self, value: Value, lanes: int) -> Value:
        """The value in every lane."""
        if value.lanes == lanes:
            return value
        if not value.name.startswith("%"):
            return Value("<" + ", ".join([f"{self.kind} {value.name}"] * lanes) + ">", lanes)

        return self.once(("wide", value.name), lambda: self.spread(self.kind, value.name, lanes))

    def wide_bits(self, value: Value, lanes: int) -> Value:
        if value.lanes == lanes:
            return value
        return self.spread("i1", value.name, lanes)

    def spread(self, kind: str, name: str, lanes: int) -> Value:
        """One scalar register in every lane of a vector."""
        vector = f"<{lanes} x {kind}>"
        one = self.op(f"insertelement {vector} poison, {kind} {name}, i32 0", lanes)
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.op(f"shufflevector {vector} {one.name}, {vector} poison, {zeros}", lanes)

    def alike(self, *values: Value) -> tuple[list[Value], int]:
        lanes = max(v.lanes for v in values)
        return [self.wide(v, lanes) for v in values], lanes

    def binary(self, op: str, a: Value, b: Value) -> Value:
        (a, b), lanes = self.alike(a, b)
        return self.op(f"{op} {self.type_of(lanes)} {a.name}, {b.name}", lanes)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        (a, b, c), lanes = self.alike(a, b, c)
        kind = self.type_of(lanes)
        suffix = (
            f"f{32 if self.kind == 'float' else 64}"
            if lanes == 1
            else f"v{lanes}f{32 if self.kind == 'float' else 64}"
        )
        name = self.module.declare(
            f"@llvm.fma.{suffix}", f"{kind} @llvm.fma.{suffix}({kind}, {kind}, {kind})"
        )
        return self.op(f"call {kind} {name}({kind} {a.name}, {kind} {b.name}, {kind} {c.name})", lanes)

    def product(self, values: list[Value]) -> Value:
        scalars = [v for v in values if v.lanes == 1]
        vectors = [v for v in values if v.lanes > 1]
        result: Value | None = None
        for value in scalars + vectors:
            result = value if result is None else self.binary("fmul", result, value)
        return result if result is not None else self.constant(1.0, 1)

    def value(self, node: Expr, point: Mapping[str, int]) -> Value:
        match node:
            case Read() if node == RESULT and self.result is not None:
                return self.result
            case Read() if node == BEST and self.best is not None:
                return self.best
            case Read(tensor, ()) if tensor in self.scalars:
                return self.constant(self.scalars[tensor], 1)
            case Read():
                return self.load(node, point)
            case Num(number):
                return self.constant(float(number), 1)
            case IndexValue(index):
                return self.number_of(index, point)
            case Add(terms):
                return self.sum_of(list(terms), point)
            case Mul() | Power():
                return self.quotient(node, point)
            case Call(function, arguments):
                from pellucid.compiler.elementary import call

                return call(self, function, [self.value(a, point) for a in arguments])
            case Delta(left, right):
                test = self.compare_indices("==", left, right, point)
                return self.choose(test, self.constant(1.0, 1), self.constant(0.0, 1))
            case Where(condition, then, otherwise):
                return self.choose(
                    self.condition(condition, point), self.value(then, point), self.value(otherwise, point)
                )
        raise FormulaError(f"{node!r} is not compiled")

    def choose(self, test: Value, yes: Value, no: Value) -> Value:
        lanes = max(test.lanes, yes.lanes, no.lanes)
        yes, no = self.wide(yes, lanes), self.wide(no, lanes)
        kind = self.type_of(lanes)
        bits = "i1" if test.lanes == 1 else f"<{lanes} x i1>"
        return self.op(f"select {bits} {test.name}, {kind} {yes.name}, {kind} {no.name}", lanes)

    def sum_of(self, terms: list[Expr], point: Mapping[str, int]) -> Value:
        """Terms added from the left, each product of two or more by a fused multiply-add."""
        positive = [t for t in terms if split_coefficient(t)[0] != -1]
        total = self.value((positive or terms)[0], point)
        rest = list(terms)
        rest.remove((positive or terms)[0])
        for term in rest:
            number, inner = split_coefficient(term)
            if number == -1:
                total = self.binary("fsub", total, self.value(inner, point))
                continue
            above, below = denominator(term)
            if len(above) >= 2 and not below:
                total = self.fma(
                    self.product([self.value(f, point) for f in above[:-1]]),
                    self.value(above[-1], point),
                    total,
                )
            else:
                total = self.binary("fadd", total, self.value(term, point))
        return total

    def quotient(self, node: Expr, point: Mapping[str, int]) -> Value:
        above, below = denominator(node)
        if not below and len(above) == 1 and isinstance(node, Power):
            return self.power(node, point)
        top = self.product([self.value(f, point) for f in above])
        if not below:
            return top
        return self.binary("fdiv", top, self.product([self.value(f, point) for f in below]))

    def power(self, node: Power, point: Mapping[str, int]) -> Value:
        from pellucid.compiler.elementary import call, power

        base, number = self.value(node.base, point), self.known_number(node.exponent)
        if number is not None:
            return power(self, base, number)
        exponent = self.value(node.exponent, point)
        return call(self, "exp", [self.binary("fmul", exponent, call(self, "log", [base]))])

    def known_number(self, node: Expr) -> float | None:
        """The number that an expression of numbers and named constants is; None if it is of another kind."""
        match node:
            case Num(value):
                return float(value)
            case Read(tensor, ()):
                return self.scalars.get(tensor)
            case Mul(factors):
                found = [self.known_number(f) for f in factors]
                return math.prod(f for f in found if f is not None) if None not in found else None
            case Power(base, Num(-1)):
                inner = self.known_number(base)
                return 1 / inner if inner else None
        return None

    def number_of(self, index: Index, point: Mapping[str, int]) -> Value:
        """An index expression as a number."""
        if _is_fraction(index):
            return self.fraction(index, point)
        whole = self.integer(index, point)
        if whole.lanes == 1:
            return self.op(f"sitofp i64 {whole.name} to {self.kind}", 1)
        return self.op(
            f"sitofp <{whole.lanes} x i64> {whole.name} to {self.type_of(whole.lanes)}", whole.lanes
        )

    def fraction(self, index: Index, point: Mapping[str, int]) -> Value:
        """The number that an index expression with divisions is, whether they are exact or not."""
        total = self.constant(0.0, 1)
        for monomial, number in index.terms:
            part = self.constant(float(number), 1)
            for atom in monomial:
                if isinstance(atom, str):
                    part = self.binary("fmul", part, self.number_of(Index.of(atom), point))
                else:
                    part = self.binary("fmul", part, self.number_of(atom.numerator, point))
                    part = self.binary("fdiv", part, self.number_of(atom.divisor, point))
            total = self.binary("fadd", total, part)
        return total

    def integer(self, index: Index, point: Mapping[str, int]) -> Value:
        """An index expression as an integer, or as one in each lane if it depends on the vector letter."""
        total = Value("0", 1)
        for monomial, number in index.terms:
            part = Value(str(number), 1)
            for letter in monomial:
                if not isinstance(letter, str) or letter not in self.places:
                    raise FormulaError(f"{index} is not made of loop letters")
                part = self.whole("mul", part, self.counter(letter, point))
            total = self.whole("add", total, part)
        return total

    def counter(self, letter: str, point: Mapping[str, int]) -> Value:
        """A letter's value, one in each lane if vectors lie along it."""
        place = self.places[letter]
        value = Value(str(place.constant + self.unit(letter) * point.get(letter, 0)), 1)
        if place.register is not None:
            value = self.whole("add", Value(place.register, 1), value)
        if letter != self.schedule.vector:
            return value
        lanes = self.schedule.lanes
        steps = ", ".join(f"i64 {lane}" for lane in range(lanes))
        return self.whole("add", value, Value(f"<{steps}>", lanes))

    def whole(self, op: str, a: Value, b: Value) -> Value:
        """Integer arithmetic, in every lane if one side has several."""
        lanes = max(a.lanes, b.lanes)
        a, b = (v if v.lanes == lanes else self.spread("i64", v.name, lanes) for v in (a, b))
        return self.op(f"{op} {'i64' if lanes == 1 else f'<{lanes} x i64>'} {a.name}, {b.name}", lanes)

    # conditions

    def condition(self, node: Condition, point: Mapping[str, int]) -> Value:
        match node:
            case Compare(op, left, right):
                mine, theirs = _as_index(left), _as_index(right)
                if mine is not None and theirs is not None and not _is_fraction(mine - theirs):
                    return self.compare_indices(op, mine, theirs, point)
                (a, b), lanes = self.alike(self.value(left, point), self.value(right, point))
                return self.op(f"fcmp {COMPARISON[op]} {self.type_of(lanes)} {a.name}, {b.name}", lanes)
            case Within(index, extent):
                low = self.compare_indices(">=", index, Index.of(0), point)
                high = self.compare_indices("<", index, extent, point)
                return self.joined("and", [low, high])
            case And(parts) | Or(parts):
                return self.joined(
                    "and" if isinstance(node, And) else "or", [self.condition(p, point) for p in parts]
                )
            case Not(part):
                inner = self.condition(part, point)
                bits = "i1" if inner.lanes == 1 else f"<{inner.lanes} x i1>"
                ones = "true" if inner.lanes == 1 else "<" + ", ".join(["i1 true"] * inner.lanes) + ">"
                return self.op(f"xor {bits} {inner.name}, {ones}", inner.lanes)
            case Divides():
                raise FormulaError(f"{node!r} is left in a nest")
        raise FormulaError(f"{node!r} is not compiled")

    def joined(self, op: str, parts: list[Value]) -> Value:
        lanes = max(p.lanes for p in parts)
        result = self.wide_bits(parts[0], lanes)
        for part in parts[1:]:
            bits = "i1" if lanes == 1 else f"<{lanes} x i1>"
            result = self.op(f"{op} {bits} {result.name}, {self.wide_bits(part, lanes).name}", lanes)
        return result

    def compare_indices(self, op: str, left: Index, right: Index, point: Mapping[str, int]) -> Value:
        difference = self.integer(left - right, point)
        if difference.lanes == 1:
            return self.op(f"icmp {INTEGER[op]} i64 {difference.name}, 0", 1)
        return self.op(
            f"icmp {INTEGER[op]} <{difference.lanes} x i64> {difference.name}, zeroinitializer",
            difference.lanes,
        )


def _is_fraction(index: Index) -> bool:
    return any(isinstance(atom, Quotient) and atom.exact for atom in index.atoms())


def _as_index(value: Expr) -> Index | None:
    if isinstance(value, IndexValue):
        return value.index
    return Index.of(value.value) if isinstance(value, Num) and isinstance(value.value, int) else None


def hexadecimal(number: float, kind: str) -> str:
    """A constant as LLVM writes it: the bits of a double that the type can hold exactly."""
    if kind == "float":
        number = struct.unpack("f", struct.pack("f", number))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
