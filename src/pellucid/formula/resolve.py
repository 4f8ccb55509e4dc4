"""Names in a parsed formula told apart: index letters, sizes, integer constants, scalars and tensors.

The letters of an equation are those on its left side and those that its reductions bind.  A name that begins
with a capital letter and has no indices is a size.  Every other name without indices is a constant.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import NoReturn

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    FUNCTIONS,
    REDUCTIONS,
    Bound,
    Call,
    Compare,
    Condition,
    Delta,
    Derivative,
    Divides,
    Equation,
    Expr,
    Not,
    Num,
    Or,
    Read,
    Reduce,
    Where,
    Within,
    add,
    all_of,
    count,
    iverson,
    mul,
    power,
)
from pellucid.formula.index import LARGEST, Index, exact_quotient, flat, flat_parts, floor_quotient, remainder
from pellucid.formula.reader import Raw
from pellucid.formula.tokens import fail

__all__ = ["Assumption", "Statement", "resolved_assumption", "resolved_equation", "resolved_expression"]

OPERATIONS: dict[str, Callable[[Index, Index], Index]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": exact_quotient, "//": floor_quotient, "%": remainder,
}  # fmt: skip
LONGEST_NUMBER = 300
RESERVED = frozenset(FUNCTIONS) | frozenset(REDUCTIONS) | {"where", "and", "or", "not", "assume", "shift"}


@dataclass(frozen=True)
class Assumption:
    """A fact that derivations may use: ``left = right`` for all values of its free letters."""

    left: Expr
    right: Expr

    def __str__(self) -> str:
        return f"assume {self.left!r} = {self.right!r}"


Statement = Equation | Assumption


def resolved_equation(source: str, left: Raw, right: Raw, *, shift: bool) -> Equation:
    """The equation, its target checked to be a tensor with letters or flattened letters as indices."""
    target = _target(source, left)
    letters = frozenset(s for i in target.indices for s in flat_parts(i) or (i.letter,) if s)
    if target.tensor in letters | _bound(right):
        fail(source, left.at, f"{target.tensor!r} is both the tensor that is defined and an index letter")
    return Equation(target, resolved_expression(source, right, letters), shift)


def resolved_assumption(source: str, left: Raw, right: Raw) -> Assumption:
    """The assumption; the letters of its left side that nothing binds range over all their values."""
    names = {p.value for read in _walk(left) if read.kind == "read" for p in read.parts if p.kind == "name"}
    letters = frozenset(names) - _bound(left)
    return Assumption(resolved_expression(source, left, letters), resolved_expression(source, right, letters))


def resolved_expression(source: str, raw: Raw, letters: frozenset[str]) -> Expr:
    """The value, with the given letters free."""
    bound = _bound(raw)
    plain = {part.value for part in _walk(raw) if part.kind == "name"}
    for part in _walk(raw):
        if part.kind == "read" and part.value in RESERVED:
            fail(source, part.at, f"{part.value!r} is a word of the language, not a tensor")
        if part.kind == "read" and part.value in letters | bound:
            fail(source, part.at, f"{part.value!r} is both a tensor and an index letter in one equation")
        if (
            part.kind == "read" and part.value in plain and not part.value[0].isupper()
        ):  # P is a size, P[i] is not
            fail(source, part.at, f"{part.value!r} is read both with and without indices")
    return _Resolver(source, letters, bound).value(raw)


def _walk(raw: Raw) -> Iterator[Raw]:
    """The piece of text and all its parts."""
    pending = [raw]
    while pending:
        part = pending.pop()
        yield part
        pending += part.parts
        pending += (extent for _, extent in part.bounds if extent is not None)


def _target(source: str, raw: Raw) -> Read:
    if raw.kind not in ("read", "name"):
        fail(source, raw.at, "the left side of an equation is one tensor with its index letters")
    if raw.value in RESERVED:
        fail(source, raw.at, f"{raw.value!r} is a word of the language and cannot be defined")
    if not raw.parts and raw.value[0].isupper():
        fail(source, raw.at, f"{raw.value!r} without indices is the size of the letter {raw.value.lower()!r}")
    resolver = _Resolver(source, frozenset(), frozenset())
    indices = tuple(resolver.index(p) for p in raw.parts)
    seen: set[str] = set()
    for part, index in zip(raw.parts, indices, strict=True):
        letters = flat_parts(index) or ((index.letter,) if index.letter else ())
        if not letters or letters[0][0].isupper():
            fail(
                source, part.at, "an index on the left side is a letter or a flattened index such as (c,i,j)"
            )
        if twice := seen.intersection(letters):
            fail(source, part.at, f"the letter {min(twice)!r} stands twice on the left side")
        seen |= set(letters)
    return Read(raw.value, indices)


def _bound(raw: Raw) -> frozenset[str]:
    return frozenset(letter for part in _walk(raw) for letter, _ in part.bounds)


@dataclass(frozen=True)
class _Resolver:
    """Reads raw text where `letters` are in scope; `bound` are all letters that any reduction binds."""

    source: str
    letters: frozenset[str]
    bound: frozenset[str]

    def fail(self, raw: Raw, message: str) -> NoReturn:
        fail(self.source, raw.at, message)

    def value(self, raw: Raw) -> Expr:
        if raw.kind != "number" and self.is_index(raw):
            return count(self.index(raw))
        match raw.kind:
            case "number":
                return Num(self.number(raw))
            case "name":
                return Read(self.known(raw))
            case "read":
                return Read(raw.value, tuple(self.index(p) for p in raw.parts))
            case "call":
                return Call(raw.value, tuple(self.value(p) for p in raw.parts))
            case "iverson":
                return iverson(self.condition(raw.parts[0]))
            case "where":
                condition, then, otherwise = raw.parts
                return Where(self.condition(condition), self.value(then), self.value(otherwise))
            case "reduce":
                return self.reduction(raw)
            case "delta":
                return Delta(self.index(raw.parts[0]), self.index(raw.parts[1]))
            case "derivative":
                return self.derivative(raw)
            case "flat":
                self.fail(raw, "a flattened index holds index letters only")
            case "compare" | "and" | "or" | "not":
                self.fail(
                    raw,
                    "a condition stands where a value is needed; [condition] is 1 where it holds, else 0",
                )
        with self.located(raw):
            return self.arithmetic(raw)

    @contextmanager
    def located(self, raw: Raw) -> Iterator[None]:
        """Errors of the arithmetic itself get a place."""
        try:
            yield
        except FormulaError as error:
            if "\n" in str(error):
                raise
            self.fail(raw, str(error))

    def number(self, raw: Raw) -> int | float:
        if len(raw.value) > LONGEST_NUMBER:
            self.fail(raw, f"a number has more than {LONGEST_NUMBER} characters")
        value = int(raw.value) if raw.value.isdigit() else float(raw.value)
        if value in (inf, -inf):
            self.fail(raw, "a number is too large")
        return value

    def known(self, raw: Raw) -> str:
        """A name that may stand here for a value or an index."""
        if raw.value in RESERVED:
            self.fail(raw, f"{raw.value!r} is a word of the language, not a value")
        if raw.value in self.bound - self.letters:
            self.fail(raw, f"the letter {raw.value!r} stands outside the reduction that binds it")
        return raw.value

    def arithmetic(self, raw: Raw) -> Expr:
        if raw.kind == "negative":
            return -self.value(raw.parts[0])
        if raw.kind == "power":
            return power(self.value(raw.parts[0]), self.value(raw.parts[1]))
        if raw.kind == "product":
            return self.product(raw)
        terms = [self.value(raw.parts[0])]
        for sign, part in zip(raw.value.split(), raw.parts[1:], strict=True):
            terms.append(self.value(part) if sign == "+" else -self.value(part))
        return add(*terms)

    def product(self, raw: Raw) -> Expr:
        signs, parts, whole = raw.value.split(), raw.parts, _whole_parts(raw)
        if whole:
            head = Raw("product", " ".join(signs[: whole - 1]), parts[:whole], raw.at)
            if not self.is_index(head):
                self.fail(raw, "// and % are for index expressions only")
            factors = [count(self.index(head))]
        else:
            factors = [self.value(parts[0])]
        for sign, part in list(zip(signs, parts[1:], strict=True))[max(whole, 1) - 1 :]:
            factor = self.value(part)
            with self.located(part):
                factors.append(factor if sign == "*" else power(factor, Num(-1)))
        return mul(*factors)

    def reduction(self, raw: Raw) -> Expr:
        names = {letter for letter, _ in raw.bounds}
        for name in names:
            if name in self.letters:
                self.fail(raw, f"the letter {name!r} is already in use where {raw.value} binds it")
            if name in RESERVED or name[0].isupper():
                self.fail(raw, f"{name!r} cannot be an index letter")
        inner = _Resolver(self.source, self.letters | names, self.bound)
        bounds = tuple(self.bound_letter(letter, extent) for letter, extent in raw.bounds)
        body = inner.value(raw.parts[0])
        if len(raw.parts) > 1:
            body = Where(inner.condition(raw.parts[1]), body, Num(0))
        return Reduce(raw.value, bounds, body)

    def bound_letter(self, letter: str, extent: Raw | None) -> Bound:
        """A letter as a reduction binds it, with its number of values if that is written."""
        if extent is None:
            return Bound(letter)
        index = self.index(extent)
        if moving := sorted(index.symbols & self.letters):
            self.fail(
                extent,
                f"a letter's number of values does not depend on the letter {moving[0]!r}; "
                f"a condition can, as in sum[{letter} : {letter} < {moving[0]}]",
            )
        return Bound(letter, index)

    def derivative(self, raw: Raw) -> Expr:
        value, element = (self.value(p) for p in raw.parts)
        if not isinstance(element, Read):
            self.fail(raw, "a derivative is taken with respect to one element of a tensor")
        return Derivative(value, element)

    def condition(self, raw: Raw) -> Condition:
        if raw.kind == "not":
            return Not(self.condition(raw.parts[0]))
        if raw.kind in ("and", "or"):
            parts = tuple(self.condition(p) for p in raw.parts)
            return (all_of(parts) or parts[0]) if raw.kind == "and" else Or(parts)
        operators = raw.value.split()
        zero = raw.parts[0].kind == "number" and raw.parts[0].value == "0"
        if zero and operators == ["<=", "<"] and all(self.is_index(p, constants=True) for p in raw.parts[1:]):
            return Within(self.index(raw.parts[1]), self.index(raw.parts[2]))
        sides = zip(operators, raw.parts[:-1], raw.parts[1:], strict=True)
        parts = tuple(self.comparison(raw, op, left, right) for op, left, right in sides)
        return all_of(parts) or parts[0]

    def comparison(self, raw: Raw, op: str, left: Raw, right: Raw) -> Condition:
        """A comparison of indices if both sides can be indices and there is a letter or a size in them."""
        indices = all(self.is_index(p, constants=True) for p in (left, right))
        if op == "|":
            if not indices:
                self.fail(raw, "'|' says that an integer divides an index expression")
            return Divides(self.index(left), self.index(right))
        names = [n.value for p in (left, right) for n in _walk(p) if n.kind == "name"]
        if indices and any(n in self.letters or n[0].isupper() for n in names):
            return Compare(op, self.side(left), self.side(right))
        return Compare(op, self.value(left), self.value(right))

    def side(self, raw: Raw) -> Expr:
        """An index, but for a scalar such as the position ``y_at``: no integer constant has two words."""
        scalar = raw.kind == "name" and raw.value not in self.letters and not {"_", "."}.isdisjoint(raw.value)
        return self.value(raw) if scalar else count(self.index(raw))

    def is_index(self, raw: Raw, *, constants: bool = False) -> bool:
        """Whether it is integer arithmetic over letters, sizes and, where only indices stand, constants."""
        match raw.kind:
            case "number":
                return raw.value.isdigit()
            case "name":
                return constants or raw.value in self.letters or raw.value[0].isupper()
            case "negative" | "flat" | "sum":
                return all(self.is_index(p, constants=constants) for p in raw.parts)
            case "product":
                whole = _whole_parts(raw)
                if "/" in raw.value.split()[max(whole, 1) - 1 :] and not constants:
                    return False
                return all(
                    self.is_index(p, constants=constants or n < whole) for n, p in enumerate(raw.parts)
                )
        return False

    def index(self, raw: Raw) -> Index:
        match raw.kind:
            case "number" if raw.value.isdigit():
                return self.sized(raw)
            case "name":
                return Index.of(self.known(raw))
            case "negative":
                return -self.index(raw.parts[0])
            case "flat":
                parts = [self.index(p) for p in raw.parts]
                if any(p.letter is None or p.letter[0].isupper() for p in parts[1:]):
                    self.fail(raw, "all but the first part of a flattened index are letters")
                with self.located(raw):
                    return flat(parts)
            case "sum" | "product":
                result = self.index(raw.parts[0])
                for sign, part in zip(raw.value.split(), raw.parts[1:], strict=True):
                    other = self.index(part)
                    with self.located(part):
                        result = OPERATIONS[sign](result, other)
                return result
        self.fail(
            raw, "an index is integer arithmetic over letters, constants and sizes: + - * // % and exact /"
        )

    def sized(self, raw: Raw) -> Index:
        number = self.number(raw)
        if number > LARGEST:
            self.fail(raw, "an index is too large")
        return Index.of(int(number))


def _whole_parts(raw: Raw) -> int:
    """How many parts of a product its last ``//`` or ``%`` takes, counted from the left."""
    return max((n + 2 for n, sign in enumerate(raw.value.split()) if sign in ("//", "%")), default=0)
