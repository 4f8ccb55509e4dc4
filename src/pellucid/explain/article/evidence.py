"""What shows that the article is right: this network's own gradients, engines and assumptions, checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pellucid import random
from pellucid.engine import choice
from pellucid.engine.program import TARGETS
from pellucid.engine.run import Run
from pellucid.explain.article.content import (
    Block,
    Cell,
    Code,
    Math,
    Number,
    Section,
    Table,
    paragraph,
)
from pellucid.explain.article.writing import Part, Writing
from pellucid.explain.evaluation import Evaluator, letters_at
from pellucid.explain.reference import Place, Reference
from pellucid.formula.check import KINKS, TOLERANCE
from pellucid.formula.evaluate import evaluate
from pellucid.formula.expression import Equation, Num, add, free_letters
from pellucid.formula.index import Index
from pellucid.network import INPUT

__all__ = ["evidence"]

# Numbers of each array that are added up again, on each engine.
SAMPLES = 5
RIGHT, WRONG = "right", "WRONG"


def evidence(writing: Writing, parts: list[Part]) -> Section:
    """Derivations, gradients, engines, assumptions."""
    opening = paragraph(
        "All that follows was computed for this article, on this network, these parameters and this image."
    )
    sections = (
        Section("Derivations", "evidence-derivations", tuple(_derivations(writing))),
        Section("Gradients against differences", "evidence-gradients", tuple(_gradients(writing))),
        Section("Two engines", "evidence-engines", tuple(_engines(writing))),
        Section("Assumptions", "evidence-assumptions", tuple(_assumptions(writing, parts))),
    )
    return Section("Evidence", "evidence", (opening, *sections))


def _derivations(writing: Writing) -> Iterator[Block]:
    yield paragraph(
        f"The derivations have {len(writing.errors):,} steps. Both sides of each were evaluated at random "
        "values of small shapes and compared with the slope of the equations along the imaginary axis, "
        "which needs none of the rules. The largest difference was ",
        Number(max(writing.errors, default=0.0), 2), " of the values' size."
    )  # fmt: skip


def _gradients(writing: Writing) -> Iterator[Block]:
    writing.tell("comparing gradients with differences", 0, 1)
    found = writing.subject.check()
    yield paragraph(
        "In float64, each gradient was compared with differences of the loss: up to 200 of its elements, "
        "and random directions through all of them. Where a step would cross a kink (ReLU at 0, a change "
        "of the maximum), the difference is taken from one side, and the kink is counted; at most "
        f"{KINKS:.0%} may lie on one. An error counts relative to the largest element, and may be at most ",
        Number(TOLERANCE, 1), "."
    )  # fmt: skip
    rows = tuple(
        (
            (Code(row.name),), (f"{row.coordinates:,}",), (f"{row.directions:,}",), (f"{row.kinks:,}",),
            (Number(row.error, 2),), (RIGHT if row.passed else WRONG,),
        )
        for row in found.rows
    )  # fmt: skip
    headings = "gradient by", "elements", "directions", "kinks", "largest error", "result"
    yield Table("Gradients compared with differences", headings, rows, frozenset({1, 2, 3, 4}))
    verdict = "All gradients are right." if found.passed else "THE CHECK FAILED."
    yield paragraph(verdict)


def _engines(writing: Writing) -> Iterator[Block]:
    if "compiled" not in choice.available():
        yield paragraph(
            "The compiled engine cannot run on the machine on which this was written: ", choice.reason(), "."
        )
        return
    writing.tell("comparing the engines", 0, 1)
    other = writing.subject.run("compiled")
    yield paragraph(
        "The run was made twice, by the reference engine (NumPy) and by compiled code, both from the same "
        "equations. The difference is relative to the largest element of each array. On either engine, up "
        f"to {SAMPLES} numbers of each array were added up again from their terms; each must be within "
        "16·ε·Σ|terms| of what the engine has."
    )
    runs = writing.run, other
    rows = [_compared(runs, Place(name), place) for place, name in enumerate(_values(writing.run))]
    rows += [
        _compared(runs, Place(name, gradient=True), place) for place, name in enumerate(writing.run.grad)
    ]
    headings = "array", "elements", "largest difference", "added up again", "result"
    yield Table("Agreement of the engines", headings, tuple(rows), frozenset({1, 2, 3}))


def _values(run: Run) -> list[str]:
    given = {INPUT, TARGETS, *run.network.parameter_shapes}
    return [name for name in run if name not in given and ":" not in name]


def _compared(runs: tuple[Run, Run], place: Place, seed: int) -> tuple[Cell, ...]:
    one, two = (np.asarray(r.grad[place.name] if place.gradient else r[place.name]) for r in runs)
    size = float(np.max(np.abs(one), initial=0.0))
    difference = float(np.max(np.abs(one - two), initial=0.0)) / (size or 1.0)
    chosen = random.integers(random.key(seed, str(place)), 0, one.size, min(SAMPLES, one.size))
    references = [Reference(place, tuple(map(int, np.unravel_index(int(c), one.shape)))) for c in chosen]
    found = [run.explain(str(reference), most=0) for run in runs for reference in references]
    right = sum(e.agrees for e in found)
    return (
        (Code(str(place)),), (f"{one.size:,}",), (Number(difference, 2),), (f"{right} of {len(found)}",),
        (RIGHT if right == len(found) else WRONG,),
    )  # fmt: skip


def _assumptions(writing: Writing, parts: list[Part]) -> Iterator[Block]:
    rows = [row for part in parts for row in (*_assumed(writing, part), *_shifted(writing, part))]
    if not rows:
        yield paragraph("No equation of this network assumes anything that the equations do not say.")
        return
    yield paragraph(
        "Some steps use a fact that the equations do not say. Each such fact was tested on the numbers of "
        "this run."
    )
    headings = "in", "what is assumed", "how it was tested", "largest deviation"
    yield Table("Assumptions", headings, tuple(rows), frozenset({3}))


def _assumed(writing: Writing, part: Part) -> Iterator[tuple[Cell, ...]]:
    """Both sides of what is assumed, at all places."""
    scope = writing.sources.forward_scopes[part.name]
    evaluator = Evaluator(scope)
    for assumption in part.formula.assumptions:
        letters = sorted(free_letters(assumption.left) & scope.ranges.extents.keys())
        places = np.indices([scope.ranges.extents[s] for s in letters])
        env = letters_at([Index.of(s) for s in letters], list(places), scope.ranges.extents)
        sides = [np.asarray(evaluator.value(side, env).value) for side in (assumption.left, assumption.right)]
        error = float(np.max(np.abs(sides[0] - sides[1]), initial=0.0))
        yield (Code(part.name),), (Math(assumption),), ("both sides evaluated",), (Number(error, 2),)


def _shifted(writing: Writing, part: Part) -> Iterator[tuple[Cell, ...]]:
    """The output with another shift."""
    for equation in part.formula.equations:
        if not equation.shift:
            continue
        other = Equation(equation.target, add(equation.value, Num(1)), shift=True)
        moved = replace(
            part.formula, equations=tuple(other if e is equation else e for e in part.formula.equations)
        )
        operands = {o: np.asarray(writing.run[part.place(o)], np.float64) for o in part.formula.operands}
        before, after = (evaluate(f, operands)[part.formula.output] for f in (part.formula, moved))
        error = float(np.max(np.abs(before - after), initial=0.0))
        words = f"the result does not depend on {equation.name}"
        yield (Code(part.name),), (words,), (f"{equation.name} moved by 1",), (Number(error, 2),)
