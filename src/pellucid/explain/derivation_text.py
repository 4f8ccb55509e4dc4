"""Derivations for people: as text, HTML and LaTeX."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping

from pellucid.explain.derivation import IMAGES, Derivation, DerivedGradient, DerivedStep, Passage
from pellucid.formula.expression import Equation
from pellucid.formula.latex import latex
from pellucid.formula.mathml import mathml

__all__ = ["as_html", "as_latex", "as_text"]

NUMBERS = f"in this network's numbers, for a batch of {IMAGES} images"
CHAIN = "chain rule: the loss depends on it through all that is computed from it"


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
        for gradient in passage.gradients:
            yield ""
            yield f"  {gradient.start}"
            yield f"      {CHAIN}"
            yield from _steps(gradient.steps)
        if passage.numbers:
            yield f"\n  {NUMBERS}:"
            yield from _steps(passage.numbers)
    yield f"\n{len(derivation.steps)} steps, each of them checked at random values"


def _steps(steps: tuple[DerivedStep, ...]) -> Iterator[str]:
    for step in steps:
        yield f"    = {step.equation.value!r}"
        yield f"      {step.rule}: {step.reason}"


def _sum_of(derivation: Derivation) -> str:
    count = len(derivation.passages)
    return f", which is used {count} times: the sum of what comes back through each use" if count > 1 else ""


def _gradients(passage: Passage) -> Mapping[str, str]:
    """Which tensors are gradients, so that they are written as partial derivatives of the loss."""
    tensors = [*passage.forward.operands, *passage.forward.defined]
    return {f"d{t}": t for t in tensors}


def as_html(derivation: Derivation) -> str:
    """A section with the steps as MathML and their reasons."""
    title = f"The gradient of the loss by {derivation.name}{_sum_of(derivation)}"
    parts = [f"<section><p><strong>{html.escape(title)}</strong></p>"]
    for passage in derivation.passages:
        known = _gradients(passage)
        parts.append(f"<p>through {html.escape(passage.layer)}:</p>")
        parts += [mathml(e, display=True) for e in passage.forward.equations]
        for gradient in passage.gradients:
            rows = [(gradient.start, CHAIN), *((s.equation, s.reason) for s in gradient.steps)]
            parts.append(_html_steps(rows, known))
        if passage.numbers:
            parts.append(f"<p>{NUMBERS}:</p>")
            parts.append(_html_steps([(s.equation, s.reason) for s in passage.numbers], known))
    return "".join(parts) + "</section>"


def _html_steps(rows: list[tuple[Equation, str]], gradients: Mapping[str, str]) -> str:
    items = (
        f"<li>{mathml(equation, display=True, gradients=gradients)}<p>{html.escape(why)}</p></li>"
        for equation, why in rows
    )
    return f"<ol>{''.join(items)}</ol>"


def as_latex(derivation: Derivation) -> str:
    """The steps, aligned at their equality signs, between dollar signs."""
    rows = [row for p in derivation.passages for g in p.gradients for row in _latex_rows(p, g)]
    rows += [f"&{latex(s.equation)}" for p in derivation.passages for s in p.numbers]
    return "$\\begin{aligned} " + r" \\ ".join(rows) + " \\end{aligned}$"


def _latex_rows(passage: Passage, gradient: DerivedGradient) -> Iterator[str]:
    known = _gradients(passage)
    yield f"&{latex(gradient.start, gradients=known)}"
    for step in gradient.steps:
        yield f"&\\quad = {latex(step.equation.value, gradients=known)}"
