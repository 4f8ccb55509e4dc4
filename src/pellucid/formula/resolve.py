"""Names in a parsed formula told apart: index letters, sizes, integer constants, scalars and tensors.

The letters of an equation are those on its left side and those that its reductions bind.  A name that begins with
a capital letter and has no indices is a size.  Every other name without indices is a constant.
"""

from __future__ import annotations

from typing import NoReturn

from pellucid.formula.expression import (
    FUNCTIONS,
    REDUCTIONS,
    And,
    Bound,
    Call,
    Compare,
    Condition,
    Derivative,
    Divides,
    Equation,
    Expr,
    IndexValue,
    Not,
    Num,
    Or,
    Read,
    Reduce,
    Where,
    Within,
    add,
    all_of,
    iverson,
    mul,
    power,
)
from pellucid.formula.index import Index, exact_quotient, flat, flat_parts, floor_quotient, remainder
from pellucid.formula.parse import Assumption, Raw, fail

__all__ = ["resolved_assumption", "resolved_equation"]

RESERVED = frozenset(FUNCTIONS) | frozenset(REDUCTIONS) | {"where", "and", "or", "not", "D", "assume", "shift"}


def resolved_equation(source: str, left: Raw, right: Raw, *, shift: bool) -> Equation:
    """The equation, its target checked to be a tensor with letters or flattened letters as indices."""
    resolver = _Resolver(source)
    target = resolver.target(left)
    letters = frozenset(s for i in target.indices for s in flat_parts(i) or (i.letter,) if s)
    bound = _all_bound(right)
    if target.tensor in letters | bound:
        fail(source, left.at, f"{target.tensor!r} is both the tensor that is defined and an index letter")
    for name, at in _tensors(right):
        if name in letters | bound:
            fail(source, at, f"{name!r} is both a tensor and an index letter in one equation")
    return Equation(target, resolver.value(right, letters), shift)


def resolved_assumption(source: str, left: Raw, right: Raw) -> Assumption:
    """The assumption; the letters of its left side that nothing binds range over all their values."""
    resolver = _Resolver(source)
    letters = frozenset(_plain_index_names(left)) - _all_bound(left)
    return Assumption(resolver.value(left, letters), resolver.value(right, letters))


def _all_bound(raw: Raw) -> frozenset[str]:
    inner = frozenset().union(*(_all_bound(p) for p in raw.parts)) if raw.parts else frozenset()
    return inner | {letter for letter, _ in raw.bounds}


def _tensors(raw: Raw) -> list[tuple[str, int]]:
    own = [(raw.value, raw.at)] if raw.kind == "read" else []
    return own + [t for p in raw.parts for t in _tensors(p)]


def _plain_index_names(raw: Raw) -> list[str]:
    own = [p.value for p in raw.parts if p.kind == "name"] if raw.kind == "read" else []
    return own + [n for p in raw.parts for n in _plain_index_names(p)]


class _Resolver:
    def __init__(self, source: str) -> None:
        self.source = source

    def fail(self, raw: Raw, message: str) -> NoReturn:
        fail(self.source, raw.at, message)

    def target(self, raw: Raw) -> Read:
        if raw.kind not in ("read", "name"):
            self.fail(raw, "the left side of an equation is one tensor with its index letters")
        if raw.value in RESERVED:
            self.fail(raw, f"{raw.value!r} is a word of the language and cannot be defined")
        indices = tuple(self.index(p) for p in raw.parts)
        seen: set[str] = set()
        for part, index in zip(raw.parts, indices, strict=True):
            letters = flat_parts(index) or ((index.letter,) if index.letter else ())
            if not letters or letters[0][0].isupper():
                self.fail(part, "an index on the left side is a letter or a flattened index such as (c,i,j)")
            if seen & set(letters):
                self.fail(part, f"the letter {letters[0]!r} stands twice on the left side")
            seen |= set(letters)
        return Read(raw.value, indices)

    def value(self, raw: Raw, letters: frozenset[str]) -> Expr:
        if self.is_index(raw, letters) and raw.kind != "number":
            return _index_value(self.index(raw))
        parts = raw.parts
        match raw.kind:
            case "number":
                return Num(float(raw.value) if any(c in raw.value for c in ".eE") else int(raw.value))
            case "name":
                if raw.value in RESERVED:
                    self.fail(raw, f"{raw.value!r} is a word of the language, not a value")
                return Read(raw.value)
            case "read":
                return Read(raw.value, tuple(self.index(p) for p in parts))
            case "negative":
                return -self.value(parts[0], letters)
            case "binary":
                return self.binary(raw, letters)
            case "call":
                return Call(raw.value, tuple(self.value(p, letters) for p in parts))
            case "iverson":
                return iverson(self.condition(parts[0], letters))
            case "where":
                then, otherwise = (self.value(p, letters) for p in parts[1:])
                return Where(self.condition(parts[0], letters), then, otherwise)
            case "reduce":
                return self.reduce(raw, letters)
            case "derivative":
                value, element = (self.value(p, letters) for p in parts)
                if not isinstance(element, Read):
                    self.fail(raw, "a derivative is taken with respect to one element of a tensor")
                return Derivative(value, element)
        self.fail(raw, "a condition or a flattened index stands where a value is needed")

    def binary(self, raw: Raw, letters: frozenset[str]) -> Expr:
        left, right = (self.value(p, letters) for p in raw.parts)
        match raw.value:
            case "+":
                return add(left, right)
            case "-":
                return add(left, -right)
            case "*":
                return mul(left, right)
            case "/":
                if right == Num(0):
                    self.fail(raw, "division by the number 0")
                return mul(left, power(right, Num(-1)))
            case "^":
                return power(left, right)
        self.fail(raw, f"{raw.value!r} is for index expressions only")

    def reduce(self, raw: Raw, letters: frozenset[str]) -> Expr:
        names = {letter for letter, _ in raw.bounds}
        for name in names:
            if name in letters:
                self.fail(raw, f"the letter {name!r} is already in use where {raw.value} binds it")
            if name in RESERVED or name[0].isupper():
                self.fail(raw, f"{name!r} cannot be an index letter")
        inner = letters | names
        bounds = tuple(Bound(letter, self.index(e) if e is not None else None) for letter, e in raw.bounds)
        body = self.value(raw.parts[0], inner)
        if len(raw.parts) > 1:
            body = Where(self.condition(raw.parts[1], inner), body, Num(0))
        return Reduce(raw.value, bounds, body)

    def condition(self, raw: Raw, letters: frozenset[str]) -> Condition:
        if raw.kind == "not":
            return Not(self.condition(raw.parts[0], letters))
        if raw.kind in ("and", "or"):
            parts = tuple(self.condition(p, letters) for p in raw.parts)
            return (all_of(parts) or parts[0]) if raw.kind == "and" else Or(parts)
        operators = raw.value.split()
        if operators == ["<=", "<"] and raw.parts[0] == Raw("number", "0", (), raw.parts[0].at):
            if all(self.is_index(p, letters, constants=True) for p in raw.parts[1:]):
                return Within(self.index(raw.parts[1]), self.index(raw.parts[2]))
        parts = tuple(
            self.compare(raw, op, a, b, letters)
            for op, a, b in zip(operators, raw.parts[:-1], raw.parts[1:], strict=True)
        )
        return all_of(parts) or And(parts)

    def compare(self, raw: Raw, op: str, left: Raw, right: Raw, letters: frozenset[str]) -> Condition:
        indices = all(self.is_index(p, letters, constants=True) for p in (left, right))
        if op == "|":
            if not indices:
                self.fail(raw, "'|' says that an integer divides an index expression")
            return Divides(self.index(left), self.index(right))
        if indices:
            return Compare(op, _index_value(self.index(left)), _index_value(self.index(right)))
        return Compare(op, self.value(left, letters), self.value(right, letters))

    def is_index(self, raw: Raw, letters: frozenset[str], *, constants: bool = False) -> bool:
        """Whether it is integer arithmetic over letters and sizes (and, where only indices can stand, constants)."""
        match raw.kind:
            case "number":
                return raw.value.isdigit()
            case "name":
                return raw.value in letters or raw.value[0].isupper() or constants
            case "negative" | "flat":
                return all(self.is_index(p, letters, constants=constants) for p in raw.parts)
            case "binary":
                if raw.value == "/" and not constants:
                    return False
                mixed = raw.value in ("//", "%")
                return raw.value != "^" and all(self.is_index(p, letters, constants=constants or mixed) for p in raw.parts)
        return False

    def index(self, raw: Raw) -> Index:
        match raw.kind:
            case "number" if raw.value.isdigit():
                return Index.of(int(raw.value))
            case "name":
                if raw.value in RESERVED:
                    self.fail(raw, f"{raw.value!r} is a word of the language, not an index")
                return Index.of(raw.value)
            case "negative":
                return -self.index(raw.parts[0])
            case "flat":
                parts = [self.index(p) for p in raw.parts]
                if any(p.letter is None or p.letter[0].isupper() for p in parts[1:]):
                    self.fail(raw, "all but the first part of a flattened index are letters")
                return flat(parts)
            case "binary" if raw.value != "^":
                return self.index_binary(raw)
        self.fail(raw, "an index is integer arithmetic over letters, constants and sizes: + - * // % and exact /")

    def index_binary(self, raw: Raw) -> Index:
        left, right = (self.index(p) for p in raw.parts)
        match raw.value:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
        if right.constant is not None and right.constant < 1:
            self.fail(raw, f"an index is divided by {right.constant}; the divisor must be a positive integer")
        if raw.value == "/":
            return exact_quotient(left, right)
        return floor_quotient(left, right) if raw.value == "//" else remainder(left, right)


def _index_value(index: Index) -> Expr:
    return Num(index.constant) if index.constant is not None else IndexValue(index)
