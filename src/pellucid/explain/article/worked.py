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
TIMES = " × "


def telling(array: NDArray[np.generic], place: Place) -> str:
    """The reference of the element with the largest absolute value, the first of equals."""
    values = np.nan_to_num(np.abs(np.asarray(array, np.float64)))
    indices = np.unravel_index(int(np.argmax(values)), values.shape) if values.ndim else ()
    return str(Reference(place, tuple(map(int, indices))))


def worked(run: Run, name: str, *, gradient: bool = False) -> list[Block]:
    """The element of an array that tells most, worked out."""
    array = run.grad[name] if gradient else run[name]
    reference = telling(array, Place(name, gradient=gradient))
    return worked_out(run.explain(reference, most=TERMS), "For example")


def worked_out(found: Explanation, opening: str) -> list[Block]:
    """An explanation as blocks; the opening words begin the first sentence."""
    blocks: list[Block] = [
        paragraph(
            f"{opening}, ", Code(found.reference, found.reference), " = ", Number(found.stored), " here:"
        )
    ]
    blocks += [Display(_set(share.particular, found.reference)) for share in found.shares]
    blocks.append(_table(found))
    vanished = [*_vanished(found)]
    if vanished:
        blocks.append(paragraph(*vanished, note=True))
    return blocks


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
    count = len(found.terms) + found.rest[0]
    sort = "the terms" if count > 1 else "the term"
    verdict = "within" if found.agrees else "NOT within"
    closing: Cell = (
        "sum" if count > 1 else "result", "; in the run ", Number(found.stored, 9), f", {verdict} the bound ",
        Number(found.bound, 2),
    )  # fmt: skip
    last: tuple[Cell, ...] = (closing, (), (Number(found.total, 9),))
    return Table(
        f"{sort.capitalize()} of {found.reference}",
        ("term", "numbers", "value"),
        tuple(rows),
        frozenset({2}),
        last,
    )


def _row(term: Term) -> tuple[Cell, ...]:
    operands = [o for o in term.operands if o.name in term.text]
    product = term.text == "*".join(o.name for o in operands)
    if product:
        names = _between([(Code(o.name, o.reference),) for o in operands], " · ")
        return names, _between([(Number(o.value),) for o in operands], TIMES), (Number(term.value),)
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
