"""The forward pass: for each layer, and for the loss, its equations, their notation, numbers and pictures."""

from __future__ import annotations

from collections.abc import Iterator

from pellucid.engine.program import LOSS, TARGETS
from pellucid.explain.article.content import (
    Block,
    Code,
    Display,
    Figure,
    Fold,
    Inline,
    Link,
    Paragraph,
    Section,
    Table,
    paragraph,
)
from pellucid.explain.article.notation import AXES, Tensor, notation, shown_shape
from pellucid.explain.article.worked import worked
from pellucid.explain.article.writing import Part, Writing
from pellucid.explain.meaning import listed
from pellucid.formula.specialise import specialised
from pellucid.network import INPUT

__all__ = ["forward", "loss", "tensors"]


def forward(writing: Writing, parts: list[Part]) -> Section:
    """One section for each layer."""
    opening = paragraph(
        "Each layer computes its output from what it reads by the equations below. Indices are counted "
        "from 0. Under the equation in general letters stands the same equation with the sizes of this "
        "network put in, then what its letters mean, and one number of the run, worked out."
    )
    image = Figure(INPUT, f"What the network is given: {INPUT}")
    return Section("Forward pass", "forward", (opening, image, *(_layer(writing, part) for part in parts)))


def _layer(writing: Writing, part: Part) -> Section:
    blocks: list[Block] = [_opening(writing, part), *_equations(writing, part), *_worked(writing, part)]
    for name in part.parameters.values():
        if len(writing.network.parameter_shapes[name]) > 1:
            blocks.append(Figure(name, f"Parameters: {name}"))
    blocks.append(Figure(part.name, f"Output: {part.name}"))
    return Section("", f"forward-{part.name}", tuple(blocks), code=part.name)


def loss(writing: Writing, part: Part) -> Section:
    """The loss's own section."""
    (output, *_) = part.values.values()
    opening = paragraph(
        "Training makes one number small, the loss ", Code(part.name), f" ({part.kind}). It compares ",
        Code(output), " with ", Code(TARGETS), ", what the network should have given."
    )  # fmt: skip
    blocks = [opening, *_equations(writing, part), *_worked(writing, part)]
    return Section("Loss", "loss", tuple(blocks))


def _opening(writing: Writing, part: Part) -> Paragraph:
    shapes = part.ranges.shapes
    words: list[Inline] = ["The layer ", Code(part.name), f" ({part.kind}) reads "]
    for place, (operand, value) in enumerate(part.values.items()):
        words += [" and "] if place else []
        words += [_source(value), f" ({shown_shape(shapes[operand][1:])})"]
    output = shapes[part.formula.output]
    axes = _axes_of(output)[1:]
    words += [f" and gives {shown_shape(output[1:])}"]
    words += [f" numbers, one for each {listed(axes)}." if axes else "."]
    for place, (operand, name) in enumerate(part.parameters.items()):
        several = "Its trained parameters are" if len(part.parameters) > 1 else "Its trained parameter is"
        words += [" and " if place else f" {several} "]
        words += [Code(name), f" ({shown_shape(shapes[operand])})"]
    return Paragraph((*words, "." if part.parameters else ""))


def _source(value: str) -> Inline:
    return Code(value) if value in (INPUT, TARGETS) else Link(value, f"forward-{value}")


def _axes_of(shape: tuple[int, ...]) -> tuple[str, ...]:
    """What the axes of a value of this shape are."""
    return AXES.get(len(shape), ())


def _axes(writing: Writing, part: Part, shape: tuple[int, ...]) -> tuple[str, ...]:
    loss = writing.network.loss
    return ("image", "class") if part.name == LOSS and loss and loss.classification else _axes_of(shape)


def _equations(writing: Writing, part: Part) -> Iterator[Block]:
    formula, ranges = part.formula, part.ranges
    for equation in formula.equations:
        yield writing.numbered(equation, (part.name, equation.name))
    for assumption in formula.assumptions:
        yield Display(assumption)
    own = specialised(formula, ranges).equations
    changed = [new for new, old in zip(own, formula.equations, strict=True) if str(new) != str(old)]
    if changed:
        yield paragraph("With the sizes of this network:")
        yield from map(Display, changed)
    yield _notation(writing, part)


def _notation(writing: Writing, part: Part) -> Table:
    return notation(
        part.formula.equations, part.formula, part.ranges, tensors(writing, part), f"Notation of {part.name}"
    )


def tensors(writing: Writing, part: Part) -> dict[str, Tensor]:
    """What the tensors of a part's equations are."""
    shapes = part.ranges.shapes
    found: dict[str, Tensor] = {}
    for operand, value in part.values.items():
        found[operand] = Tensor((_source(value),), "input", _axes(writing, part, shapes.get(operand, ())))
    for operand, name in part.parameters.items():
        found[operand] = Tensor((Code(name), ", trained"))
    for equation in part.formula.equations:
        shape = shapes[equation.name]
        if equation.name == part.formula.output:
            found[equation.name] = Tensor((Code(part.name), ", the output"), "output", _axes_of(shape))
        else:
            found[equation.name] = Tensor((Code(part.place(equation.name)), ", a result on the way"))
    return found


def _worked(writing: Writing, part: Part) -> Iterator[Block]:
    """One element of the output; those of results on the way are folded."""
    for equation in part.formula.equations[:-1]:
        place = part.place(equation.name)
        picture = Figure(place, f"The result on the way {place}")
        yield Fold(f"The result on the way {place}", (*worked(writing.run, place), picture))
    yield from worked(writing.run, part.name)
