"""Conditions in nests: those that always or never hold taken out, those added that padding asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pellucid.compiler.nest import RESULT, VALID, Nest
from pellucid.formula.bounds import Interval, always, direct_reads, facts, interval, wholes
from pellucid.formula.expression import (
    And,
    Call,
    Condition,
    Divides,
    Mul,
    Node,
    Not,
    Num,
    Or,
    Power,
    Read,
    Where,
    Within,
    all_of,
    as_expr,
    map_children,
    negation,
    walk,
)
from pellucid.formula.index import Index

__all__ = ["decided", "guarded", "implied"]


def implied(nest: Nest, shapes: Mapping[str, tuple[int, ...]]) -> Nest:
    """Conditions of a sum's term dropped where a factor reads zeros outside them anyway."""
    body = nest.body
    if nest.op != "sum" or not isinstance(body, Where) or body.otherwise != Num(0):
        return nest
    if any(isinstance(n, Power | Call) for n in walk(body.then)):
        return nest  # 0 times what these make of a zero may be NaN
    factors = body.then.factors if isinstance(body.then, Mul) else (body.then,)
    found = [f for f in factors if isinstance(f, Read)]
    parts = body.condition.parts if isinstance(body.condition, And) else (body.condition,)
    left = [p for p in parts if not any(_reads_zero(f, p, shapes) for f in found)]
    condition = all_of(left)
    return replace(nest, body=body.then if condition is None else Where(condition, body.then, Num(0)))


def _reads_zero(read: Read, condition: Condition, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    return isinstance(condition, Within) and any(
        i == condition.index and condition.extent == Index.of(n)
        for i, n in zip(read.indices, shapes.get(read.tensor, ()), strict=False)
    )


def guarded(nest: Nest, shapes: Mapping[str, tuple[int, ...]]) -> Nest:
    """A maximum of which the positions that may win are marked, if some read falls into padding."""
    condition = _valid(nest, shapes)
    return nest if condition is None else replace(nest, body=Where(condition, nest.body, VALID))


def _valid(nest: Nest, shapes: Mapping[str, tuple[int, ...]]) -> Condition | None:
    """Where no read that matters falls into padding; None if none ever does."""
    ranges = nest.spans
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


def decided(nest: Nest) -> Nest:
    """Conditions with one value over all loops dropped, or the term with them."""
    ranges = nest.spans

    def visit(node: Node) -> Node:
        node = map_children(node, visit)
        if not isinstance(node, Where):
            return node
        condition = _settled(node.condition, ranges)
        if isinstance(condition, bool):
            return node.then if condition else node.otherwise
        return Where(condition, node.then, node.otherwise)

    body, finish = as_expr(visit(nest.body)), as_expr(visit(nest.finish))
    if nest.op != "map" and RESULT not in walk(finish):
        return replace(nest, op="map", reduce=(), body=finish, finish=RESULT)
    return replace(nest, body=body, finish=finish)


def _settled(condition: Condition, ranges: Mapping[str, Interval]) -> Condition | bool:
    """The condition without those of its parts that have one value over all loops."""
    value = always(condition, ranges)
    if value is not None:
        return value
    if isinstance(condition, Divides) and any(always(w, ranges) is False for w in wholes(condition.index)):
        return False  # nothing divides a fraction
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
