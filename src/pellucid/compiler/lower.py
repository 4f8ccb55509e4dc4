"""Equations as loop nests: one for each reduction in an equation, and one for each class of remainders.

An equation whose value holds several reductions is cut first, so that each part holds one at most.  Letters
under divisions are then written as multiples and rest, until no index divides anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from pellucid.compiler.conditions import guarded
from pellucid.compiler.nest import RESULT, Loop, Nest
from pellucid.compiler.remainders import without_divisions
from pellucid.formula.expression import (
    Call,
    Condition,
    Divides,
    Equation,
    Node,
    Num,
    Power,
    Read,
    Reduce,
    Where,
    all_of,
    as_expr,
    children,
    conjuncts,
    free_letters,
    map_children,
    mul,
    power,
    reads,
    walk,
)
from pellucid.formula.formula import target_letters
from pellucid.formula.index import Index
from pellucid.formula.ranges import Ranges

__all__ = ["lower"]


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
        nests += without_divisions(
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
                inner = Reduce(node.op, node.letters, as_expr(visit(node.body)))
                return inner if node is keep else self.named(inner, guards)
            if isinstance(node, Where):
                condition = visit(node.condition, guards)
                assert isinstance(condition, Condition)
                held = tuple(c for c in conjuncts(node.condition) if not any(True for _ in reads(c)))
                then, otherwise = visit(node.then, guards + held), visit(node.otherwise, guards)
                return Where(condition, as_expr(then), as_expr(otherwise))
            return map_children(node, lambda child: visit(child, guards))

        value = as_expr(visit(value))
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
    op, result = node.op, as_expr(RESULT)
    if op == "mean":
        op, result = "sum", mul(power(Num(math.prod(x.extent for x in loops)), Num(-1)), RESULT)

    def visit(child: Node) -> Node:
        return result if child is node else map_children(child, visit)

    nest = Nest(target, out, loops, op, node.body, as_expr(visit(equation.value)), accumulate)
    return nest if op == "sum" else guarded(nest, ranges.shapes)
