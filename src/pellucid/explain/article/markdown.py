"""The article as GitHub's Markdown: mathematics between dollar signs, tables, a Mermaid diagram."""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

import numpy as np

from pellucid.explain.article.content import (
    Block,
    Cell,
    Code,
    Diagram,
    Display,
    Figure,
    Fold,
    Inline,
    Link,
    Math,
    Number,
    Paragraph,
    Section,
    Steps,
    Table,
)
from pellucid.explain.article.notation import shown_shape
from pellucid.explain.article.pixels import values_of
from pellucid.explain.article.words import mantissa, numbered, opening, subtitle, version
from pellucid.explain.page.layout import layout
from pellucid.formula.latex import latex

if TYPE_CHECKING:
    from pellucid.explain.article.article import Article

__all__ = ["text"]

SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>#|$~"})
# Commands that Markdown would take for its own escapes, and what means the same.
SAFE = {r"\,": r"\thinspace ", r"\\": r"\cr ", r"\{": r"\lbrace ", r"\}": r"\rbrace ", "|": r"\vert "}
SHADES = " ░▒▓█"
# Maps up to this width are drawn with shades; vectors up to this length are listed.
WIDEST, LISTED = 40, 16


def text(article: Article) -> str:
    """The whole document."""
    writer = _Writer(article)
    notes = " ".join(map(_escaped, article.notes))
    body = "\n".join(map(writer.block, article.sections))
    head = f"# {_escaped(article.title)}\n\n*{subtitle()}*\n\n{opening()} {notes}\n\n"
    return f"{head}{body}\n---\n\nWritten by pellucid {version()}.\n"


class _Writer:
    def __init__(self, article: Article) -> None:
        self.article = article
        self.numbers = {n.section.anchor: n for n in numbered(article.sections)}

    @singledispatchmethod
    def block(self, block: Block) -> str:
        """A block as Markdown, with an empty line behind it."""
        raise NotImplementedError(type(block).__name__)

    @block.register
    def _(self, section: Section) -> str:
        found = self.numbers[section.anchor]
        title = " ".join(
            [*([section.title] if section.title else []), *([f"`{section.code}`"] if section.code else [])]
        )
        inside = "\n".join(map(self.block, section.blocks))
        return (
            f'<a id="{section.anchor}"></a>\n\n{"#" * (found.depth + 1)} {found.number} {title}\n\n{inside}'
        )

    @block.register
    def _(self, paragraph: Paragraph) -> str:
        return f"{_cell(paragraph.parts)}\n"

    @block.register
    def _(self, display: Display) -> str:
        tag = f" \\tag{{{display.number}}}" if display.number else ""
        anchor = f'<a id="equation-{display.number}"></a>\n\n' if display.number else ""
        return f"{anchor}$$\n{_math(display)}{tag}\n$$\n"

    @block.register
    def _(self, steps: Steps) -> str:
        signs = ("= " if step.goes_on else "" for step in steps.rows)
        return "\n".join(
            f"$$\n{sign}{_math(step.display)}\n$$\n\n{_escaped(step.reason)}\n"
            for sign, step in zip(signs, steps.rows, strict=True)
        )

    @block.register
    def _(self, table: Table) -> str:
        sides = ["---:" if n in table.numbers else "---" for n in range(len(table.headings))]
        rows = [table.headings, sides, *(map(_cell, row) for row in table.rows)]
        rows += [map(_strong, table.last)] if table.last else []
        lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        return f"*{_escaped(table.caption)}*\n\n{lines}\n"

    @block.register
    def _(self, figure: Figure) -> str:
        array = values_of(self.article.run, figure.name)
        words = f"*{_escaped(figure.caption)}, from {float(array.min()):.3g} to {float(array.max()):.3g}*\n"
        plan = layout(array.shape)
        if array.size <= LISTED:
            return f"{words}\n{', '.join(_number(Number(float(v))) for v in array.reshape(-1))}\n"
        if array.ndim == 1 or plan.width > WIDEST:
            return words
        tile = np.abs(array.reshape(plan.tiles, plan.height, plan.width)[0])
        return f"{_shaded(tile / (np.abs(array).max() or 1.0))}\n{words}"

    @block.register
    def _(self, diagram: Diagram) -> str:
        cards = [
            f'    {c.name}["{c.name}{f" ({c.kind})" if c.kind else ""}<br>{shown_shape(c.shape)}"]'
            for c in diagram.cards
        ]
        edges = [f"    {source} --> {c.name}" for c in diagram.cards for source in c.sources]
        lines = "\n".join(["```mermaid", "graph TD", *cards, *edges, "```"])
        return f"{lines}\n\n*{_escaped(diagram.caption)}*\n"

    @block.register
    def _(self, fold: Fold) -> str:
        inside = "\n".join(map(self.block, fold.blocks))
        return f"<details>\n<summary>{_escaped(fold.title)}</summary>\n\n{inside}\n</details>\n"


def _shaded(tile: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> str:
    """Numbers from 0 to 1 as a picture of letters, in a block of code; what is no number stays empty."""
    levels = np.rint(np.nan_to_num(tile) * (len(SHADES) - 1)).astype(int)
    lines = ("".join(SHADES[level] * 2 for level in row).rstrip() for row in levels)
    return "\n".join(["```text", *lines, "```", ""])


def _math(display: Display) -> str:
    return _safe(latex(display.item, gradients=display.gradients))


def _safe(source: str) -> str:
    for command, other in SAFE.items():
        source = source.replace(command, other)
    return source


def _cell(parts: Cell) -> str:
    return "".join(map(_inline, parts))


def _strong(parts: Cell) -> str:
    written = _cell(parts).strip()
    return f"**{written}**" if written else ""


def _inline(part: Inline) -> str:
    match part:
        case str():
            return _escaped(part)
        case Code(name):
            return f"`{name}`".replace("|", "\\|")
        case Link(words, anchor):
            return f"[{_escaped(words)}](#{anchor})"
        case Math(item, gradients):
            return f"${_safe(latex(item, gradients=gradients)).strip()}$"
        case Number():
            return _number(part)


def _number(number: Number) -> str:
    digits, power = mantissa(number)
    return f"{digits.replace('-', '−')}" + (f"·10<sup>{str(power).replace('-', '−')}</sup>" if power else "")


def _escaped(words: str) -> str:
    return words.translate(SPECIAL)
