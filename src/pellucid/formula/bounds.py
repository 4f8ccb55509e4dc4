"""Between which integers an index expression lies, given its letters' ranges and the conditions around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from math import gcd, prod

import numpy as np

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    And,
    Compare,
    Condition,
    Divides,
    Expr,
    IndexValue,
    Node,
    Not,
    Num,
    Or,
    Read,
    Reduce,
    Where,
    Within,
    children,
    conjuncts,
    negation,
    reads,
)
from pellucid.formula.index import Atom, Index, Quotient, flat_parts
from pellucid.formula.views import grid, whole

__all__ = [
    "Fact",
    "Interval",
    "direct_reads",
    "exact_interval",
    "facts",
    "guarded_reads",
    "index_of",
    "interval",
    "spans",
    "wholes",
]

Interval = tuple[int, int]
# So many combinations of letters' values are gone through one by one.
MOST_PLACES = 1 << 21


@dataclass(frozen=True)
class Fact:
    """``low <= index <= high`` wherever the guarded expression is evaluated."""

    index: Index
    low: Index | None
    high: Index | None

    def replaced(self, mapping: Mapping[str, Index]) -> Fact:
        low, high = (end and end.replace(mapping) for end in (self.low, self.high))
        return Fact(self.index.replace(mapping), low, high)


def index_of(value: Expr) -> Index | None:
    """The index expression that a value is, if it is one."""
    if isinstance(value, IndexValue):
        return value.index
    if isinstance(value, Read) and not value.indices:
        return Index.of(value.tensor)
    return Index.of(value.value) if isinstance(value, Num) and isinstance(value.value, int) else None


def facts(condition: Condition, *, holds: bool = True) -> tuple[Fact, ...]:
    """What follows for index expressions if the condition holds, or if it does not."""
    match condition:
        case Within(index, extent) if holds:
            return (Fact(index, Index.of(0), extent - 1),)
        case Compare(op, left, right):
            a, b = index_of(left), index_of(right)
            return _comparison(a - b, op, holds) if a is not None and b is not None else ()
        case Not(part):
            return facts(part, holds=not holds)
        case And(parts) if holds:
            return tuple(f for p in parts for f in facts(p))
        case Or(parts) if not holds:
            return tuple(f for p in parts for f in facts(p, holds=False))
    return ()


def _comparison(difference: Index, op: str, holds: bool) -> tuple[Fact, ...]:
    if not holds:
        op = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}[op]
    zero, one = Index.of(0), Index.of(1)
    low = {"==": zero, ">": one, ">=": zero}.get(op)
    high = {"==": zero, "<": -one, "<=": zero}.get(op)
    return (Fact(difference, low, high),) if low is not None or high is not None else ()


def wholes(index: Index) -> list[Condition]:
    """That the exact divisions in an index expression leave no remainder."""
    exact = [a for a in index.atoms() if isinstance(a, Quotient) and a.exact]
    return [Divides(a.divisor, a.numerator) for a in exact]


def guarded_reads(node: Node, known: tuple[Fact, ...] = ()) -> Iterator[tuple[Read, tuple[Fact, ...]]]:
    """Every read with the facts that hold wherever its value matters."""
    if isinstance(node, Read):
        yield node, known
    if isinstance(node, And):  # where one part fails, no other matters
        for part in node.parts:
            others = tuple(f for other in node.parts if other is not part for f in facts(other))
            yield from guarded_reads(part, known + others)
        return
    if isinstance(node, Where):
        yield from guarded_reads(node.condition, known)
        yield from guarded_reads(node.then, known + facts(node.condition))
        yield from guarded_reads(node.otherwise, known + facts(node.condition, holds=False))
        return
    for child in children(node):
        yield from guarded_reads(child, known)


def direct_reads(
    node: Expr, guards: tuple[Condition, ...] = ()
) -> Iterator[tuple[Read, tuple[Condition, ...]]]:
    """The reads, outside further reductions, of which a value may consist, with the index conditions around.

    A maximum is not taken over positions where one of these falls into padding.
    """
    if isinstance(node, Read):
        yield node, guards
    elif isinstance(node, Where):
        held = tuple(part for part in conjuncts(node.condition) if not _has_reads(part))
        failed = () if _has_reads(node.condition) else (negation(node.condition),)
        yield from direct_reads(node.then, (*guards, *held))
        yield from direct_reads(node.otherwise, (*guards, *failed))
    elif not isinstance(node, Reduce):
        for child in children(node):
            if isinstance(child, Expr):
                yield from direct_reads(child, guards)


def _has_reads(node: Node) -> bool:
    return any(True for _ in reads(node))


def spans(index: Index, known: tuple[Fact, ...], letters: Set[str]) -> bool:
    """Whether a read at this index takes every value of its axis.

    It does if the index is a letter, or letters flattened, that no fact bounds by sizes and constants alone.
    """
    own = frozenset(flat_parts(index) or (index.letter or "",))
    if not own <= letters:
        return False
    held = (frozenset(_bounded(fact.index)) & letters for fact in known)
    return not any(h and h <= own for h in held)


def _bounded(index: Index) -> Iterator[str]:
    """The symbols that bounds of an index expression restrict; a bound of a remainder restricts none."""
    for atom in index.atoms():
        if isinstance(atom, str):
            yield atom
        elif isinstance(atom, Quotient):
            yield from atom.numerator.symbols


def interval(index: Index, ranges: Mapping[str, Interval], known: tuple[Fact, ...] = ()) -> Interval:
    """Bounds of an index expression whose sizes and constants are in `ranges` too.

    They are its least and greatest value if every letter stands in it once and no fact restricts it; the
    least is above the greatest if the facts cannot all hold.
    """
    if not known and (found := _affine(index, ranges)) is not None:
        return found
    numbers = {s: Index.of(low) for s, (low, high) in ranges.items() if low == high}
    useful = tuple(f.replaced(numbers) for f in known if f.index.symbols <= ranges.keys())
    if any(_impossible(f, ranges) for f in useful):
        return 1, 0
    return _interval(index.replace(numbers), ranges, useful)


def _affine(index: Index, ranges: Mapping[str, Interval]) -> Interval | None:
    """Bounds of a sum of multiples of letters, at once; None for any other index expression."""
    low = high = 0
    for monomial, number in index.terms:
        if not monomial:
            low, high = low + number, high + number
            continue
        ends = ranges.get(monomial[0]) if len(monomial) == 1 and isinstance(monomial[0], str) else None
        if ends is None:
            return None
        low += number * ends[number < 0]
        high += number * ends[number > 0]
    return low, high


def exact_interval(index: Index, ranges: Mapping[str, Interval], known: tuple[Fact, ...]) -> Interval | None:
    """The least and greatest value wherever the facts hold and all divisions are exact.

    All values of the letters are gone through, and the result is None if there are too many of them.
    """
    useful = [f for f in known if f.index.symbols <= ranges.keys()]
    numbers = {s: Index.of(low) for s, (low, high) in ranges.items() if low == high}
    parts = [f.replaced(numbers) for f in useful]
    place = index.replace(numbers)
    letters = sorted(place.symbols.union(*(f.index.symbols for f in parts)))
    extents = {s: ranges[s][1] + 1 for s in letters}
    if prod(extents.values()) > MOST_PLACES:
        return None
    holds = whole(place, letters, extents)
    for part in parts:
        values = grid(part.index, letters, extents)
        holds = holds & whole(part.index, letters, extents)
        holds = holds & (part.low is None or values >= (part.low.constant or 0))
        holds = holds & (part.high is None or values <= (part.high.constant or 0))
    values, holds = np.broadcast_arrays(grid(place, letters, extents), holds)
    found = values[holds]
    return (int(found.min()), int(found.max())) if found.size else (1, 0)


def _impossible(fact: Fact, ranges: Mapping[str, Interval]) -> bool:
    least, most = _polynomial(fact.index, ranges)
    low, high = (end.constant if end is not None else None for end in (fact.low, fact.high))
    return (low is not None and most < low) or (high is not None and least > high)


def _interval(
    index: Index, ranges: Mapping[str, Interval], known: tuple[Fact, ...], depth: int = 3
) -> Interval:
    low, high = _polynomial(index, ranges, known)
    for place, fact in enumerate(known if depth else ()):
        for times, part in _multiples(index, fact.index):
            rest = times * index - part * fact.index
            if len(rest.terms) > len(index.terms):
                continue
            least, most = _interval(rest, ranges, known[:place] + known[place + 1 :], depth - 1)
            ends = (fact.low, fact.high) if part > 0 else (fact.high, fact.low)
            below, above = (end.constant if end is not None else None for end in ends)
            low = low if below is None else max(low, -(-(part * below + least) // times))
            high = high if above is None else min(high, (part * above + most) // times)
    return low, high


def _multiples(index: Index, part: Index) -> set[tuple[int, int]]:
    """Numbers ``a > 0, b`` with which ``a*index - b*part`` lacks one product of letters that both have."""
    mine = {Index(((m, 1),)): c for m, c in index.terms if m}
    shared = ((mine[key], c) for m, c in part.terms if m and (key := Index(((m, 1),))) in mine)
    return {(abs(c) // gcd(c, own), own * abs(c) // (gcd(c, own) * c)) for own, c in shared}


def _polynomial(index: Index, ranges: Mapping[str, Interval], known: tuple[Fact, ...] = ()) -> Interval:
    low = high = 0
    for monomial, coefficient in index.terms:
        least = most = coefficient
        for atom in monomial:
            a, b = _atom(atom, ranges, known)
            products = (least * a, least * b, most * a, most * b)
            least, most = min(products), max(products)
        low, high = low + least, high + most
    return low, high


def _atom(atom: Atom, ranges: Mapping[str, Interval], known: tuple[Fact, ...]) -> Interval:
    if isinstance(atom, str):
        if atom not in ranges:
            raise FormulaError(f"the value of {atom!r} is not known")
        return ranges[atom]
    low, high = _interval(atom.numerator, ranges, known)
    least, most = _polynomial(atom.divisor, ranges)
    if least != most or least < 1:
        raise FormulaError(f"an index is divided by {atom.divisor}, which is not a positive constant here")
    if isinstance(atom, Quotient):
        return (-(-low // least), high // least) if atom.exact else (low // least, high // least)
    return (low % least, high % least) if low // least == high // least else (0, least - 1)


def always(condition: Condition, ranges: Mapping[str, Interval], known: tuple[Fact, ...] = ()) -> bool | None:
    """The condition's value if it is the same over the whole ranges; None if it varies or is not known."""
    match condition:
        case Within(index, extent):
            low, high = interval(index - extent, ranges, known)
            first, last = interval(index, ranges, known)
            return True if first >= 0 and high < 0 else False if last < 0 or low >= 0 else None
        case Compare(op, left, right):
            a, b = index_of(left), index_of(right)
            if a is None or b is None or not (a.symbols | b.symbols) <= ranges.keys():
                return None
            if any(isinstance(atom, Quotient) and atom.exact for atom in (*a.atoms(), *b.atoms())):
                return None  # a fraction, where the division is not exact
            return _compared(op, interval(a - b, ranges, known))
        case Divides(divisor, index):
            return _divides(divisor, index, ranges)
        case Not(part):
            value = always(part, ranges, known)
            return None if value is None else not value
        case And(parts) | Or(parts):
            values = [always(p, ranges, known) for p in parts]
            decisive = isinstance(condition, Or)
            return decisive if decisive in values else None if None in values else not decisive
    return None


def _compared(op: str, difference: Interval) -> bool | None:
    low, high = difference
    true, false = {
        "==": (low == high == 0, low > 0 or high < 0),
        "!=": (low > 0 or high < 0, low == high == 0),
        "<": (high < 0, low >= 0),
        "<=": (high <= 0, low > 0),
        ">": (low > 0, high <= 0),
        ">=": (low >= 0, high < 0),
    }[op]
    return True if true else False if false else None


def _divides(divisor: Index, index: Index, ranges: Mapping[str, Interval]) -> bool | None:
    by = _polynomial(divisor, ranges)[0]
    if by == 1:
        return True
    numbers = {s: Index.of(ranges[s][0]) for s in index.symbols if ranges[s][0] == ranges[s][1]}
    resolved = index.replace(numbers)
    if any(m and c % by for m, c in resolved.terms):
        return None
    return all(c % by == 0 for _, c in resolved.terms)
