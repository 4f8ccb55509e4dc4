"""One step of training: how the optimiser's equations change a parameter along its gradient."""

from __future__ import annotations

from pellucid.engine.run import Run
from pellucid.explain.article.content import Block, Cell, Code, Number, Section, Table, paragraph
from pellucid.explain.article.worked import telling, worked_out
from pellucid.explain.article.writing import Writing
from pellucid.explain.reference import Place, Reference
from pellucid.training.optimiser import Optimiser

__all__ = ["update"]


def update(writing: Writing, optimiser: Optimiser, rate: float) -> Section:
    """The optimiser's equations, one parameter worked out, and one element of each parameter."""
    run = writing.run
    opening = paragraph(
        "One step of training moves every parameter against its gradient. With the optimiser "
        f"{optimiser.name} "
        "and the learning rate ", Number(rate), ", an element becomes"
    )  # fmt: skip
    blocks: list[Block] = [opening]
    blocks += [writing.numbered(e, ("update", e.name)) for e in optimiser.formula.equations]
    elements = [telling(run.grad[name], Place(name)) for name in writing.network.parameter_shapes]
    if not elements:
        return Section(
            "One step of training", "update", (paragraph("The network has no parameters to train."),)
        )
    steps = [run.explain_step(str(element), rate, optimiser=optimiser) for element in elements]
    for found in steps[0].equations:
        blocks += worked_out(found, "For example")
    rows = tuple(_row(run, element, step.new) for element, step in zip(elements, steps, strict=True))
    headings = "element", "before", "gradient", "after"
    table = Table(
        "The element of each parameter that has the largest gradient", headings, rows, frozenset({1, 2, 3})
    )
    return Section("One step of training", "update", (*blocks, table))


def _row(run: Run, element: Reference, after: float) -> tuple[Cell, ...]:
    name, at = element.place.name, element.indices
    before, gradient = (Number(float(values[name][at])) for values in (run, run.grad))
    return (Code(str(element), str(element)),), (before,), (gradient,), (Number(after),)
