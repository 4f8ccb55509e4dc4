"""Typeset mathematics as boxes inside boxes, before it is written as LaTeX or MathML."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Box",
    "Cases",
    "Fence",
    "Fraction",
    "Limits",
    "Root",
    "Row",
    "Scripts",
    "Stack",
    "Symbol",
    "is_tall",
]


@dataclass(frozen=True)
class Symbol:
    """One sign or word; `role` says how it is set and spaced.

    Roles:
        letter, word, number: an italic variable; an upright name; digits.
        function, apply: an upright name before its argument; nothing to be seen between the two.
        binary, relation, prefix, comma: operators, by the room that they take.
        large, limit: a sign or a word that carries limits, such as the sum's or max.
        times, tight: factors side by side with a small gap or none.
        prime, text, space: a prime; words of a sentence; a wide gap.
    """

    text: str
    role: str


@dataclass(frozen=True)
class Row:
    """Boxes side by side."""

    parts: tuple[Box, ...]


@dataclass(frozen=True)
class Scripts:
    """A base with a subscript, a superscript or both."""

    base: Box
    below: Box | None = None
    above: Box | None = None


@dataclass(frozen=True)
class Limits:
    """An operator with something under it."""

    base: Symbol
    below: Box


@dataclass(frozen=True)
class Fraction:
    """One box over another with a line between."""

    above: Box
    below: Box


@dataclass(frozen=True)
class Root:
    """A square root."""

    inside: Box


@dataclass(frozen=True)
class Fence:
    """Brackets as high as what they hold."""

    left: str
    inside: Box
    right: str


@dataclass(frozen=True)
class Stack:
    """Centred lines, as under a sum."""

    lines: tuple[Box, ...]


@dataclass(frozen=True)
class Cases:
    """Values with the condition for each, behind one brace."""

    rows: tuple[tuple[Box, Box], ...]


Box = Symbol | Row | Scripts | Limits | Fraction | Root | Fence | Stack | Cases


def is_tall(box: Box) -> bool:
    """Whether brackets around the box have to grow."""
    match box:
        case Row(parts):
            return any(map(is_tall, parts))
        case Fence(_, inside, _):
            return is_tall(inside)
        case Scripts(base, _, above):
            return is_tall(base) or isinstance(above, Fence)
    return isinstance(box, Fraction | Limits | Root | Cases | Stack)
