"""Long functions that a nest would work out again and again, worked out once and stored.

In ``y[n,c,i] = sum[r] exp(e[n,i,r])*x[n,c,r]`` the exponential does not depend on c: as a tensor of its own
it is found once for all c, and what is left is a contraction.  What several nests need is stored once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pellucid.compiler.nest import BEST, RESULT, SHORT, Loop, Nest
from pellucid.formula.expression import (
    Call,
    Expr,
    Node,
    Num,
    Power,
    Read,
    Where,
    children,
    free_letters,
    indices_of,
    map_children,
    prime,
    reads,
    substitute,
    walk,
)
from pellucid.formula.index import Index

__all__ = ["hoisted"]

# A value that is stored and read must be worked out so often otherwise.
WORTH = 4


def hoisted(
    nests: Sequence[Nest], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[list[Nest], dict[str, tuple[int, ...]]]:
    """The nests of a pass with long functions stored where that is worth it, and all tensors' shapes.

    Args:
        nests: in the order in which they run.
        shapes: of the tensors so far.
    """
    current, known = list(nests), dict(shapes)
    position = 0
    while position < len(current):
        found = next(_repeated(current[position]), None)
        if found is None:
            position += 1
            continue
        value = _Value.of(found, current[position])
        name = prime(f"{current[position].target.tensor}:held", known)
        known[name] = value.extents
        current = _storing(current, position, name, value)
    return current, known


@dataclass(frozen=True)
class _Value:
    """A part of a nest's cells.

    Attributes:
        general: the part with numbered letters, equal for parts that differ in their letters' names only.
        letters: the nest's letters, in the order of those numbers.
        extents: how many values each letter takes.
    """

    general: Node
    letters: tuple[str, ...]
    extents: tuple[int, ...]

    @staticmethod
    def of(part: Node, nest: Nest) -> _Value:
        loops = nest.extents
        seen = [s for node in walk(part) for i in indices_of(node) for m, _ in i.terms for s in m]
        letters = tuple(s for s in dict.fromkeys(map(str, seen)) if s in loops)
        numbered = {s: Index.of(f"#{number}") for number, s in enumerate(letters)}
        return _Value(substitute(part, numbered), letters, tuple(loops[s] for s in letters))

    def same(self, other: _Value) -> bool:
        """Whether both are the same tensor, whatever its letters are called."""
        return (self.general, self.extents) == (other.general, other.extents)

    def element(self, name: str) -> Read:
        """It as an element of a tensor."""
        return Read(name, tuple(map(Index.of, self.letters)))


def _long(node: Node) -> bool:
    """Whether it is a function of many instructions, or a division."""
    if isinstance(node, Power):
        exponent = node.exponent.value if isinstance(node.exponent, Num) else None
        return exponent is None or exponent < 0 or exponent != int(exponent)
    return isinstance(node, Call) and node.function not in SHORT


def _repeated(nest: Nest) -> Iterator[Expr]:
    """Long functions that do not depend on letters over which they would be worked out, the largest first."""

    def inside(node: Node, runs: frozenset[str]) -> Iterator[Expr]:
        if isinstance(node, Expr) and _long(node) and not {RESULT, BEST} & set(reads(node)):
            letters = free_letters(node) & runs
            if letters and math.prod(nest.extents[s] for s in runs - letters) >= WORTH:
                yield node
                return
        if not isinstance(node, Where):  # what a condition guards may lie outside of its tensor elsewhere
            for child in children(node):
                yield from inside(child, runs)

    yield from inside(nest.body, frozenset(nest.extents))
    yield from inside(nest.finish, frozenset(x.letter for x in nest.out))


def _storing(nests: Sequence[Nest], position: int, name: str, value: _Value) -> list[Nest]:
    """The nests with the value stored before its first use, and read wherever it is used."""
    operands = {r.tensor for r in reads(value.general)}
    writers = [i for i, n in enumerate(nests) if operands & {t.tensor for t in n.targets}]
    settled = max((i for i in writers if i < position), default=-1) + 1
    last = min((i for i in writers if i >= position), default=len(nests))
    replaced = [_reading(n, name, value) if settled <= i <= last else n for i, n in enumerate(nests)]
    first = next(i for i, (new, old) in enumerate(zip(replaced, nests, strict=True)) if new is not old)
    return [*replaced[:first], _stored(nests[position], name, value), *replaced[first:]]


def _stored(nest: Nest, name: str, value: _Value) -> Nest:
    loops = tuple(Loop(s, n) for s, n in zip(value.letters, value.extents, strict=True))
    body = substitute(value.general, {f"#{i}": Index.of(s) for i, s in enumerate(value.letters)})
    assert isinstance(body, Expr)
    images = nest.images if nest.images in value.letters else None
    return Nest(value.element(name), loops, (), "map", body, RESULT, images=images)


def _reading(nest: Nest, name: str, value: _Value) -> Nest:
    """The nest with the stored value read; itself where it has no such value."""
    if not any(_long(n) and value.same(_Value.of(n, nest)) for v in nest.values for n in walk(v)):
        return nest

    def visit(node: Node) -> Node:
        if _long(node):
            own = _Value.of(node, nest)
            if value.same(own):
                return own.element(name)
        return map_children(node, visit)

    return nest.rewritten(visit)
