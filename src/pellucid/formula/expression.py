"""The objects of the language of formulas: expressions, conditions, equations.

All are immutable.  Sums and products are equal in whatever order their parts are given; the order is kept
for printing.  Build expressions with `add`, `mul`, `power` (or ``+ - * /``), which fold numbers and flatten
nesting.

>>> x = Read("x", (Index.of("i"),))
>>> 2 * x + x * 3
5*x[i]
>>> x * x == power(x, Num(2))
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import isfinite

from pellucid.errors import FormulaError
from pellucid.formula.index import Index, size_of

__all__ = [
    "FUNCTIONS",
    "REDUCTIONS",
    "Add",
    "And",
    "Bound",
    "Call",
    "Compare",
    "Condition",
    "Delta",
    "Derivative",
    "Divides",
    "Equation",
    "Expr",
    "IndexValue",
    "Mul",
    "Node",
    "Not",
    "Num",
    "Or",
    "Power",
    "Read",
    "Reduce",
    "Where",
    "Within",
    "add",
    "as_expr",
    "bound_letters",
    "children",
    "conjuncts",
    "count",
    "free_letters",
    "is_singular",
    "iverson",
    "mul",
    "negation",
    "power",
    "reads",
    "split_coefficient",
    "substitute",
    "transform",
    "walk",
    "whole_power",
    "with_reads",
]

FUNCTIONS = {
    "exp": 1, "log": 1, "sqrt": 1, "abs": 1, "tanh": 1, "sigmoid": 1, "relu": 1, "erf": 1,
    "maximum": 2, "minimum": 2,
}  # fmt: skip
REDUCTIONS = ("sum", "mean", "max", "min", "argmax", "argmin")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
Number = int | float | Fraction
# No formula needs longer numbers; every float fits as well.
LARGEST_BITS = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """An expression or a condition; equal to another if its structure is."""

    @cached_property
    def key(self) -> str:
        parts = ",".join(_part_key(getattr(self, name)) for name in self.__dataclass_fields__)
        return f"{type(self).__name__}({parts})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        from pellucid.formula.text import text

        return text(self)


def _part_key(part: object) -> str:
    if isinstance(part, tuple):
        return "[" + ",".join(_part_key(p) for p in part) + "]"
    return part.key if isinstance(part, (Node, Index, Bound)) else str(part)


@dataclass(frozen=True, eq=False, repr=False)
class Expr(Node):
    """A real value for each value of its free index letters."""

    def __add__(self, other: Expr | Number) -> Expr:
        return add(self, expr(other))

    def __radd__(self, other: Number) -> Expr:
        return add(expr(other), self)

    def __sub__(self, other: Expr | Number) -> Expr:
        return add(self, mul(Num(-1), expr(other)))

    def __rsub__(self, other: Number) -> Expr:
        return add(expr(other), -self)

    def __mul__(self, other: Expr | Number) -> Expr:
        return mul(self, expr(other))

    def __rmul__(self, other: Number) -> Expr:
        return mul(expr(other), self)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return mul(self, power(expr(other), Num(-1)))

    def __rtruediv__(self, other: Number) -> Expr:
        return mul(expr(other), power(self, Num(-1)))

    def __pow__(self, other: Expr | Number) -> Expr:
        return power(self, expr(other))

    def __neg__(self) -> Expr:
        return mul(Num(-1), self)


@dataclass(frozen=True, eq=False, repr=False)
class Condition(Node):
    """True or false for each value of its free index letters."""


@dataclass(frozen=True)
class Bound:
    """A letter that a reduction binds, with its number of values if that is not the letter's own size."""

    letter: str
    extent: Index | None = None

    @property
    def key(self) -> str:
        return self.letter if self.extent is None else f"{self.letter}<{self.extent.key}"

    @property
    def size(self) -> Index:
        return Index.of(size_of(self.letter)) if self.extent is None else self.extent


@dataclass(frozen=True, eq=False, repr=False)
class Num(Expr):
    """A number."""

    value: Number

    @cached_property
    def key(self) -> str:
        return repr(self.value) if isinstance(self.value, float) else str(self.value)


@dataclass(frozen=True, eq=False, repr=False)
class IndexValue(Expr):
    """An index expression used as a number."""

    index: Index


@dataclass(frozen=True, eq=False, repr=False)
class Read(Expr):
    """One element of a tensor, or a named scalar if there are no indices."""

    tensor: str
    indices: tuple[Index, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Add(Expr):
    """A sum, made by `add`."""

    terms: tuple[Expr, ...]

    @cached_property
    def key(self) -> str:
        return "Add(" + ",".join(sorted(t.key for t in self.terms)) + ")"


@dataclass(frozen=True, eq=False, repr=False)
class Mul(Expr):
    """A product, made by `mul`."""

    factors: tuple[Expr, ...]

    @cached_property
    def key(self) -> str:
        return "Mul(" + ",".join(sorted(f.key for f in self.factors)) + ")"


@dataclass(frozen=True, eq=False, repr=False)
class Power(Expr):
    """A power, made by `power`; a negative exponent divides."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, eq=False, repr=False)
class Call(Expr):
    """One of `FUNCTIONS`."""

    function: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Reduce(Expr):
    """A reduction over index letters; `argmax` gives the flattened position of the first maximum."""

    op: str
    letters: tuple[Bound, ...]
    body: Expr


@dataclass(frozen=True, eq=False, repr=False)
class Where(Expr):
    """One value where the condition holds, another elsewhere."""

    condition: Condition
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, eq=False, repr=False)
class Delta(Expr):
    """1 where two index expressions are equal, 0 elsewhere (Kronecker's delta).

    `covering` says that every value of `right` is taken by `left`, whose letters range over the whole axis.
    """

    left: Index
    right: Index
    covering: bool = False

    @cached_property
    def key(self) -> str:
        return f"Delta({self.left.key},{self.right.key})"


@dataclass(frozen=True, eq=False, repr=False)
class Derivative(Expr):
    """The partial derivative of `value` with respect to one element; appears only inside derivations."""

    value: Expr
    element: Read


@dataclass(frozen=True, eq=False, repr=False)
class Compare(Condition):
    """One of `COMPARISONS` between two values."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, eq=False, repr=False)
class Divides(Condition):
    """``divisor | index``: the division leaves no remainder."""

    divisor: Index
    index: Index


@dataclass(frozen=True, eq=False, repr=False)
class Within(Condition):
    """``0 <= index < extent``."""

    index: Index
    extent: Index


@dataclass(frozen=True, eq=False, repr=False)
class And(Condition):
    """All of the parts hold; made by `all_of`."""

    parts: tuple[Condition, ...]

    @cached_property
    def key(self) -> str:
        return "And(" + ",".join(sorted(p.key for p in self.parts)) + ")"


@dataclass(frozen=True, eq=False, repr=False)
class Or(Condition):
    """Any of the parts holds."""

    parts: tuple[Condition, ...]

    @cached_property
    def key(self) -> str:
        return "Or(" + ",".join(sorted(p.key for p in self.parts)) + ")"


@dataclass(frozen=True, eq=False, repr=False)
class Not(Condition):
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, eq=False)
class Equation:
    """``target = value``; `shift` marks a value on which the final result is declared not to depend."""

    target: Read
    value: Expr
    shift: bool = False

    @property
    def name(self) -> str:
        return self.target.tensor

    @property
    def key(self) -> str:
        return f"{'shift ' * self.shift}{self.target.key}={self.value.key}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equation) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        from pellucid.formula.text import equation_text

        return equation_text(self)


def expr(value: Expr | Number) -> Expr:
    return value if isinstance(value, Expr) else Num(value)


def is_singular(node: Node) -> bool:
    """Whether the node itself is a function that has no finite value or slope for some numbers."""
    if isinstance(node, Power):
        exponent = node.exponent
        return not (isinstance(exponent, Num) and isinstance(exponent.value, int) and exponent.value > 0)
    return isinstance(node, Call) and node.function in ("log", "sqrt")


def iverson(condition: Condition) -> Expr:
    """1 where the condition holds, 0 elsewhere."""
    return Where(condition, Num(1), Num(0))


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """The conditions that must all hold."""
    return condition.parts if isinstance(condition, And) else (condition,)


def negation(condition: Condition) -> Condition:
    """Where the condition does not hold; comparisons of values stay inside a `Not`, as a NaN fails both."""
    if isinstance(condition, Not):
        return condition.part
    if isinstance(condition, Compare) and not any(True for _ in reads(condition)):
        opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
        return Compare(opposite[condition.op], condition.left, condition.right)
    return Not(condition)


def all_of(conditions: Iterable[Condition]) -> Condition | None:
    """The conjunction, flat and without repetition; None if nothing is asked."""
    flat = (part for c in conditions for part in conjuncts(c))
    parts = tuple({part.key: part for part in flat}.values())
    return And(parts) if len(parts) > 1 else parts[0] if parts else None


def add(*terms: Expr) -> Expr:
    """The sum: nested sums flattened, equal terms collected, zeros dropped, index expressions joined."""
    collected: dict[str, tuple[Number, Expr]] = {}
    for term in terms:
        for part in term.terms if isinstance(term, Add) else (term,):
            coefficient, rest = split_coefficient(part)
            total, _ = collected.get(rest.key, (0, rest))
            collected[rest.key] = (_plain(total + coefficient), rest)
    parts = tuple(mul(Num(c), r) for c, r in _counted(collected) if c != 0)
    return Add(parts) if len(parts) > 1 else parts[0] if parts else Num(0)


def _counted(collected: Mapping[str, tuple[Number, Expr]]) -> list[tuple[Number, Expr]]:
    """The terms, with index expressions and a whole number beside them in one: ``2*i + j - 1``."""
    counts = [(c, r.index) for c, r in collected.values() if isinstance(r, IndexValue) and isinstance(c, int)]
    if not counts:
        return list(collected.values())
    index = Index.sum_of((m, c * factor) for c, i in counts for m, factor in i.terms)
    constant = next((c for m, c in index.terms if not m), 0)
    number = _plain(constant + collected.get(Num(1).key, (0, Num(1)))[0])
    index -= constant - (number if isinstance(number, int) else 0)
    merged: list[tuple[Number, Expr]] = []
    for coefficient, rest in collected.values():
        if isinstance(rest, IndexValue) and isinstance(coefficient, int):
            merged += [(1, count(index))] if index.terms else []
            index = Index(())
        elif rest != Num(1):
            merged.append((coefficient, rest))
        elif not isinstance(number, int):
            merged.append((number, rest))
    return merged


def count(index: Index) -> Expr:
    """An index expression as a value: a number, if there is no letter in it."""
    return IndexValue(index) if index.constant is None else Num(index.constant)


def split_coefficient(term: Expr) -> tuple[Number, Expr]:
    """``3*x`` as (3, x) and the index ``2*i - 4`` as (2, i - 2)."""
    if isinstance(term, Num):
        return term.value, Num(1)
    if isinstance(term, IndexValue):
        number, index = term.index.content
        return number, count(index)
    if isinstance(term, Mul) and isinstance(term.factors[0], Num):
        rest = term.factors[1:]
        return term.factors[0].value, rest[0] if len(rest) == 1 else Mul(rest)
    return 1, term


def _plain(value: Number) -> Number:
    """The value as an integer if it is one; an error if it is beyond all that a formula can need."""
    if isinstance(value, float):
        if not isfinite(value):
            raise FormulaError("a number in a formula is too large")
        return value
    if max(abs(value.numerator), value.denominator) >> LARGEST_BITS:
        raise FormulaError(f"a number in a formula has more than {LARGEST_BITS} bits")
    return value.numerator if value.denominator == 1 else value


def mul(*factors: Expr) -> Expr:
    """The product: nested products flattened, numbers multiplied and put first, equal bases collected."""
    coefficient: Number = 1
    counts = {1: Index.of(1), -1: Index.of(1)}
    bases: dict[str, tuple[Expr, int]] = {}
    for factor in factors:
        for part in factor.factors if isinstance(factor, Mul) else (factor,):
            base, exponent = whole_power(part)
            if isinstance(part, Num):
                coefficient = _plain(coefficient * part.value)
            elif isinstance(base, IndexValue) and abs(exponent) == 1:
                counts[exponent] = counts[exponent] * base.index
            else:
                # x * x**-1 is left alone: it is not 1 where x is 0
                key = f"{base.key}{'+' if exponent > 0 else '-'}"
                bases[key] = (base, bases.get(key, (base, 0))[1] + exponent)
    (above, over), (below, under) = counts[1].content, counts[-1].content
    over, under = _without_common_sizes(over, under)
    coefficient = _over(_plain(coefficient * above), below)
    if coefficient == 0:
        return Num(0)
    parts = [_raised(b, e) for b, e in bases.values()]
    if over.constant is None and not parts and under.constant is not None and isinstance(coefficient, int):
        return IndexValue(over * coefficient)
    parts = [_raised(IndexValue(i), e) for i, e in ((under, -1), (over, 1)) if i.constant is None] + parts
    if coefficient != 1 or not parts:
        parts.insert(0, Num(-1 if coefficient == -1 and parts else coefficient))
    return Mul(tuple(parts)) if len(parts) > 1 else parts[0]


def _without_common_sizes(over: Index, under: Index) -> tuple[Index, Index]:
    """A fraction with the sizes cancelled that stand above and below its line, as sizes are never 0."""
    for atom in under.atoms():
        size = Index.of(atom) if isinstance(atom, str) and atom[0].isupper() else None
        above, below = (size and part.divided(size) for part in (over, under))
        if above and below:
            over, under = above, below
    return over, under


def _is_whole(exponent: Expr) -> bool:
    return isinstance(exponent, Num) and isinstance(exponent.value, int)


def _over(value: Number, by: int) -> Number:
    if by == 0:
        raise FormulaError("a formula divides by an expression in sizes that is 0 here")
    return value / by if isinstance(value, float) else _plain(Fraction(value) / by)


def whole_power(part: Expr) -> tuple[Expr, int]:
    """``x^3`` as (x, 3), and anything else as (itself, 1)."""
    if isinstance(part, Power) and isinstance(part.exponent, Num) and isinstance(part.exponent.value, int):
        return part.base, part.exponent.value
    return part, 1


def _raised(base: Expr, exponent: int) -> Expr:
    return base if exponent == 1 else Power(base, Num(exponent))


def power(base: Expr, exponent: Expr) -> Expr:
    """``base ** exponent``, with whole powers of numbers worked out if they are not huge."""
    if not isinstance(exponent, Num) or not isinstance(exponent.value, int):
        return Power(base, exponent)
    whole = exponent.value
    if whole in (0, 1):
        return base if whole else Num(1)
    if isinstance(base, Num):
        return _number_power(base.value, whole)
    if isinstance(base, Mul):
        return mul(*(power(f, exponent) for f in base.factors))
    if isinstance(base, Power) and (whole == -1 or _is_whole(base.exponent)):
        return power(base.base, mul(exponent, base.exponent))
    if isinstance(base, IndexValue) and whole == -1:
        return mul(Power(base, exponent))
    return Power(base, exponent)


def _number_power(value: Number, whole: int) -> Expr:
    if value == 0 and whole < 0:
        raise FormulaError("division by the number 0")
    digits = (
        abs(whole) * max(abs(value.numerator), value.denominator).bit_length()
        if not isinstance(value, float)
        else 0
    )
    if abs(whole) > 64 or digits > LARGEST_BITS:
        return Power(Num(value), Num(whole))
    try:
        return Num(_plain(value**whole if isinstance(value, float) else Fraction(value) ** whole))
    except OverflowError:
        raise FormulaError("a number in a formula is too large") from None


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (v for v in value if isinstance(v, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def reads(node: Node) -> Iterator[Read]:
    """Every read of a tensor or named scalar."""
    return (n for n in walk(node) if isinstance(n, Read))


def bound_letters(node: Node) -> frozenset[str]:
    """Every letter that a reduction inside binds."""
    return frozenset(b.letter for n in walk(node) if isinstance(n, Reduce) for b in n.letters)


def indices_of(node: Node) -> Iterator[Index]:
    """The index expressions of this node itself."""
    if isinstance(node, Read):
        yield from node.indices
    elif isinstance(node, IndexValue):
        yield node.index
    elif isinstance(node, Divides):
        yield node.divisor
        yield node.index
    elif isinstance(node, Within):
        yield node.index
        yield node.extent
    elif isinstance(node, Delta):
        yield node.left
        yield node.right


def free_letters(node: Node) -> frozenset[str]:
    """The symbols of its indices that nothing inside binds: letters, constants and sizes alike."""
    found: set[str] = set()
    for index in indices_of(node):
        found |= index.symbols
    for child in children(node):
        found |= free_letters(child)
    if isinstance(node, Reduce):
        found -= {b.letter for b in node.letters}
        for b in node.letters:
            found |= b.extent.symbols if b.extent is not None else set()
    return frozenset(found)


def map_children(node: Node, image: Callable[[Node], Node]) -> Node:
    """The node with each child replaced by its image, put together by the smart constructors."""
    before = tuple(children(node))
    after = tuple(image(child) for child in before)
    if all(new is old for new, old in zip(after, before, strict=True)):
        return node
    if isinstance(node, Add):
        return add(*map(as_expr, after))
    if isinstance(node, Mul):
        return mul(*map(as_expr, after))
    if isinstance(node, Power):
        return power(*map(as_expr, after))
    if isinstance(node, And):
        return all_of(map(_condition, after)) or node
    images = iter(after)
    changes: dict[str, object] = {}
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            changes[name] = next(images)
        elif isinstance(value, tuple) and any(isinstance(v, Node) for v in value):
            changes[name] = tuple(next(images) for _ in value)
    return replace(node, **changes)


def as_expr(node: Node) -> Expr:
    """The node itself, which is a value and no condition."""
    if not isinstance(node, Expr):
        raise FormulaError(f"{node!r} is a condition where a value is needed")
    return node


def _condition(node: Node) -> Condition:
    if not isinstance(node, Condition):
        raise FormulaError(f"{node!r} is a value where a condition is needed")
    return node


def transform(node: Node, image: Callable[[Node], Node | None]) -> Node:
    """Rebuilds from the leaves up; `image` gives a replacement for a rebuilt node, or None to keep it."""
    rebuilt = map_children(node, lambda child: transform(child, image))
    changed = image(rebuilt)
    return rebuilt if changed is None else changed


def with_reads(value: Node, image: Callable[[Read], Expr]) -> Expr:
    """The value with each element that it reads replaced."""

    def visit(node: Node) -> Node:
        return image(node) if isinstance(node, Read) else map_children(node, visit)

    return as_expr(visit(value))


def substitute(node: Node, mapping: Mapping[str, Index]) -> Node:
    """Free index symbols replaced; bound letters that would capture one are primed first."""
    if not mapping:
        return node
    if isinstance(node, Reduce):
        return _substitute_reduce(node, mapping)
    node = _with_indices(node, mapping)
    return map_children(node, lambda child: substitute(child, mapping))


def _substitute_reduce(node: Reduce, mapping: Mapping[str, Index]) -> Reduce:
    inner = {k: v for k, v in mapping.items() if k not in {b.letter for b in node.letters}}
    inner = {k: v for k, v in inner.items() if k in free_letters(node)}
    arriving = frozenset().union(*(v.symbols for v in inner.values())) if inner else frozenset()
    taken = arriving | free_letters(node.body) | bound_letters(node.body)
    letters: list[Bound] = []
    for bound in node.letters:
        extent = bound.extent.replace(inner) if bound.extent is not None else None
        if bound.letter in arriving:
            fresh = prime(bound.letter, taken)
            taken |= {fresh}
            inner[bound.letter] = Index.of(fresh)
            letters.append(Bound(fresh, extent))
        else:
            letters.append(Bound(bound.letter, extent))
    body = substitute(node.body, inner)
    return Reduce(node.op, tuple(letters), as_expr(body))


def prime(letter: str, taken: Iterable[str]) -> str:
    """The letter with as many primes as it takes to be new."""
    taken = set(taken)
    while letter in taken:
        letter += "'"
    return letter


def _keeps_sizes(mapping: Mapping[str, Index], symbols: Iterable[str]) -> bool:
    """Whether each of the symbols stays or becomes a letter of the same extent."""
    return all(size_of(mapping[s].letter or "") == size_of(s) for s in symbols if s in mapping)


def _with_indices(node: Node, mapping: Mapping[str, Index]) -> Node:
    if isinstance(node, Read):
        return Read(node.tensor, tuple(i.replace(mapping) for i in node.indices))
    if isinstance(node, IndexValue):
        return count(node.index.replace(mapping))
    if isinstance(node, Divides):
        return Divides(node.divisor.replace(mapping), node.index.replace(mapping))
    if isinstance(node, Within):
        return Within(node.index.replace(mapping), node.extent.replace(mapping))
    if isinstance(node, Delta):
        covering = node.covering and _keeps_sizes(mapping, node.left.symbols | node.right.symbols)
        return Delta(node.left.replace(mapping), node.right.replace(mapping), covering)
    return node
