"""Nests that share their cells made one, so that values stay in registers instead of passing through memory.

Three things are done, each by the equations alone:

* a value that is known under another name (``relu(x)`` where ``y = relu(x)``, or whether x is positive) is
  read from there;
* a map over the same cells as the nest that computes what it reads joins that nest;
* the position of a maximum and the maximum itself are found together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pellucid.compiler.digits import mixed_radix
from pellucid.compiler.nest import BEST, RESULT, Loop, Nest, Store
from pellucid.formula.bounds import interval
from pellucid.formula.expression import (
    Call,
    Compare,
    Node,
    Num,
    Read,
    map_children,
    reads,
    substitute,
    with_reads,
)
from pellucid.formula.index import Index

__all__ = ["fused"]


def fused(nests: Sequence[Nest], keep: frozenset[str]) -> list[Nest]:
    """The nests of a pass, joined where that saves passes over memory.

    Args:
        nests: in the order in which they run.
        keep: tensors that must be written whether or not a nest reads them.
    """
    current = _joined(_reusing(list(nests)))
    kept = [_kept(n, current, keep) for n in current]
    return [n for n in kept if n.written]


# a value that is known under another name


def _reusing(nests: list[Nest]) -> list[Nest]:
    """Functions of stored values that are stored too, read instead of worked out again."""
    known: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
    result: list[Nest] = []
    writers = _writers(nests)
    for nest in nests:
        ranges = nest.spans

        def visit(node: Node, ranges: dict[str, tuple[int, int]] = ranges) -> Node:
            node = map_children(node, visit)
            if isinstance(node, Call) and len(node.arguments) == 1:
                found = _stored(node.function, node.arguments[0], known, ranges)
                return node if found is None else found
            if isinstance(node, Compare) and node.op == ">" and node.right == Num(0):
                # relu(x) is positive just where x is
                found = _stored("relu", node.left, known, ranges)
                return node if found is None else Compare(">", found, node.right)
            return node

        nest = nest.rewritten(visit)
        result.append(nest)
        body, letters = nest.body, [i.letter for i in nest.target.indices]
        if nest.op == "map" and isinstance(body, Call) and len(body.arguments) == 1 and not nest.accumulate:
            (inner,) = body.arguments
            if (
                isinstance(inner, Read)
                and [i.letter for i in inner.indices] == letters
                and None not in letters
                and writers[nest.target.tensor] == 1
            ):
                size = {x.letter: x.extent for x in nest.out}
                known[body.function, inner.tensor] = nest.target.tensor, tuple(size[s or ""] for s in letters)
    return result


def _stored(
    function: str,
    argument: Node,
    known: dict[tuple[str, str], tuple[str, tuple[int, ...]]],
    ranges: dict[str, tuple[int, int]],
) -> Read | None:
    if not isinstance(argument, Read) or (function, argument.tensor) not in known:
        return None
    name, extents = known[function, argument.tensor]
    spans = [interval(i, ranges) for i in argument.indices]
    inside = all(low >= 0 and high < n for (low, high), n in zip(spans, extents, strict=True))
    return Read(name, argument.indices) if inside else None


# nests over the same cells


def _joined(nests: list[Nest]) -> list[Nest]:
    position = 1
    while position < len(nests):
        joined = next(
            (
                (before, both)
                for before in range(position - 1, -1, -1)
                if (both := _both(nests, before, position)) is not None
            ),
            None,
        )
        if joined is None:
            position += 1
            continue
        before, both = joined
        nests = [*nests[:before], both, *nests[before + 1 : position], *nests[position + 1 :]]
    return nests


def _both(nests: Sequence[Nest], before: int, after: int) -> Nest | None:
    """One nest that does the work of two, at the place of the earlier one; None if that is not the same."""
    first, second = nests[before], nests[after]
    if first.accumulate or second.accumulate or second.then:
        return None
    writers = _writers(nests)
    if any(writers[r.tensor] > 1 for r in (*first.targets, *second.targets)):
        return None
    mine = {r.tensor for r in first.targets}
    others = {r.tensor for v in second.values for r in reads(v)} - mine
    late = {r.tensor for n in nests[before:after] for r in n.targets}
    if others & late or _read_between(nests[before + 1 : after], second):
        return None
    return _twins(first, second) or _follower(first, second)


def _read_between(nests: Sequence[Nest], second: Nest) -> bool:
    """Whether a nest that would then run later reads what the second one is to overwrite."""
    targets = {r.tensor for r in second.targets}
    return any(r.tensor in targets for n in nests for v in n.values for r in reads(v))


def _twins(first: Nest, second: Nest) -> Nest | None:
    """The position of an extreme value, and that value."""
    if first.op != f"arg{second.op}" or (first.out, first.reduce, first.body) != (
        second.out, second.reduce, second.body,
    ):  # fmt: skip
        return None
    value = with_reads(second.finish, lambda read: BEST if read == RESULT else read)
    return replace(first, then=(*first.then, Store(second.target, value)))


def _follower(first: Nest, second: Nest) -> Nest | None:
    """A map that reads what the first nest computes, each cell at that cell only."""
    if second.op != "map" or (first.op != "map" and second.long):
        return None
    if (first.images is None) != (second.images is None):
        return None
    mine = {r.tensor: r for r in first.targets}
    seen = [r for r in reads(second.body) if r.tensor in mine]
    if not seen:
        return None
    second = _renamed(second, first, seen[0], mine[seen[0].tensor]) or second
    if set(second.out) != set(first.out):  # the same letters, and as far
        return None
    if any(r != mine[r.tensor] for r in reads(second.body) if r.tensor in mine):
        return None
    overwritten = [r for v in first.values for r in reads(v) if r.tensor == second.target.tensor]
    if any(r != second.target for r in overwritten):
        return None
    return replace(first, then=(*first.then, Store(second.target, second.body)))


def _renamed(nest: Nest, first: Nest, read: Read, written: Read) -> Nest | None:
    """The nest in the letters in which another writes what it reads, cut into digits where that one's are."""
    extents = {x.letter: x.extent for x in first.out}
    mine = {x.letter: x.extent for x in nest.out}
    spare = {x.letter: f"{x.letter}~" for x in nest.out}
    nest = replace(
        nest.rewritten(lambda n: substitute(n, {old: Index.of(new) for old, new in spare.items()})),
        out=tuple(Loop(spare[x.letter], x.extent) for x in nest.out),
    )
    for index, target in zip(read.indices, written.indices, strict=True):
        letter, digits = index.letter, mixed_radix(target, extents)
        if letter is None or digits is None or mine[letter] != math.prod(extents[s] for s in digits):
            return None
        if spare[letter] not in {x.letter for x in nest.out}:
            return None
        nest = nest.cut(spare[letter], target, tuple(Loop(s, extents[s]) for s in digits))
    return nest


def _writers(nests: Sequence[Nest]) -> dict[str, int]:
    found: dict[str, int] = {}
    for nest in nests:
        for target in nest.targets:
            found[target.tensor] = found.get(target.tensor, 0) + 1
    return found


# what need not be written


def _kept(nest: Nest, nests: Sequence[Nest], keep: frozenset[str]) -> Nest:
    """Values that no other nest reads stay in registers."""
    elsewhere = {r.tensor for n in nests if n is not nest for v in n.values for r in reads(v)}

    def wanted(target: Read) -> bool:
        return target.tensor in keep or target.tensor in elsewhere

    then = [replace(s, kept=wanted(s.target)) for s in nest.then]
    return replace(nest, kept=wanted(nest.target), then=tuple(then))
