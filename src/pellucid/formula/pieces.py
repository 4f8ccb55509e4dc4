"""The small parts of a layout: numbers, names, and index expressions on one line."""

from __future__ import annotations

import fractions
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pellucid.formula.boxes import Box, Fence, Fraction, Row, Scripts, Symbol
from pellucid.formula.index import Index, Quotient, Remainder, flat_parts
from pellucid.formula.names import named

__all__ = ["Piece", "between", "index_piece", "listed", "name_piece", "number_piece", "separated"]

# How tightly a box holds together, loosest first: a FACTOR stands in a product without brackets, an ATOM also
# carries an exponent.
CONDITION, SUM, PRODUCT, FACTOR, ATOM = range(5)
COMMA, MINUS, TIGHT = Symbol(",", "comma"), Symbol("−", "prefix"), Symbol("", "tight")
DOT = Symbol("·", "binary")


@dataclass(frozen=True)
class Piece:
    """A box, how tightly it holds together, and whether it would swallow what is multiplied behind it."""

    box: Box
    level: int
    open: bool = False

    def at(self, level: int, *, last: bool = True) -> Box:
        """The box, in brackets if it is looser than the place or would swallow what follows."""
        fenced = self.level < level or (self.open and not last)
        return Fence("(", self.box, ")") if fenced else self.box


def separated(parts: Iterable[Box], by: Symbol = COMMA) -> Box:
    """The parts with a sign between them."""
    row: list[Box] = []
    for part in parts:
        row += [by, part] if row else [part]
    return row[0] if len(row) == 1 else Row(tuple(row))


def listed(indices: Sequence[Index]) -> Box:
    """Indices with commas between them, which get some room if the indices are more than letters."""
    roomy = any(index.letter is None and index.constant is None for index in indices)
    return separated([index_piece(i).box for i in indices], Symbol(", " if roomy else ",", "comma"))


def name_piece(name: str, indices: Box | None = None) -> Piece:
    """A name, which carries an exponent unless something stands there already."""
    box = named(name, indices)
    raised = isinstance(box, Row) or (isinstance(box, Scripts) and box.above is not None)
    return Piece(box, FACTOR if raised else ATOM)


def between(inside: Box, extent: Index) -> Box:
    """The range of an index: ``0 ≤ inside < extent``."""
    below = Symbol("≤", "relation")
    return Row((Symbol("0", "number"), below, inside, Symbol("<", "relation"), index_piece(extent).box))


def number_piece(value: float | fractions.Fraction) -> Piece:
    """A number: ``1/2`` as a fraction, ``1e-05`` as a power of ten."""
    if value < 0:
        return Piece(Row((MINUS, number_piece(-value).box)), SUM)
    if isinstance(value, fractions.Fraction):
        return Piece(
            Fraction(Symbol(str(value.numerator), "number"), Symbol(str(value.denominator), "number")), FACTOR
        )
    mantissa, _, exponent = repr(value).partition("e")
    number = Symbol(mantissa.removesuffix(".0"), "number")
    if not exponent:
        return Piece(number, ATOM)
    power = Scripts(Symbol("10", "number"), None, number_piece(int(exponent)).box)
    return Piece(power, FACTOR) if mantissa == "1" else Piece(Row((number, DOT, power)), PRODUCT)


def index_piece(index: Index) -> Piece:
    """An index expression as it stands below a tensor: one line, factors side by side."""
    parts = flat_parts(index)
    if parts:
        return Piece(Fence("(", separated(map(named, parts)), ")"), ATOM)
    row: list[Box] = []
    for monomial, coefficient in sorted(index.terms, key=lambda term: term[1] < 0):
        if row:
            row.append(Symbol("−" if coefficient < 0 else "+", "binary"))
        elif coefficient < 0:
            row.append(MINUS)
        piece = _monomial(monomial, abs(coefficient))
        if len(index.terms) == 1 and coefficient > 0:
            return piece
        row.append(piece.at(PRODUCT))
    return Piece(Row(tuple(row)), SUM) if row else number_piece(0)


def _monomial(monomial: Sequence[str | Quotient | Remainder], coefficient: int) -> Piece:
    pieces = [number_piece(coefficient)] if coefficient != 1 or not monomial else []
    for atom in dict.fromkeys(monomial):
        piece = name_piece(atom) if isinstance(atom, str) else _divided(atom)
        times = monomial.count(atom)
        power = Scripts(piece.at(ATOM), None, number_piece(times).box)
        pieces.append(piece if times == 1 else Piece(power, FACTOR))
    if len(pieces) == 1:
        return pieces[0]
    return Piece(separated([piece.at(FACTOR) for piece in pieces], TIGHT), FACTOR)


def _divided(atom: Quotient | Remainder) -> Piece:
    numerator, divisor = index_piece(atom.numerator), index_piece(atom.divisor)
    if isinstance(atom, Remainder):
        return Piece(Row((numerator.at(FACTOR), Symbol("mod", "binary"), divisor.at(FACTOR))), CONDITION)
    line = Row((numerator.at(FACTOR), Symbol("/", "binary"), divisor.at(ATOM)))
    return Piece(line, PRODUCT) if atom.exact else Piece(Fence("⌊", line, "⌋"), ATOM)
