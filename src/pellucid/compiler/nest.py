"""Equations as loop nests: each index an affine expression of loop letters, quotients and remainders gone.

A nest computes one tensor: for each value of its `out` loops, a reduction of `body` over its `reduce` loops,
put into `finish` (where ``Read("@")`` stands for the reduction's result).  An equation with divisions becomes
several nests, one for each class of remainders, none of which divides anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from pellucid.errors import FormulaError
from pellucid.formula.bounds import Interval, always, direct_reads, facts, interval
from pellucid.formula.expression import (
    And,
    Call,
    Condition,
    Delta,
    Divides,
    Equation,
    Expr,
    IndexValue,
    Mul,
    Node,
    Not,
    Num,
    Or,
    Power,
    Read,
    Reduce,
    Where,
    Within,
    all_of,
    children,
    conjuncts,
    count,
    free_letters,
    indices_of,
    map_children,
    mul,
    negation,
    power,
    reads,
    substitute,
    walk,
)
from pellucid.formula.formula import target_letters
from pellucid.formula.index import Index, Quotient, Remainder, rebuilt
from pellucid.formula.ranges import Ranges

__all__ = ["BEST", "RESULT", "VALID", "Loop", "Nest", "Store", "cut", "lower", "mixed_radix"]

# Stands for the result of the reduction in a nest's `finish`.
RESULT = Read("@")
# Stands for the largest (smallest) value itself, beside its position, behind an argmax (argmin).
BEST = Read("@best")
# In the body of a maximum, ``where(condition, value, VALID)`` marks positions that may win.
VALID = Read("@padding")
# Functions of few instructions.
SHORT = ("relu", "abs", "sqrt", "maximum", "minimum")
# More classes of remainders than this are not unrolled.
MOST_CLASSES = 1024


@dataclass(frozen=True)
class Loop:
    """A letter that runs from 0 to extent - 1."""

    letter: str
    extent: int


@dataclass(frozen=True)
class Store:
    """A further value of each cell of a nest, worked out after those before it.

    Attributes:
        target: the element that it is, at the indices of the nest's own target.
        value: of it; what the nest's other targets hold at this cell is at hand in registers.
        kept: whether it is written to memory: a value that only this nest needs is not.
    """

    target: Read
    value: Expr
    kept: bool = True


@dataclass(frozen=True)
class Nest:
    """One loop nest; see the module's description.

    Attributes:
        target: the element that is written, at affine indices of the out loops.
        out: loops over the target's elements.
        reduce: loops of the reduction, empty for a map.
        op: "map", "sum", "max", "min", "argmax" or "argmin".
        body: what is reduced; for a map the value itself.
        finish: the value that is written, in terms of `RESULT`.
        accumulate: whether the value is added to what the target holds.
        over_tiles: whether it is added only to what earlier tiles left, so that the first tile sets it.
        kept: whether the target is written to memory.
        then: further values of the same cells.
        source: the equation that it comes from, for readers.
    """

    target: Read
    out: tuple[Loop, ...]
    reduce: tuple[Loop, ...]
    op: str
    body: Expr
    finish: Expr
    accumulate: bool = False
    over_tiles: bool = False
    kept: bool = True
    then: tuple[Store, ...] = ()
    source: Equation | None = field(default=None, compare=False)

    @property
    def loops(self) -> tuple[Loop, ...]:
        return self.out + self.reduce

    @property
    def targets(self) -> tuple[Read, ...]:
        """The elements that a cell gives, in order."""
        return (self.target, *(s.target for s in self.then))

    @property
    def written(self) -> tuple[Read, ...]:
        """Those of them that go to memory."""
        return (*((self.target,) if self.kept else ()), *(s.target for s in self.then if s.kept))

    @property
    def values(self) -> tuple[Expr, ...]:
        """What a cell works out: the body, what becomes of its reduction, and the further values."""
        return (self.body, self.finish, *(s.value for s in self.then))

    @property
    def long(self) -> bool:
        """Whether a cell takes so many instructions that writing it out several times gains nothing."""
        return any(isinstance(n, Call) and n.function not in SHORT for v in self.values for n in walk(v))

    @property
    def accesses(self) -> list[Read]:
        """What is read from memory or written to it, in the order in which a cell does it."""
        found: list[Read] = []
        known: set[str] = set()
        first = (self.target, (self.body, self.finish), self.kept)
        for target, values, kept in (first, *((s.target, (s.value,), s.kept) for s in self.then)):
            found += [r for v in values for r in reads(v) if r.tensor not in known]
            found += [target] if kept else []
            known.add(target.tensor)
        return [r for r in found if r not in (RESULT, BEST)]

    def rewritten(self, visit: Callable[[Node], Node], **changes: Any) -> Nest:
        """The nest with the image of each expression, and further changes."""

        def read(node: Read) -> Read:
            result = visit(node)
            assert isinstance(result, Read)
            return result

        then = tuple(replace(s, target=read(s.target), value=_expr(visit(s.value))) for s in self.then)
        target, body, finish = read(self.target), _expr(visit(self.body)), _expr(visit(self.finish))
        return replace(self, target=target, body=body, finish=finish, then=then, **changes)

    def __str__(self) -> str:
        lines = [f"{'    ' * depth}for {x.letter} < {x.extent}:" for depth, x in enumerate(self.out)]
        indent = "    " * len(self.out)
        value = self.body if self.op == "map" else self.finish
        if self.op != "map":
            letters = ", ".join(f"{x.letter} < {x.extent}" for x in self.reduce)
            lines.append(f"{indent}@ = {self.op} over {letters}: {self.body!r}")
        for number, store in enumerate((Store(self.target, value, self.kept), *self.then)):
            sign = "+=" if self.accumulate and number == 0 else "="
            note = "" if store.kept else "  (in a register)"
            lines.append(f"{indent}{store.target!r} {sign} {store.value!r}{note}")
        return "\n".join(lines)


def lower(equation: Equation, ranges: Ranges, *, accumulate: bool = False) -> list[Nest]:
    """The nests of one equation in numbers, in the order in which they run.

    Args:
        equation: in the numbers of `ranges` (see `pellucid.formula.specialise`).
        ranges: extents of its letters.
        accumulate: whether the target is added to, as gradients of parameters are over tiles of images.

    Raises:
        FormulaError: an index expression that has no affine form.
    """
    named = _Temporaries(equation, ranges)
    nests: list[Nest] = []
    for part, added in named.parts():
        nests += _split_remainders(
            _nest(part, ranges, accumulate=(accumulate and part.name == equation.name) or added)
        )
    return [replace(nest, source=equation) for nest in nests]


class _Temporaries:
    """An equation cut so that each part holds one reduction at most."""

    def __init__(self, equation: Equation, ranges: Ranges) -> None:
        self.equation, self.ranges = equation, ranges
        self.found: list[Equation] = []

    def parts(self) -> Iterator[tuple[Equation, bool]]:
        value = self.equation.value
        reductions = list(_outermost(value))
        keep = reductions[-1] if reductions else None

        def visit(node: Node, guards: tuple[Condition, ...] = ()) -> Node:
            if isinstance(node, Reduce):
                inner = Reduce(node.op, node.letters, _expr(visit(node.body)))
                return inner if node is keep else self.named(inner, guards)
            if isinstance(node, Where):
                condition = visit(node.condition, guards)
                assert isinstance(condition, Condition)
                held = tuple(c for c in conjuncts(node.condition) if not any(True for _ in reads(c)))
                then, otherwise = visit(node.then, guards + held), visit(node.otherwise, guards)
                return Where(condition, _expr(then), _expr(otherwise))
            return map_children(node, lambda child: visit(child, guards))

        value = _expr(visit(value))
        yield from ((e, False) for e in self.found)
        yield Equation(self.equation.target, value), False

    def named(self, node: Reduce, guards: tuple[Condition, ...]) -> Read:
        """The reduction as a tensor of its own.

        It is 0 where the conditions around it fail, if there the indices in it may be no whole numbers, or if
        what it makes of padding may be no number.
        """
        safe = not any(isinstance(n, Power | Call) for n in walk(node))
        condition = all_of(c for c in guards if not safe or isinstance(c, Divides))
        value = node if condition is None else Where(condition, node, Num(0))
        # in the order of the tensors around it, so that their neighbours are neighbours here too
        read = (s for r in reads(value) for i in r.indices for s in sorted(i.symbols))
        order = dict.fromkeys((*target_letters(self.equation), *read, *self.ranges.extents))
        letters = [s for s in order if s in free_letters(value)]
        name = f"{self.equation.name}:{len(self.found) + 1}"
        target = Read(name, tuple(Index.of(s) for s in letters))
        self.found.append(Equation(target, value))
        return target


def _outermost(node: Node) -> Iterator[Reduce]:
    if isinstance(node, Reduce):
        yield node
        return
    for child in children(node):
        yield from _outermost(child)


def _nest(equation: Equation, ranges: Ranges, *, accumulate: bool) -> Nest:
    out = tuple(Loop(s, ranges.extents[s]) for s in target_letters(equation))
    target = Read(equation.name, tuple(ranges.number(i) for i in equation.target.indices))
    found = list(_outermost(equation.value))
    if not found:
        return Nest(target, out, (), "map", equation.value, RESULT, accumulate)
    (node,) = found
    loops = tuple(Loop(b.letter, ranges.extent(b)) for b in node.letters)
    op, result = node.op, _expr(RESULT)
    if op == "mean":
        op, result = "sum", mul(power(Num(math.prod(x.extent for x in loops)), Num(-1)), RESULT)

    def visit(child: Node) -> Node:
        return result if child is node else map_children(child, visit)

    nest = Nest(target, out, loops, op, node.body, _expr(visit(equation.value)), accumulate)
    return nest if op == "sum" else _guarded(nest, ranges.shapes)


def _guarded(nest: Nest, shapes: Mapping[str, tuple[int, ...]]) -> Nest:
    """A maximum of which the positions that may win are marked, if some read falls into padding."""
    condition = _valid(nest, shapes)
    return nest if condition is None else replace(nest, body=Where(condition, nest.body, VALID))


def _split_remainders(nest: Nest) -> list[Nest]:
    """Letters under quotients and remainders written as ``q * quotient + remainder``."""
    nest = _digits(nest)
    moduli = _moduli(nest)
    if not moduli:
        return [_decided(nest)]
    if math.prod(moduli.values()) > MOST_CLASSES:
        raise FormulaError(f"{nest.target!r} has more than {MOST_CLASSES} classes of remainders by {moduli}")
    if any(x.letter in moduli for x in nest.reduce) and not _adds_up(nest):
        return [part for whole in _cut(nest, moduli) for part in _split_remainders(whole)]
    results: list[Nest] = []
    started: set[tuple[int, ...]] = set()
    outer = [x.letter for x in nest.out]
    for remainders in product(*(range(m) for m in moduli.values())):
        chosen = dict(zip(moduli, remainders, strict=True))
        variant = _decided(_with_remainders(nest, moduli, chosen))
        if any(x.extent < 1 for x in variant.out):
            continue
        group = tuple(chosen[s] for s in moduli if s in outer)
        empty = variant.body == Num(0) or any(x.extent < 1 for x in variant.reduce)
        if group in started:
            if empty:
                continue
            variant = replace(variant, accumulate=True)
        elif empty:
            if _later_class_adds(nest, moduli, chosen, outer):
                continue
            variant = replace(
                variant, op="map", reduce=(), body=_finished_with_nothing(variant), finish=RESULT
            )
        started.add(group)
        results.append(variant)
    return results


def _later_class_adds(nest: Nest, moduli: dict[str, int], chosen: dict[str, int], outer: list[str]) -> bool:
    """Whether another class of the summed letters has terms for the same class of the target's."""
    inner = [s for s in moduli if s not in outer]
    for remainders in product(*(range(moduli[s]) for s in inner)):
        other = {**chosen, **dict(zip(inner, remainders, strict=True))}
        variant = _decided(_with_remainders(nest, moduli, other))
        if variant.body != Num(0) and all(x.extent > 0 for x in variant.reduce):
            return True
    return False


def _finished_with_nothing(nest: Nest) -> Expr:
    return _put(nest.finish, Num(0))


def _adds_up(nest: Nest) -> bool:
    """Whether what several classes of the summed letters give may be written one after the other."""
    factors = nest.finish.factors if isinstance(nest.finish, Mul) else (nest.finish,)
    return nest.op == "sum" and RESULT in factors


def _cut(nest: Nest, moduli: dict[str, int]) -> list[Nest]:
    """A nest as several, none of which needs several classes of the letters that it reduces over.

    First the classes of the target's own letters.  In each of them a sum comes first and what is made of it
    afterwards; or the values of which one is the largest come first, those in padding as the worst there is.
    """
    own = {x.letter: moduli[x.letter] for x in nest.out if x.letter in moduli}
    if own:
        chosen = (dict(zip(own, r, strict=True)) for r in product(*(range(m) for m in own.values())))
        classes = (_decided(_with_remainders(nest, own, c)) for c in chosen)
        return [c for c in classes if all(x.extent > 0 for x in c.out)]
    loops = nest.out if nest.op == "sum" else nest.loops
    between = Read(f"{nest.target!r} before", tuple(Index.of(x.letter) for x in loops))
    first = replace(nest, target=between, finish=RESULT, accumulate=False)
    if nest.op == "sum":
        return [first, replace(nest, op="map", reduce=(), body=_put(nest.finish, between), finish=RESULT)]
    body, worst = nest.body, Num(-math.inf if nest.op.endswith("max") else math.inf)
    if isinstance(body, Where) and body.otherwise == VALID:
        body = replace(body, otherwise=worst)
    return [replace(first, op="map", out=loops, reduce=(), body=body), replace(nest, body=between)]


def _valid(nest: Nest, shapes: Mapping[str, tuple[int, ...]]) -> Condition | None:
    """Where no read that matters falls into padding; None if none ever does."""
    ranges = {x.letter: (0, x.extent - 1) for x in nest.loops}
    conditions: list[Condition] = []
    for read, guards in direct_reads(nest.body):
        known = tuple(f for g in guards for f in facts(g))
        outside: list[Condition] = []
        for index, size in zip(read.indices, shapes.get(read.tensor, ()), strict=False):
            low, high = interval(index, ranges, known)
            if low < 0 or high >= size:
                outside.append(Within(index, Index.of(size)))
        inside = all_of(outside)
        if inside is not None:
            conditions.append(Or((*(negation(g) for g in guards), inside)) if guards else inside)
    return all_of(conditions)


def _put(finish: Expr, value: Expr) -> Expr:
    def visit(node: Node) -> Node:
        return value if node == RESULT else map_children(node, visit)

    return _expr(visit(finish))


def _digits(nest: Nest) -> Nest:
    """``d // q`` and ``d % q`` of a whole loop over d become two loops, if q divides its extent."""
    while True:
        found = next((d for d in _composites(nest) if _is_digit(d, nest)), None)
        if found is None:
            return nest
        letter, step = found.numerator.letter or "", found.divisor.constant or 1
        extent = next(x.extent for x in nest.loops if x.letter == letter)
        taken = {x.letter for x in nest.loops}
        high, low = _fresh(f"{letter}_high", taken), _fresh(f"{letter}_low", taken)
        nest = _replaced(
            nest, letter, Index.of(high) * step + low, (Loop(high, extent // step), Loop(low, step))
        )


def _is_digit(atom: Quotient | Remainder, nest: Nest) -> bool:
    letter, step = atom.numerator.letter, atom.divisor.constant
    loop = next((x for x in nest.loops if x.letter == letter), None)
    return (
        loop is not None
        and step is not None
        and loop.extent % step == 0
        and not getattr(atom, "exact", False)
    )


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    return name


def _replaced(nest: Nest, letter: str, value: Index, loops: tuple[Loop, ...]) -> Nest:
    """The loop over a letter replaced by others, from which the letter follows."""
    return _simplified(cut(nest, letter, value, loops))


def mixed_radix(index: Index, extents: Mapping[str, int]) -> list[str] | None:
    """The letters of a row-major index, outermost first."""
    found: list[str] = []
    stride = 1
    for monomial, coefficient in sorted(index.terms, key=lambda t: t[1]):
        if len(monomial) != 1 or not isinstance(monomial[0], str) or coefficient != stride:
            return None
        found.insert(0, monomial[0])
        stride *= extents[monomial[0]]
    return found


def cut(nest: Nest, letter: str, value: Index, loops: tuple[Loop, ...]) -> Nest:
    """The loop over a letter replaced by others, from which the letter follows."""
    mapping = {letter: value}

    def spread(old: tuple[Loop, ...]) -> tuple[Loop, ...]:
        return tuple(n for x in old for n in (loops if x.letter == letter else (x,)))

    return nest.rewritten(
        lambda n: substitute(n, mapping), out=spread(nest.out), reduce=spread(nest.reduce)
    )


def _simplified(nest: Nest) -> Nest:
    """Quotients and remainders of visible multiples worked out, as far as the letters' ranges allow."""
    ranges = {x.letter: (0, x.extent - 1) for x in nest.loops}

    def index(value: Index) -> Index:
        return value.map_atoms(
            lambda a: Index.of(a) if isinstance(a, str) else _digit_value(a, ranges, index)
        )

    def visit(node: Node) -> Node:
        if isinstance(node, Read):
            return Read(node.tensor, tuple(index(i) for i in node.indices))
        if isinstance(node, IndexValue):
            return count(index(node.index))
        if isinstance(node, Within):
            return Within(index(node.index), index(node.extent))
        if isinstance(node, Divides):
            return Divides(node.divisor, index(node.index))
        if isinstance(node, Delta):
            return Delta(index(node.left), index(node.right), node.covering)
        return map_children(node, visit)

    return nest.rewritten(visit)


def _digit_value(
    atom: Quotient | Remainder, ranges: Mapping[str, Interval], simplified: Callable[[Index], Index]
) -> Index:
    """A quotient or remainder over a simplified numerator; its value where that never changes digit."""
    result = rest = rebuilt(atom, simplified(atom.numerator), atom.divisor)
    for monomial, coefficient in rest.terms:
        left = monomial[0] if len(monomial) == 1 else ""
        if isinstance(left, str) or (isinstance(left, Quotient) and left.exact):
            continue
        low, high = interval(left.numerator, ranges)
        by = left.divisor.constant or 1
        if low // by == high // by:
            whole = Index.of(low // by)
            value = whole if isinstance(left, Quotient) else left.numerator - whole * by
            result = result - Index(((monomial, coefficient),)) + value * coefficient
    return result


def _composites(nest: Nest) -> Iterator[Quotient | Remainder]:
    """Every quotient and remainder, inner ones first."""
    for root in (nest.target, nest.body, nest.finish):
        for node in walk(root):
            for index in indices_of(node):
                yield from _inside(index)


def _inside(index: Index) -> Iterator[Quotient | Remainder]:
    for atom in index.atoms():
        if not isinstance(atom, str):
            yield from _inside(atom.numerator)
            yield atom


def _moduli(nest: Nest) -> dict[str, int]:
    """For each letter under a division, the modulus of which its remainder must be known."""
    letters = {x.letter for x in nest.loops}
    moduli: dict[str, int] = {}
    divisions = [(a.numerator, a.divisor) for a in _composites(nest)]
    divisions += [
        (n.index, n.divisor)
        for root in (nest.body, nest.finish)
        for n in walk(root)
        if isinstance(n, Divides)
    ]
    for numerator, divisor in divisions:
        by = divisor.constant
        if by is None:
            raise FormulaError(f"{nest.target!r}: the divisor {divisor} is not a number")
        for letter, own in _needed(numerator, by):
            if letter in letters:
                moduli[letter] = math.lcm(moduli.get(letter, 1), own)
    return moduli


def _needed(index: Index, by: int) -> Iterator[tuple[str, int]]:
    """Letters, and by what their remainders must be known for that of the index by a number to be known."""
    for monomial, coefficient in index.terms:
        if coefficient % by == 0:
            continue
        own = by // math.gcd(by, coefficient)
        for atom in monomial:
            if isinstance(atom, str):
                yield atom, own
            else:
                step = atom.divisor.constant or 1
                yield from _needed(atom.numerator, step * own if isinstance(atom, Quotient) else step)


def _with_remainders(nest: Nest, moduli: dict[str, int], chosen: dict[str, int]) -> Nest:
    for letter, modulus in moduli.items():
        extent = next(x.extent for x in nest.loops if x.letter == letter)
        fresh = _fresh(letter, {x.letter for x in nest.loops})
        size = -(-(extent - chosen[letter]) // modulus)
        nest = _replaced(nest, letter, Index.of(fresh) * modulus + chosen[letter], (Loop(fresh, size),))
    return nest


def _settled(condition: Condition, ranges: Mapping[str, Interval]) -> Condition | bool:
    """The condition without those of its parts that have one value over all loops."""
    value = always(condition, ranges)
    if value is not None:
        return value
    if isinstance(condition, Not):
        inner = _settled(condition.part, ranges)
        return not inner if isinstance(inner, bool) else Not(inner)
    if not isinstance(condition, And | Or):
        return condition
    decisive = isinstance(condition, Or)
    parts = [_settled(p, ranges) for p in condition.parts]
    if decisive in parts:
        return decisive
    left = tuple(p for p in parts if not isinstance(p, bool))
    if len(left) < 2:
        return left[0] if left else not decisive
    return And(left) if isinstance(condition, And) else Or(left)


def _decided(nest: Nest) -> Nest:
    """Conditions with one value over all loops dropped, or the term with them."""
    ranges = {x.letter: (0, max(x.extent - 1, 0)) for x in nest.loops}

    def visit(node: Node) -> Node:
        node = map_children(node, visit)
        if not isinstance(node, Where):
            return node
        condition = _settled(node.condition, ranges)
        if isinstance(condition, bool):
            return node.then if condition else node.otherwise
        return Where(condition, node.then, node.otherwise)

    body, finish = _expr(visit(nest.body)), _expr(visit(nest.finish))
    if nest.op != "map" and RESULT not in walk(finish):
        return replace(nest, op="map", reduce=(), body=finish, finish=RESULT)
    return replace(nest, body=body, finish=finish)


def _expr(node: Node) -> Expr:
    assert isinstance(node, Expr)
    return node
