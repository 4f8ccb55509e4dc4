"""The backward pass, from the loss to the input: each gradient's formula, derivation, numbers and picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pellucid.explain.article.content import (
    Block,
    Code,
    Display,
    Figure,
    Fold,
    Inline,
    Math,
    Paragraph,
    Section,
    Step,
    Steps,
    Table,
    paragraph,
)
from pellucid.explain.article.forward import tensors
from pellucid.explain.article.notation import Tensor, notation
from pellucid.explain.article.worked import worked
from pellucid.explain.article.writing import Part, Writing
from pellucid.explain.derivation import Derivation, Passage
from pellucid.explain.derivation_text import Chain, chains
from pellucid.explain.reference import Place
from pellucid.explain.sources import Use
from pellucid.formula.expression import Equation, Read, reads
from pellucid.formula.formula import Formula
from pellucid.formula.parse import parse_read
from pellucid.formula.specialise import specialised
from pellucid.network import INPUT, Network

__all__ = ["backward"]

# An element of a tensor, as derivations print it.
ELEMENT = re.compile(r"\w+\[[^\]]*\]")


def backward(writing: Writing, parts: list[Part]) -> Section:
    """One section for each value, the last one first: its own gradient, then those of its parameters."""
    by_name = {part.name: part for part in parts}
    opening = paragraph(
        "The gradient of a value says by how much the loss changes when the value does. The gradients are "
        "found from the end to the beginning: each follows by the chain rule from the one behind it. Every "
        "formula is derived step by step, and the two sides of every step were compared at random numbers "
        "before it was printed."
    )
    groups = _groups(writing.network)
    names = [name for group in groups.values() for name in group]
    found: dict[str, Section] = {}
    for done, name in enumerate(names):
        writing.tell("deriving gradients", done, len(names))
        found[name] = Section("", f"backward-{name}", tuple(_gradient(writing, name, by_name)), code=name)
    sections = [_joined(layer, [found[name] for name in group]) for layer, group in groups.items()]
    return Section("Backward pass", "backward", (opening, *sections))


def _groups(network: Network) -> dict[str, list[str]]:
    """For each layer, the last first, its value, if that has a gradient, and its parameters."""
    found: dict[str, list[str]] = {}
    for node in reversed(network.nodes):
        own = [node.name] if node.name != network.output or network.loss is not None else []
        trained = [name for name, _ in node.parameters.values() if node.owner == node.name]
        if own or trained:
            found[node.name] = own + trained
    return found | {INPUT: [INPUT]}


def _joined(layer: str, sections: list[Section]) -> Section:
    """The gradient of a layer's value, if it has one, with those of its parameters inside."""
    own = [b for section in sections if section.code == layer for b in section.blocks]
    others = [section for section in sections if section.code != layer]
    return Section("", f"backward-{layer}", (*own, *others), code=layer)


def _gradient(writing: Writing, name: str, parts: Mapping[str, Part]) -> Iterator[Block]:
    derivation = writing.network.derive(name)
    yield _opening(writing, derivation, parts)
    for number in range(len(derivation.passages)):
        yield from _passage(writing, derivation, number, parts)
    writing.errors += [step.error for step in derivation.steps]
    yield from worked(writing.run, name, gradient=True)
    yield Figure(f"{name}.grad", f"Gradient of the loss by {name}")


def _opening(writing: Writing, derivation: Derivation, parts: Mapping[str, Part]) -> Paragraph:
    words: list[Inline] = ["The loss depends on ", Code(derivation.name), " through "]
    for place, passage in enumerate(derivation.passages):
        part = parts[passage.layer]
        words += [" and through "] if place else []
        words += [Code(passage.layer), ", equation ", writing.link((part.name, part.formula.output))]
    if len(derivation.passages) > 1:
        words.append("; its gradient is the sum of what comes back through each")
    return Paragraph((*words, "."))


def _passage(
    writing: Writing, derivation: Derivation, number: int, parts: Mapping[str, Part]
) -> Iterator[Block]:
    passage, use = (
        derivation.passages[number],
        writing.sources.uses(Place(derivation.name, gradient=True))[number],
    )
    known = passage.gradient_of
    if len(derivation.passages) > 1:
        yield paragraph("Through ", Code(passage.layer), ":")
    yield from (Display(equation, known) for equation in _needed(use.equation, passage))
    yield writing.numbered(use.equation, (f"{derivation.name}.grad", str(number)), known)
    alone = Formula((use.equation,), constants=use.scope.formula.constants)
    numbers = specialised(alone, use.scope.ranges).equations[0]
    if str(numbers) != str(use.equation):
        yield paragraph("With the sizes of this network:")
        yield Display(numbers, known)
    if passage.meaning:
        yield paragraph("In words: ", *_prose("; ".join(passage.meaning)), ".")
    for reading in passage.readings:
        yield _heading(reading.title, passage)
        yield Display(reading.result, known)
    part, steps = parts[passage.layer], len(passage.steps)
    title = f"The derivation, in {steps} steps" if steps > 1 else "The derivation, in one step"
    yield Fold(title, tuple(_derivation(passage, part, known)))
    yield Fold("What the letters mean", (_notation(writing, use, part, known),))


def _needed(equation: Equation, passage: Passage) -> list[Equation]:
    """The gradients of results on the way that a gradient's formula reads, and those that they read."""
    needed = {r.tensor for r in reads(equation.value)}
    found: list[Equation] = []
    for gradient in reversed(passage.gradients[:-1]):
        if gradient.result.name in needed:
            needed |= {r.tensor for r in reads(gradient.result.value)}
            found.insert(0, gradient.result)
    return found


def _notation(writing: Writing, use: Use, part: Part, known: Mapping[str, str]) -> Table:
    """What the letters of a gradient's final formula are; a gradient has the axes of its value."""
    scope = use.scope
    own = tensors(writing, part)
    for tensor, place in scope.places.items():
        if tensor not in own and not place.gradient:
            words = "the position of what was chosen" if tensor in scope.positions else "a result on the way"
            own[tensor] = Tensor((Code(str(place)), f", {words}"))
    every = dict(own)
    for gradient, of in known.items():
        if of in own:
            every[gradient] = replace(own[of], words=("the gradient by ", Code(str(scope.places[of]))))
    caption = f"Notation of the gradient through {part.name}"
    return notation(
        [use.equation], scope.formula, scope.ranges, every, caption, known, part.formula.equations
    )


def _prose(sentence: str) -> Iterator[Inline]:
    """Words with the elements that they name set as mathematics."""
    end = 0
    for match in ELEMENT.finditer(sentence):
        yield sentence[end : match.start()]
        yield Math(parse_read(match[0]))
        end = match.end()
    yield sentence[end:]


def _derivation(passage: Passage, part: Part, known: Mapping[str, str]) -> Iterator[Block]:
    if str(passage.forward) != str(part.formula):
        yield paragraph("With every result on the way named, the layer computes")
        yield from (Display(e) for e in passage.forward.equations)
    for chain in chains(passage):
        if chain.title:
            yield _heading(chain.title, passage)
        yield Steps(tuple(_steps(chain, known)))


def _heading(title: str, passage: Passage) -> Paragraph:
    """A title as a line; a tensor at its beginning keeps its small letter."""
    first, _, rest = title.partition(" ")
    known = {*passage.forward.operands, *passage.forward.defined}
    return (
        paragraph(Code(first), f" {rest}:")
        if first in known
        else paragraph(f"{title[0].upper()}{title[1:]}:")
    )


def _steps(chain: Chain, known: Mapping[str, str]) -> Iterator[Step]:
    left: Read | None = None
    for item, reason in chain.rows:
        if isinstance(item, Equation) and item.target == left:
            yield Step(Display(item.value, known), reason, goes_on=True)
        else:
            yield Step(Display(item, known), reason)
        left = item.target if isinstance(item, Equation) else None
