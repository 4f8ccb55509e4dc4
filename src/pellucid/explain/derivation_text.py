"""Derivations for people: as text, HTML and LaTeX."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.explain.derivation import (
    CHAIN,
    IMAGES,
    Derivation,
    DerivedStep,
    Passage,
    Section,
)
from pellucid.formula.expression import Compare, Derivative, Equation, as_expr, substitute
from pellucid.formula.latex import latex
from pellucid.formula.layout import Printable
from pellucid.formula.mathml import mathml

__all__ = ["Chain", "as_html", "as_latex", "as_latex_text", "as_text", "chains"]

NUMBERS = f"in this network's numbers, for a batch of {IMAGES} images"


def as_text(derivation: Derivation) -> str:
    """Lines: for each passage the equations, then each step with its reason."""
    return "\n".join(_lines(derivation))


def _lines(derivation: Derivation) -> Iterator[str]:
    yield f"The gradient of the loss by {derivation.name}{_sum_of(derivation)}"
    for passage in derivation.passages:
        yield f"\nthrough {passage.layer}:"
        yield from (f"  {e}" for e in passage.forward.equations)
        yield from (f"  {a}" for a in passage.forward.assumptions)
        yield "  with " + ", ".join(f"{name} = {what}" for name, what in passage.names.items())
        for section in passage.jacobians:
            yield from _section_lines(section)
        for gradient in passage.gradients:
            yield ""
            yield f"  {gradient.start}"
            yield f"      {CHAIN}"
            yield from _steps(gradient.steps)
        if passage.numbers:
            yield f"\n  {NUMBERS}:"
            yield from _steps(passage.numbers)
        for section in passage.readings:
            yield from _section_lines(section)
        yield from _meaning(passage)
    if len(derivation.passages) > 1:
        yield f"\n{_together(derivation)}:"
        yield from (f"  through {p.layer}: {p.result}" for p in derivation.passages)
    yield f"\n{len(derivation.steps)} steps, each of them checked at random values"


def _meaning(passage: Passage) -> Iterator[str]:
    if passage.meaning:
        yield "\n  in words:"
        yield from (f"    {sentence}" for sentence in passage.meaning)


def _section_lines(section: Section) -> Iterator[str]:
    yield f"\n  {section.title}:"
    yield f"  {section.start}"
    yield f"      {section.why}"
    yield from _steps(section.steps)
    for case in section.cases:
        yield f"  {case.reason}:"
        yield f"    {case.equation}"


def _steps(steps: tuple[DerivedStep, ...]) -> Iterator[str]:
    for step in steps:
        yield f"    = {step.equation.value!r}"
        yield f"      {step.rule}: {step.reason}"


def _sum_of(derivation: Derivation) -> str:
    count = len(derivation.passages)
    return f", which is used {count} times: the sum of what comes back through each use" if count > 1 else ""


def _together(derivation: Derivation) -> str:
    return f"the gradient by {derivation.name} is the sum of these {len(derivation.passages)} right sides"


def as_html(derivation: Derivation) -> str:
    """A section with the steps as MathML and their reasons."""
    title = f"The gradient of the loss by {derivation.name}{_sum_of(derivation)}"
    parts = [f"<section><p><strong>{html.escape(title)}</strong></p>"]
    for passage in derivation.passages:
        known = passage.gradient_of
        parts.append(f"<p>through {html.escape(passage.layer)}:</p>")
        parts += [mathml(e, display=True) for e in passage.forward.equations]
        parts += [mathml(a, display=True) for a in passage.forward.assumptions]
        names = ", ".join(f"{name} = {what}" for name, what in passage.names.items())
        parts.append(f"<p>with {html.escape(names)}</p>")
        for part in chains(passage):
            parts += [f"<p>{html.escape(part.title)}:</p>"] if part.title else []
            rows = ((mathml(e, display=True, gradients=known), html.escape(why)) for e, why in part.rows)
            items = (f'<li><div style="overflow-x: auto">{math}</div><p>{why}</p></li>' for math, why in rows)
            parts.append(f"<ol>{''.join(items)}</ol>")
        if passage.meaning:
            parts.append(f"<p>in words: {html.escape('; '.join(passage.meaning))}.</p>")
        if passage.meaning:
            sentences = "".join(f"<li>{html.escape(s)}</li>" for s in passage.meaning)
            parts.append(f"<p>in words:</p><ul>{sentences}</ul>")
    if len(derivation.passages) > 1:
        shares = "".join(
            f"<li>through {html.escape(p.layer)}: {mathml(p.result, gradients=p.gradient_of)}</li>"
            for p in derivation.passages
        )
        parts.append(f"<p>{html.escape(_together(derivation))}:</p><ul>{shares}</ul>")
    return "".join(parts) + "</section>"


@dataclass(frozen=True)
class Chain:
    """A chain of equal expressions with the reasons for them, and its title.

    An equation with the same left side as the one before it goes on from there.
    """

    title: str
    rows: tuple[tuple[Printable, str], ...]


def chains(passage: Passage) -> Iterator[Chain]:
    """Everything that is derived in a passage, in order."""
    yield from map(_chain, passage.jacobians)
    for gradient in passage.gradients:
        rows = [(gradient.start, CHAIN), *((s.equation, f"{s.rule}: {s.reason}") for s in gradient.steps)]
        yield Chain("", tuple(rows))
    if passage.numbers:
        yield Chain(NUMBERS, tuple((s.equation, f"{s.rule}: {s.reason}") for s in passage.numbers))
    yield from map(_chain, passage.readings)


def _chain(section: Section) -> Chain:
    rows: list[tuple[Printable, str]] = [(_sides(section, section.start), section.why)]
    rows += [(_sides(section, s.equation), f"{s.rule}: {s.reason}") for s in section.steps]
    rows += [(_sides(section, s.equation), s.reason) for s in section.cases]
    return Chain(section.title, tuple(rows))


def _sides(section: Section, equation: Equation) -> Printable:
    """An equation; of a Jacobian, with the derivative itself on its left side instead of a name for it."""
    derivative = section.start.value
    if not isinstance(derivative, Derivative):
        return equation
    pairs = zip(section.start.target.indices, equation.target.indices, strict=True)
    left = as_expr(substitute(derivative, {mine.letter or "": theirs for mine, theirs in pairs}))
    return left if left == equation.value else Compare("==", left, equation.value)


def as_latex(derivation: Derivation) -> str:
    """The formulas without their reasons, aligned at their equality signs, between dollar signs."""
    rows = [row for p in derivation.passages for part in chains(p) for row in _latex_rows(p, part)]
    return "$\\begin{aligned} " + r" \\ ".join(rows) + " \\end{aligned}$"


def _latex_rows(passage: Passage, part: Chain) -> Iterator[str]:
    known, left = passage.gradient_of, None
    for item, _ in part.rows:
        if isinstance(item, Equation) and item.target == left:
            yield f"&\\quad = {latex(item.value, gradients=known)}"
        else:
            yield f"&{latex(item, gradients=known)}"
        left = item.target if isinstance(item, Equation) else None


PROSE = {c: f"\\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip
# A formula that is wider than the page is made as wide as the page.
FITTED = (
    r"\providecommand{\fitted}[1]{\par\noindent\sbox0{$\displaystyle #1$}"
    r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi\par}"
)


def as_latex_text(derivation: Derivation) -> str:
    """Paragraphs with formulas and reasons, for a document that loads ``amsmath`` and ``graphicx``."""
    return "\n".join(_latex_lines(derivation))


def _prose(text: str) -> str:
    """Words in which nothing is a command."""
    return "".join(PROSE.get(c, c) for c in text)


def _latex_lines(derivation: Derivation) -> Iterator[str]:
    yield FITTED
    title = f"The gradient of the loss by {derivation.name}{_sum_of(derivation)}"
    yield f"\n\\paragraph{{{_prose(title)}}}"
    for passage in derivation.passages:
        known = passage.gradient_of
        yield f"\nthrough {_prose(passage.layer)}:"
        given: list[Printable] = [*passage.forward.equations, *passage.forward.assumptions]
        yield from (f"\\fitted{{{latex(e)}}}" for e in given)
        yield _prose("with " + ", ".join(f"{name} = {what}" for name, what in passage.names.items()))
        for part in chains(passage):
            yield "\n\\medskip\\noindent " + (f"{_prose(part.title)}:" if part.title else "")
            for item, why in part.rows:
                yield f"\\fitted{{{latex(item, gradients=known)}}}"
                yield f"{{\\small\\quad {_prose(why)}}}"
        if passage.meaning:
            yield "\n\\medskip\\noindent in words: " + _prose("; ".join(passage.meaning)) + "."
    if len(derivation.passages) > 1:
        yield f"\n\\medskip\\noindent {_prose(_together(derivation))}:"
        for passage in derivation.passages:
            yield f"\n through {_prose(passage.layer)}:"
            yield f"\\fitted{{{latex(passage.result, gradients=passage.gradient_of)}}}"
