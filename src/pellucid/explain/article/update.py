"""One step of training: how the optimiser's equations change a parameter along its gradient."""

from __future__ import annotations

from pellucid.engine.run import Run
from pellucid.explain.article.content import Block, Code, Number, Section, Table, paragraph
from pellucid.explain.article.worked import telling, worked_out
from pellucid.explain.article.writing import Writing
from pellucid.explain.explanation import StepExplanation
from pellucid.explain.reference import Place
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
    steps = [_step(writing, name, optimiser, rate) for name in writing.network.parameter_shapes]
    if not steps:
        return Section(
            "One step of training", "update", (paragraph("The network has no parameters to train."),)
        )
    for found in steps[0].equations:
        blocks += worked_out(found, "For example")
    rows = tuple(
        (
            (Code(step.reference, step.reference),), (Number(_element(run, step.reference, gradient=False)),),
            (Number(_element(run, step.reference, gradient=True)),), (Number(step.new),),
        )
        for step in steps
    )  # fmt: skip
    headings = "element", "before", "gradient", "after"
    table = Table(
        "The element of each parameter that has the largest gradient", headings, rows, frozenset({1, 2, 3})
    )
    return Section("One step of training", "update", (*blocks, table))


def _step(writing: Writing, name: str, optimiser: Optimiser, rate: float) -> StepExplanation:
    reference = telling(writing.run.grad[name], Place(name))
    return writing.run.explain_step(reference, rate, optimiser=optimiser)


def _element(run: Run, reference: str, *, gradient: bool) -> float:
    name, _, rest = reference.partition("[")
    indices = tuple(map(int, rest.rstrip("]").split(",")))
    return float((run.grad if gradient else run)[name][indices])
