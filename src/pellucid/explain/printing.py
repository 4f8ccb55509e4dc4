"""Explanations for people: as text, HTML and LaTeX."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from pellucid.explain.explanation import Explanation, Operand, StepExplanation, UsedBy, Uses
from pellucid.formula.latex import latex
from pellucid.formula.mathml import mathml

__all__ = ["as_html", "as_latex", "as_text", "step_as_latex", "uses_as_html", "uses_as_text"]

# Vanished terms that are printed of each kind.
SHOWN = 3


def as_text(explanation: Explanation) -> str:
    """Lines: the equation, with numbers, the terms, what vanished, the sum and what the run has."""
    return "\n".join(_lines(explanation))


def _lines(e: Explanation) -> Iterator[str]:
    yield f"{e.reference} = {_number(e.stored)}" + (f", {e.role}" if e.role else "")
    for share in e.shares:
        if len(e.shares) > 1:
            yield f"\nthrough {share.through}: {_number(share.total)}"
        yield f"\n  {share.general}"
        yield "  with " + ", ".join(f"{name} = {what}" for name, what in share.names.items())
        yield f"  {share.particular}"
    if not e.shares:
        return
    yield ""
    yield from _table([(_number(t.value), t.text, _values(t.operands)) for t in e.terms])
    if e.rest[0]:
        yield f"  {_number(e.rest[1])}  {_rest(e)}"
    for kind in e.vanished:
        yield f"  {kind.count:,} {'term vanishes' if kind.count == 1 else 'terms vanish'}: {kind.meaning}"
        for lost in kind.terms[:SHOWN]:
            yield f"    {lost.text}: {lost.reason}"
    yield f"  sum {_number(e.total)}, in the run {_number(e.stored)}, difference {e.difference:.3g}"
    yield f"  {'within' if e.agrees else 'NOT within'} the bound {e.bound:.3g}"


def _rest(e: Explanation) -> str:
    return "one smaller term" if e.rest[0] == 1 else f"sum of {e.rest[0]:,} smaller terms"


def uses_as_text(uses: Uses) -> str:
    """Lines: what is computed from the number, each with the term in which it stands."""
    return "\n".join([_uses_title(uses), *_table([_use(u) for u in uses.uses])])


def uses_as_html(uses: Uses) -> str:
    """A section with a table of what is computed from the number."""
    rows = [_use(u) for u in uses.uses]
    table = _html_table(("term", "in", "which is"), rows) if rows else ""
    return f"<section><p>{html.escape(_uses_title(uses))}</p>{table}</section>"


def _uses_title(uses: Uses) -> str:
    if not uses.count:
        return f"nothing is computed from {uses.reference}"
    some = "" if uses.count == len(uses.uses) else f", of which {len(uses.uses):,} are shown"
    times = "once" if uses.count == 1 else f"{uses.count:,} times"
    return f"{uses.reference} is used {times}{some}"


def _use(use: UsedBy) -> tuple[str, str, str]:
    why = f" (vanishes: {use.vanishes})" if use.vanishes else ""
    return _number(use.value), use.reference, use.text + why


def _table(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    wide = max((len(number) for number, _, _ in rows), default=0)
    long = max((len(text) for _, text, _ in rows), default=0)
    for number, text, values in rows:
        yield f"  {number:>{wide}}  {text:<{long}}  {values}".rstrip()


def _values(operands: Sequence[Operand]) -> str:
    return ", ".join(f"{o.name} = {_number(o.value)}" for o in operands)


def _number(value: float) -> str:
    return f"{value + 0.0:.9g}"  # no -0


def as_latex(e: Explanation) -> str:
    """The equations in letters and with numbers, aligned, between dollar signs."""
    if not e.shares:
        return f"$\\mathrm{{{_escaped(e.reference)}}} = {_scientific(e.stored)}$"
    return _aligned(_latex_rows(e))


def step_as_latex(step: StepExplanation) -> str:
    """The optimiser's equations in letters and with numbers, aligned, between dollar signs."""
    return _aligned(row for e in step.equations for row in _latex_rows(e))


def _latex_rows(e: Explanation) -> Iterator[str]:
    yield from (f"& {latex(line)}" for s in e.shares for line in (s.general, s.particular))
    yield f"& = {_scientific(e.total)}"


def _scientific(value: float) -> str:
    """A number as LaTeX's mathematics, with a power of ten instead of an e."""
    digits, _, exponent = _number(value).partition("e")
    return f"{digits}\\times 10^{{{int(exponent)}}}" if exponent else digits


def _aligned(rows: Iterable[str]) -> str:
    return "$\\begin{aligned} " + r" \\ ".join(rows) + " \\end{aligned}$"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")


def as_html(e: Explanation) -> str:
    """A section: the equations as MathML, and tables of terms."""
    title = f"{e.reference} = {_number(e.stored)}" + (f", {e.role}" if e.role else "")
    parts = [f"<section><p><strong>{html.escape(title)}</strong></p>"]
    for share in e.shares:
        heading = f"through {share.through}: {_number(share.total)}" if len(e.shares) > 1 else ""
        names = ", ".join(f"{name} = {what}" for name, what in share.names.items())
        parts += [f"<p>{html.escape(heading)}</p>"] if heading else []
        parts += [mathml(share.general, display=True), f"<p>with {html.escape(names)}</p>"]
        parts.append(mathml(share.particular, display=True))
    if e.shares:
        parts += [_html_terms(e), _html_vanished(e), f"<p>{html.escape(_verdict(e))}</p>"]
    return "".join(parts) + "</section>"


def _verdict(e: Explanation) -> str:
    bound = f"{'within' if e.agrees else 'NOT within'} the bound {e.bound:.3g}"
    return f"sum {_number(e.total)}, in the run {_number(e.stored)}, difference {e.difference:.3g}, {bound}"


def _html_terms(e: Explanation) -> str:
    rows = [(_number(t.value), t.text, _values(t.operands)) for t in e.terms]
    rows += [(_number(e.rest[1]), _rest(e), "")] if e.rest[0] else []
    return _html_table(("value", "term", "with"), rows)


def _html_vanished(e: Explanation) -> str:
    rows = [(f"{kind.count:,}", lost.text, lost.reason) for kind in e.vanished for lost in kind.terms[:SHOWN]]
    return _html_table(("of so many", "vanishing term", "because"), rows) if rows else ""


def _html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
