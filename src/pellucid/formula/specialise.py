"""A formula with numbers in it: sizes and constants put in, conditions that always hold dropped.

>>> from pellucid.formula.formula import Formula
>>> from pellucid.formula.ranges import solve
>>> f = Formula.parse("y[h] = x[h//s]", constants={"s": 2, "H": 8})
>>> print(specialised(f, solve(f, {"x": (4,)})))
y[h] = x[h//2]
"""

from __future__ import annotations

from dataclasses import replace

from pellucid.errors import FormulaError
from pellucid.formula.algebra import collected, outside
from pellucid.formula.bounds import Fact, Interval, always, facts, interval
from pellucid.formula.expression import (
    And,
    Bound,
    Compare,
    Condition,
    Delta,
    Divides,
    Equation,
    Expr,
    IndexValue,
    Node,
    Num,
    Read,
    Reduce,
    Where,
    Within,
    all_of,
    as_expr,
    count,
    indices_of,
    map_children,
    substitute,
    walk,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Atom, Index, Quotient, floor_quotient, rebuilt, remainder
from pellucid.formula.ranges import Ranges
from pellucid.formula.rules import RULES, Step

__all__ = ["specialise", "specialised"]


def specialised(formula: Formula, ranges: Ranges) -> Formula:
    """The formula in the numbers of `ranges`; see `specialise`."""
    return specialise(formula, ranges)[0]


def specialise(formula: Formula, ranges: Ranges) -> tuple[Formula, dict[str, tuple[Step, ...]]]:
    """The formula in the numbers of `ranges`, and the steps that led there, by the name of each target.

    Indices hold numbers in place of sizes and constants; conditions that always hold are gone; a sum over a
    window index of which exactly one value leaves no remainder becomes that one term.
    """
    equations: list[Equation] = []
    steps: dict[str, tuple[Step, ...]] = {}
    for equation in formula.equations:
        numbers = _Numbers(ranges)
        first = replace(equation, value=numbers.value(equation))
        second = replace(first, value=numbers.without_remainders(first))
        taken = [("numbers", equation, first), ("residue", first, second)]
        steps[equation.name] = tuple(Step(RULES[r], a, b) for r, a, b in taken if a != b)
        equations.append(second)
    return replace(formula, equations=tuple(equations)), steps


class _Numbers:
    def __init__(self, ranges: Ranges) -> None:
        self.ranges = ranges
        self.intervals: dict[str, Interval] = ranges.intervals()

    def value(self, equation: Equation) -> Expr:
        # letters hide the sizes of the same name, as every size is a number from here on
        for letter in target_letters(equation):
            self.bind(Bound(letter))
        result = self.node(equation.value, ())
        return collected(outside(as_expr(result)))

    def bind(self, bound: Bound) -> None:
        self.intervals[bound.letter] = (0, self.ranges.extent(bound) - 1)

    def node(self, node: Node, known: tuple[Fact, ...]) -> Node:
        match node:
            case Read(tensor, indices):
                return Read(tensor, tuple(self.index(i, known) for i in indices))
            case IndexValue(index):
                return count(self.index(index, known))
            case Delta(left, right, covering):
                return Delta(self.index(left, known), self.index(right, known), covering)
            case Reduce():
                return self.reduce(node, known)
            case Where():
                return self.where(node, known)
            case Within() | Divides():
                return self.condition(node, known)
        return map_children(node, lambda child: self.node(child, known))

    def reduce(self, node: Reduce, known: tuple[Fact, ...]) -> Expr:
        letters: list[Bound] = []
        for bound in node.letters:
            self.bind(bound)
            letters.append(Bound(bound.letter, self.ranges.number(bound.size)))
        body = as_expr(self.node(node.body, known))
        if node.op == "sum":
            single = {b.letter: Index.of(0) for b in letters if b.extent == Index.of(1)}
            if single:
                body = as_expr(self.node(substitute(body, single), known))
                letters = [b for b in letters if b.letter not in single]
            if body == Num(0) or not letters:
                return body
        return Reduce(node.op, tuple(letters), body)

    def where(self, node: Where, known: tuple[Fact, ...]) -> Expr:
        parts = node.condition.parts if isinstance(node.condition, And) else (node.condition,)
        left: list[Condition] = []
        for part in parts:
            part = self.condition(part, known)
            decided = always(part, self.intervals, known)
            if decided is False:
                return as_expr(self.node(node.otherwise, known))
            if decided is None:
                left.append(part)
        condition = all_of(left)
        if condition is None:
            return as_expr(self.node(node.then, known))
        then = as_expr(self.node(node.then, known + facts(condition)))
        otherwise = as_expr(self.node(node.otherwise, known + facts(condition, holds=False)))
        return then if then == otherwise else Where(condition, then, otherwise)

    def condition(self, node: Condition, known: tuple[Fact, ...]) -> Condition:
        match node:
            case Within(index, extent):
                return Within(self.index(index, known), self.index(extent, known))
            case Divides(divisor, index):
                return Divides(self.index(divisor, known), self.index(index, known))
        result = map_children(node, lambda child: self.node(child, known))
        assert isinstance(result, Condition)
        return result

    def index(self, index: Index, known: tuple[Fact, ...]) -> Index:
        """In numbers, with quotients and remainders that have one value worked out."""

        def image(atom: Atom) -> Index:
            if isinstance(atom, str):
                return Index.of(atom)
            numerator = atom.numerator.map_atoms(image)
            return self.decided(rebuilt(atom, numerator, atom.divisor), known)

        return self.ranges.number(index).map_atoms(image)

    def decided(self, index: Index, known: tuple[Fact, ...]) -> Index:
        single = index.terms[0][0][0] if len(index.terms) == 1 and len(index.terms[0][0]) == 1 else None
        if single is None or isinstance(single, str):
            return index
        if isinstance(single, Quotient) and single.exact:
            return index
        try:
            low, high = interval(single.numerator, self.intervals, known)
        except FormulaError:
            return index
        by = single.divisor.constant or 1
        if low // by != high // by:
            return index
        whole = Index.of(low // by)
        return (whole if isinstance(single, Quotient) else single.numerator - whole * by) * index.terms[0][1]

    def without_remainders(self, equation: Equation) -> Expr:
        """``sum[u < s : s | e - u] f(u, (e - u)/s)`` is ``f(e % s, e // s)``."""

        def visit(node: Node) -> Node:
            node = map_children(node, visit)
            while isinstance(node, Reduce) and node.op == "sum":
                solved = next((r for b in node.letters if (r := _residue(node, b)) is not None), None)
                if solved is None:
                    return node
                node = solved
            return node

        result = visit(equation.value)
        again = _Numbers(self.ranges)
        return again.value(replace(equation, value=as_expr(result)))


def _residue(node: Reduce, bound: Bound) -> Expr | None:
    """The one term of a sum over a window index with a divisibility condition, if it is of that kind."""
    extent = bound.extent.constant if bound.extent is not None else None
    body, letter = node.body, bound.letter
    if extent is None or not isinstance(body, Where) or body.otherwise != Num(0):
        return None
    parts = body.condition.parts if isinstance(body.condition, And) else (body.condition,)
    found = [p for p in parts if isinstance(p, Divides) and letter in p.index.symbols]
    if len(found) != 1 or (step := found[0].divisor.constant) is None or extent > step:
        return None
    place = found[0].index + letter
    if letter in place.symbols or _read_at(body.then, letter):
        return None
    divisor = Index.of(step)
    rest = remainder(place, divisor)
    image = _Replacement(letter, place, divisor, rest)
    conditions = [image.condition(p) for p in parts if p is not found[0]]
    if extent < step:
        conditions.append(Within(rest, Index.of(extent)))
    then = as_expr(image.node(body.then))
    condition = all_of(conditions)
    inner = then if condition is None else Where(condition, then, Num(0))
    others = tuple(b for b in node.letters if b is not bound)
    return Reduce("sum", others, inner) if others else inner


def _read_at(node: Node, letter: str) -> bool:
    """Whether a tensor is read at the letter itself, outside an exact quotient."""
    return any(
        letter in i.symbols
        and not all(isinstance(a, Quotient) and a.exact for a in i.atoms() if _holds(a, letter))
        for n in walk(node)
        if isinstance(n, Read)
        for i in indices_of(n)
    )


def _holds(atom: Atom, letter: str) -> bool:
    return (
        atom == letter if isinstance(atom, str) else letter in atom.numerator.symbols | atom.divisor.symbols
    )


class _Replacement:
    """A window index put in as ``e % s``, so that ``(e - u)/s`` is ``e // s``."""

    def __init__(self, letter: str, place: Index, divisor: Index, rest: Index) -> None:
        self.letter, self.place, self.divisor, self.rest = letter, place, divisor, rest

    def index(self, index: Index) -> Index:
        return index.map_atoms(self.atom) if self.letter in index.symbols else index

    def atom(self, atom: Atom) -> Index:
        if isinstance(atom, str):
            return self.rest if atom == self.letter else Index.of(atom)
        if isinstance(atom, Quotient) and atom.exact and atom.divisor == self.divisor:
            extra = atom.numerator - self.place + self.letter
            whole = extra.divided(self.divisor) if extra.terms else Index(())
            if whole is not None:
                return floor_quotient(self.place, self.divisor) + whole
        return rebuilt(atom, self.index(atom.numerator), atom.divisor)

    def condition(self, node: Condition) -> Condition:
        result = self.node(node)
        assert isinstance(result, Condition)
        return result

    def node(self, node: Node) -> Node:
        match node:
            case Read(tensor, indices):
                return Read(tensor, tuple(self.index(i) for i in indices))
            case IndexValue(index):
                return count(self.index(index))
            case Within(index, extent):
                return Within(self.index(index), extent)
            case Divides(divisor, index):
                return Divides(divisor, self.index(index))
            case Compare(op, left, right):
                return Compare(op, as_expr(self.node(left)), as_expr(self.node(right)))
        return map_children(node, self.node)
