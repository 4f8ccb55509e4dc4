"""One number of the run, worked out: its equation with numbers in it, its terms, and their sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.run import Run
from pellucid.explain.article.content import (
    Block,
    Cell,
    Code,
    Display,
    Inline,
    Number,
    Table,
    paragraph,
)
from pellucid.explain.explanation import Explanation, Operand, Term
from pellucid.explain.reference import Place, Reference
from pellucid.formula.expression import Equation, Read
from pellucid.formula.index import Index

__all__ = ["telling", "worked", "worked_out"]

# Terms that are listed one by one, and vanished ones of each kind.
TERMS, LOST = 9, 2
# Digits of the numbers in a product.
SHOWN = 5
TIMES = " × "


def telling(array: NDArray[np.generic], place: Place) -> Reference:
    """The element with the largest absolute value, the first of equals."""
    values = np.nan_to_num(np.abs(np.asarray(array, np.float64)))
    indices = np.unravel_index(int(np.argmax(values)), values.shape) if values.ndim else ()
    return Reference(place, tuple(map(int, indices)))


def worked(run: Run, name: str, *, gradient: bool = False) -> list[Block]:
    """The element of an array that tells most, worked out."""
    array = run.grad[name] if gradient else run[name]
    reference = telling(array, Place(name, gradient=gradient))
    return worked_out(run.explain(str(reference), most=TERMS), "For example")


def worked_out(found: Explanation, opening: str) -> list[Block]:
    """An explanation as blocks; the opening words begin the first sentence."""
    blocks: list[Block] = [
        paragraph(
            f"{opening}, ", Code(found.reference, found.reference), " = ", Number(found.stored), " here:"
        )
    ]
    blocks += [Display(_set(share.particular, found.reference)) for share in found.shares]
    return [*blocks, _table(found), paragraph(*_verdict(found), *_vanished(found), note=True)]


def _set(particular: Equation, reference: str) -> Equation:
    """The equation with the indices of its left side below its name, as on the right."""
    name, _, inside = reference.partition("[")
    indices = tuple(Index.of(int(part)) for part in inside.rstrip("]").split(",") if part)
    return replace(particular, target=Read(name, indices))


def _table(found: Explanation) -> Table:
    rows = [_row(term) for term in found.terms]
    if found.rest[0]:
        more = "one smaller term" if found.rest[0] == 1 else f"{found.rest[0]:,} smaller terms together"
        rows.append(((more,), (), (Number(found.rest[1]),)))
    several = len(rows) > 1
    last: tuple[Cell, ...] = (("sum" if several else "result",), (), (Number(found.total, 9),))
    caption = f"{'The terms' if several else 'The term'} of {found.reference}"
    return Table(caption, ("term", "numbers", "value"), tuple(rows), frozenset({2}), last, "terms")


def _verdict(found: Explanation) -> Iterator[Inline]:
    """What the run has, and how far that may be off."""
    yield "The run has "
    yield Number(found.stored, 9)
    yield f", {'within' if found.agrees else 'NOT within'} the bound of "
    yield Number(found.bound, 2)
    yield " that rounding sets. "


def _row(term: Term) -> tuple[Cell, ...]:
    operands = [o for o in term.operands if o.name in term.text]
    product = term.text == "*".join(o.name for o in operands)
    if product:
        names = _between([(Code(o.name, o.reference),) for o in operands], " · ")
        return names, _between([(Number(o.value, SHOWN),) for o in operands], TIMES), (Number(term.value),)
    values = [_named(o) for o in operands]
    return (Code(term.text),), _between(values, ", "), (Number(term.value),)


def _named(operand: Operand) -> Cell:
    return Code(operand.name, operand.reference), " = ", Number(operand.value)


def _between(parts: Sequence[Cell], sign: str) -> Cell:
    joined: list[Inline] = []
    for part in parts:
        joined += [sign, *part] if joined else part
    return tuple(joined)


def _vanished(found: Explanation) -> Iterator[Inline]:
    for kind in found.vanished:
        terms = "one term vanishes" if kind.count == 1 else f"{kind.count:,} terms vanish"
        reasons = dict.fromkeys(lost.reason for lost in kind.terms[:LOST])
        yield f"{terms.capitalize()}: {kind.meaning} ({'; '.join(reasons)}). "
