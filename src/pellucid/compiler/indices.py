"""Index expressions as integers in registers, one in each lane where they move along the vector."""

from __future__ import annotations

from pellucid.compiler.position import Point, Position
from pellucid.compiler.writer import Value, Writer, many
from pellucid.errors import FormulaError
from pellucid.formula.index import Index, Quotient

__all__ = ["Indices", "is_fraction"]

COMPARISON = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}


class Indices:
    """Works out index expressions at a position."""

    def __init__(self, writer: Writer, position: Position) -> None:
        self.writer, self.position = writer, position

    def number(self, index: Index, point: Point) -> Value:
        """An index expression as a number of the kernel's type."""
        if is_fraction(index):
            return self._fraction(index, point)
        whole = self._integer(index, point)
        kind, result = many("i64", whole.lanes), self.writer.type_of(whole.lanes)
        return self.writer.op(f"sitofp {kind} {whole.name} to {result}", whole.lanes)

    def compared(self, op: str, left: Index, right: Index, point: Point) -> Value:
        """Truth values of a comparison."""
        difference = self._integer(left - right, point)
        lanes = difference.lanes
        zero = "0" if lanes == 1 else "zeroinitializer"
        return self.writer.op(f"icmp {COMPARISON[op]} {many('i64', lanes)} {difference.name}, {zero}", lanes)

    def inside(self, point: Point) -> str:
        """Which lanes of a vector lie before the end of its letter's loop."""
        vector, lanes = self.position.vector, self.position.lanes
        room = self.position.extents[vector] - self.position.constant(vector, point)
        register = self.position.places[vector].register
        if register is None:
            bits = ", ".join(f"i1 {'true' if lane < room else 'false'}" for lane in range(lanes))
            return f"<{bits}>"
        left = self.writer.op(f"sub i64 {room}, {register}", 1)
        everywhere = self.writer.spread("i64", left, lanes)
        numbers = _numbered(lanes)
        return self.writer.op(f"icmp slt <{lanes} x i64> {numbers}, {everywhere.name}", lanes).name

    def _integer(self, index: Index, point: Point) -> Value:
        total = Value("0", 1)
        for monomial, number in index.terms:
            part = Value(str(number), 1)
            for letter in monomial:
                if not isinstance(letter, str) or letter not in self.position.places:
                    raise FormulaError(f"{index} is not made of loop letters")
                part = self.writer.whole("mul", part, self._letter(letter, point))
            total = self.writer.whole("add", total, part)
        return total

    def _letter(self, letter: str, point: Point) -> Value:
        """A letter's value, one in each lane if vectors lie along it."""
        register = self.position.places[letter].register
        value = Value(str(self.position.constant(letter, point)), 1)
        if register is not None:
            value = self.writer.whole("add", Value(register, 1), value)
        if letter != self.position.vector:
            return value
        lanes = self.position.lanes
        return self.writer.whole("add", value, Value(_numbered(lanes), lanes))

    def _fraction(self, index: Index, point: Point) -> Value:
        """The number that an index expression with divisions is, whether they are exact or not."""
        writer = self.writer
        total = writer.constant(0.0, 1)
        for monomial, number in index.terms:
            part = writer.constant(float(number), 1)
            for atom in monomial:
                if isinstance(atom, str):
                    part = writer.binary("fmul", part, self.number(Index.of(atom), point))
                else:
                    part = writer.binary("fmul", part, self.number(atom.numerator, point))
                    part = writer.binary("fdiv", part, self.number(atom.divisor, point))
            total = writer.binary("fadd", total, part)
        return total


def is_fraction(index: Index) -> bool:
    """Whether an index expression holds a division that is exact, so that it may be no whole number."""
    return any(isinstance(atom, Quotient) and atom.exact for atom in index.atoms())


def _numbered(lanes: int) -> str:
    """The numbers of the lanes, as a constant."""
    return "<" + ", ".join(f"i64 {lane}" for lane in range(lanes)) + ">"
