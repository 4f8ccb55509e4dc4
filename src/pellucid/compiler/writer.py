"""The lines of one function: registers, loops, and arithmetic on one number or on a vector of them.

A value has one lane or several.  Arithmetic takes either, and spreads one number over all lanes where the
other side has several, so that what is the same for a whole vector is worked out once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest

from pellucid.compiler.module import Module

__all__ = ["Value", "Writer", "many"]


@dataclass(frozen=True)
class Value:
    """A register or a constant: one number or a vector of them."""

    name: str
    lanes: int


def many(kind: str, lanes: int) -> str:
    """The type of so many numbers.

    >>> many("float", 1), many("i1", 8)
    ('float', '<8 x i1>')
    """
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


class Writer:
    """Writes a function line by line.

    Attributes:
        module: what the function becomes part of.
        kind: its numbers, "float" or "double".
        lines: of the function so far.
        allocations: lines that come before them.
    """

    def __init__(self, module: Module) -> None:
        self.module, self.kind = module, module.kind
        self.bits = 32 if module.kind == "float" else 64
        self.lines: list[str] = []
        self.allocations: list[str] = []
        self._number = 0
        self._block = "entry"
        self._known: list[dict[object, Value]] = [{}]
        # what variables hold in this stretch of straight code, and whether their places know it
        self._holds: dict[str, tuple[Value, bool]] = {}

    # lines and registers

    def fresh(self, hint: str = "t") -> str:
        """A register's name that is not taken."""
        self._number += 1
        return f"%{hint}{self._number}"

    def line(self, text: str) -> None:
        """One instruction that gives nothing."""
        self.lines.append("  " + text)

    def op(self, text: str, lanes: int, hint: str = "t") -> Value:
        """One instruction, and the register that holds what it gives."""
        name = self.fresh(hint)
        self.line(f"{name} = {text}")
        return Value(name, lanes)

    def type_of(self, lanes: int) -> str:
        """The type of so many of the function's numbers."""
        return many(self.kind, lanes)

    @property
    def alignment(self) -> int:
        """Bytes of a number, at multiples of which each one lies."""
        return self.bits // 8

    def suffix(self, lanes: int) -> str:
        """How an intrinsic's name says what it works on."""
        return f"f{self.bits}" if lanes == 1 else f"v{lanes}f{self.bits}"

    def variable(self, lanes: int, number: float) -> str:
        """A place for numbers that change, with a first one in each lane; LLVM makes registers of them."""
        name = self.fresh("r")
        self.allocations.append(f"  {name} = alloca {self.type_of(lanes)}, align 64")
        self.assign(name, self.constant(number, lanes))
        return name

    def held(self, variable: str, lanes: int) -> Value:
        """What a variable holds."""
        if variable not in self._holds:
            value = self.op(f"load {self.type_of(lanes)}, ptr {variable}", lanes)
            self._holds[variable] = value, True
        return self._holds[variable][0]

    def assign(self, variable: str, value: Value) -> None:
        """A variable's next value; its place gets it where the code branches."""
        self._holds[variable] = value, False

    def _settle(self) -> None:
        """Before a branch: whatever variables hold goes to their places."""
        for variable, (value, known) in self._holds.items():
            if not known:
                self.line(f"store {self.type_of(value.lanes)} {value.name}, ptr {variable}")
        self._holds = {}

    # what is known already

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Values found inside are not known outside."""
        self._known.append({})
        yield
        self._known.pop()

    def once(self, key: object, make: Callable[[], Value]) -> Value:
        """The value that goes by a key in this scope, made if there is none yet."""
        for known in self._known:
            if key in known:
                return known[key]
        value = make()
        self.remember(key, value)
        return value

    def remember(self, key: object, value: Value) -> None:
        """From here to the end of the scope, the value goes by a key."""
        self._known[-1][key] = value

    # loops

    def loop(
        self, start: str, stop: str, step: int, body: Callable[[str], None], *, may_be_empty: bool = False
    ) -> None:
        """A counter from `start` in steps up to `stop`; `body` writes what is done for each."""
        number = self._number = self._number + 1
        head, leave = f"loop{number}", f"done{number}"
        before = self._block
        self._settle()
        if may_be_empty:
            test = self.fresh()
            self.line(f"{test} = icmp slt i64 {start}, {stop}")
            self.line(f"br i1 {test}, label %{head}, label %{leave}")
        else:
            self.line(f"br label %{head}")
        counter, following = f"%i{number}", f"%n{number}"
        self.lines.append(f"{head}:")
        mark = len(self.lines)
        self._block = head
        with self.scope():
            body(counter)
        self._settle()
        self.lines.insert(
            mark, f"  {counter} = phi i64 [ {start}, %{before} ], [ {following}, %{self._block} ]"
        )
        again = self.fresh()
        self.line(f"{following} = add nuw nsw i64 {counter}, {step}")
        self.line(f"{again} = icmp slt i64 {following}, {stop}")
        self.line(f"br i1 {again}, label %{head}, label %{leave}")
        self.lines.append(f"{leave}:")
        self._block = leave

    # one number in many lanes

    def constant(self, number: float, lanes: int) -> Value:
        """A number, in every lane."""
        return self.wide(Value(_literal(number, self.kind), 1), lanes)

    def wide(self, value: Value, lanes: int) -> Value:
        """The value in every lane."""
        if value.lanes == lanes:
            return value
        if not value.name.startswith("%"):
            return Value("<" + ", ".join([f"{self.kind} {value.name}"] * lanes) + ">", lanes)
        return self.once(("wide", value.name), lambda: self.spread(self.kind, value, lanes))

    def spread(self, kind: str, value: Value, lanes: int) -> Value:
        """A number of any type in every lane of a vector."""
        if value.lanes == lanes:
            return value
        vector = many(kind, lanes)
        one = self.op(f"insertelement {vector} poison, {kind} {value.name}, i32 0", lanes)
        zeros = f"<{lanes} x i32> zeroinitializer"
        return self.op(f"shufflevector {vector} {one.name}, {vector} poison, {zeros}", lanes)

    def alike(self, *values: Value) -> tuple[list[Value], int]:
        """The values with the same number of lanes, and that number."""
        lanes = max(v.lanes for v in values)
        return [self.wide(v, lanes) for v in values], lanes

    # arithmetic

    def binary(self, op: str, a: Value, b: Value) -> Value:
        """An instruction on two numbers, such as ``fadd``."""
        (a, b), lanes = self.alike(a, b)
        return self.op(f"{op} {self.type_of(lanes)} {a.name}, {b.name}", lanes)

    def whole(self, op: str, a: Value, b: Value) -> Value:
        """The same on two integers."""
        lanes = max(a.lanes, b.lanes)
        a, b = (self.spread("i64", v, lanes) for v in (a, b))
        return self.op(f"{op} {many('i64', lanes)} {a.name}, {b.name}", lanes)

    def joined(self, op: str, parts: Sequence[Value]) -> Value:
        """Truth values joined by ``and`` or ``or``."""
        lanes = max(p.lanes for p in parts)
        result = self.spread("i1", parts[0], lanes)
        for part in parts[1:]:
            other = self.spread("i1", part, lanes)
            result = self.op(f"{op} {many('i1', lanes)} {result.name}, {other.name}", lanes)
        return result

    def compared(self, how: str, a: Value, b: Value) -> Value:
        """Truth values of a comparison such as ``olt``, by which nothing is less than what is no number."""
        (a, b), lanes = self.alike(a, b)
        return self.op(f"fcmp {how} {self.type_of(lanes)} {a.name}, {b.name}", lanes)

    def selected(self, test: Value, yes: Value, no: Value) -> Value:
        """One of two numbers, by a truth value."""
        lanes = max(test.lanes, yes.lanes, no.lanes)
        yes, no = self.wide(yes, lanes), self.wide(no, lanes)
        kind = self.type_of(lanes)
        return self.op(
            f"select {many('i1', test.lanes)} {test.name}, {kind} {yes.name}, {kind} {no.name}", lanes
        )

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """What one of LLVM's own functions makes of numbers."""
        values, lanes = self.alike(*arguments)
        kind = self.type_of(lanes)
        full = f"@llvm.{name}.{self.suffix(lanes)}"
        self.module.declare(full, f"{kind} {full}({', '.join([kind] * len(values))})")
        return self.op(f"call {kind} {full}({', '.join(f'{kind} {v.name}' for v in values)})", lanes)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """``a*b + c``, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def product(self, values: Sequence[Value]) -> Value:
        """All factors multiplied, single numbers before vectors; 1 if there are none."""
        result: Value | None = None
        for value in sorted(values, key=lambda v: v.lanes > 1):
            result = value if result is None else self.binary("fmul", result, value)
        return result if result is not None else self.constant(1.0, 1)

    def across(self, values: Sequence[Value]) -> list[Value]:
        """The lanes of each vector added, halves first: always in the same order.

        The vectors are folded together: two with sums of w lanes become one with twice as many sums of w/2.
        """
        lanes = width = values[0].lanes
        folded = list(values)
        while width > 1:
            pairs = zip_longest(folded[::2], folded[1::2])
            folded = [self._folded(first, second, width) for first, second in pairs]
            width //= 2
        return [self._lane(folded[number // lanes], number % lanes) for number in range(len(values))]

    def _folded(self, first: Value, second: Value | None, width: int) -> Value:
        """The first half of each run of so many lanes plus its second half, of one vector or two."""
        kind, lanes, half = self.type_of(first.lanes), first.lanes, width // 2
        starts = range(0, lanes if second is None else 2 * lanes, width)
        halves = []
        for side in (0, half):
            picks = [f"i32 {start + side + i}" for start in starts for i in range(half)]
            picks += ["i32 poison"] * (lanes - len(picks))
            halves.append(self.op(
                f"shufflevector {kind} {first.name}, {kind} {'poison' if second is None else second.name},"
                f" <{lanes} x i32> <{', '.join(picks)}>", lanes
            ).name)  # fmt: skip
        return self.op(f"fadd {kind} {halves[0]}, {halves[1]}", lanes)

    def _lane(self, value: Value, number: int) -> Value:
        if value.lanes == 1:
            return value
        return self.op(f"extractelement {self.type_of(value.lanes)} {value.name}, i32 {number}", 1)


def _literal(number: float, kind: str) -> str:
    """A constant as LLVM writes it: the bits of a double that the type can hold exactly."""
    if kind == "float":
        number = struct.unpack("f", struct.pack("f", number))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
