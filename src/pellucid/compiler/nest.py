"""What a loop nest is: one tensor computed element by element, each a value or a reduction.

A nest computes for each value of its `out` loops a reduction of `body` over its `reduce` loops, put into
`finish`, where ``Read("@")`` stands for the reduction's result; then what else is made of it.  Its indices
are sums of multiples of loop letters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pellucid.formula.bounds import Interval
from pellucid.formula.expression import (
    Call,
    Equation,
    Expr,
    Node,
    Read,
    as_expr,
    reads,
    substitute,
    walk,
    with_reads,
)
from pellucid.formula.index import Index

__all__ = ["BEST", "RESULT", "VALID", "Loop", "Nest", "Store"]

# Stands for the result of the reduction in a nest's `finish`.
RESULT = Read("@")
# Stands for the largest (smallest) value itself, beside its position, behind an argmax (argmin).
BEST = Read("@best")
# In the body of a maximum, ``where(condition, value, VALID)`` marks positions that may win.
VALID = Read("@padding")
# Functions of few instructions.
SHORT = ("relu", "abs", "sqrt", "maximum", "minimum")


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
    """One loop nest.

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
        images: the letter that runs over images, None if it has none.
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
    images: str | None = None
    source: Equation | None = field(default=None, compare=False)

    @property
    def loops(self) -> tuple[Loop, ...]:
        return self.out + self.reduce

    @property
    def extents(self) -> dict[str, int]:
        """How many values each letter takes."""
        return {x.letter: x.extent for x in self.loops}

    @property
    def spans(self) -> dict[str, Interval]:
        """First and last value of each letter."""
        return {x.letter: (0, max(x.extent - 1, 0)) for x in self.loops}

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

    def rewritten(self, visit: Callable[[Expr], Node], **changes: Any) -> Nest:
        """The nest with the image of each expression, and further changes."""

        def read(node: Read) -> Read:
            result = visit(node)
            assert isinstance(result, Read)
            return result

        def value(node: Expr) -> Expr:
            return as_expr(visit(node))

        then = tuple(replace(s, target=read(s.target), value=value(s.value)) for s in self.then)
        target, body, finish = read(self.target), value(self.body), value(self.finish)
        return replace(self, target=target, body=body, finish=finish, then=then, **changes)

    def with_reads(self, image: Callable[[Read], Expr], **changes: Any) -> Nest:
        """The nest with each element that it reads or writes replaced, and further changes."""
        return self.rewritten(lambda node: with_reads(node, image), **changes)

    def renamed(self, old: str, new: str) -> Nest:
        """The nest with a tensor under another name."""
        return self.with_reads(lambda read: Read(new, read.indices) if read.tensor == old else read)

    def cut(self, letter: str, value: Index, loops: tuple[Loop, ...]) -> Nest:
        """The nest with the loop over a letter replaced by others, from which the letter follows."""
        mapping = {letter: value}

        def spread(old: tuple[Loop, ...]) -> tuple[Loop, ...]:
            return tuple(n for x in old for n in (loops if x.letter == letter else (x,)))

        return self.rewritten(
            lambda node: substitute(node, mapping), out=spread(self.out), reduce=spread(self.reduce)
        )

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
