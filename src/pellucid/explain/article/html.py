"""The article as one HTML page that needs nothing else."""

from __future__ import annotations

import html
from functools import cache, singledispatchmethod
from importlib.resources import files
from typing import TYPE_CHECKING

from pellucid.explain import page as live
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
    Step,
    Steps,
    Table,
)
from pellucid.explain.article.diagram import svg
from pellucid.explain.article.words import Numbered, mantissa, numbered, opening, subtitle, version
from pellucid.formula.mathml import NAMESPACE, mathml

if TYPE_CHECKING:
    from pellucid.explain.article.article import Article

__all__ = ["page"]

# Pages know MathML without it.
KNOWN = f' xmlns="{NAMESPACE}"'
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def page(article: Article) -> str:
    """The whole document."""
    writer = _Writer(article)
    body = "".join(writer.block(section) for section in article.sections)
    title = html.escape(article.title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="pellucid {version()}">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{title}, written out</title>\n<style>\n{_file('style.css')}{live.style()}</style>\n</head>\n"
        f'<body>\n<a class="skip" href="#article">To the article</a>\n{_contents(article)}\n'
        f'<main id="article" tabindex="-1">\n{_head(article)}\n{body}</main>\n{live.panel()}\n{_foot()}\n'
        f"{live.data(article.run, classes=article.classes, rate=article.rate, optimiser=article.optimiser)}\n"
        f"<script>\n{_file('script.js')}{live.script()}</script>\n</body>\n</html>\n"
    )


@cache
def _file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _contents(article: Article) -> str:
    """The table of contents, beside the text where there is room."""
    items = "".join(_entry(n) for n in numbered(article.sections) if n.depth == 1)
    title = html.escape(article.title)
    return f'<nav class="contents" aria-label="Contents"><p>{title}</p><ol>{items}</ol></nav>'


def _entry(found: Numbered) -> str:
    section = found.section
    inner = "".join(_entry(n) for n in numbered([*section.sections], f"{found.number}.", 2) if n.depth == 2)
    inside = f"<ol>{inner}</ol>" if inner else ""
    title = f'<span class="no">{found.number}</span> {_title(section)}'
    return f'<li><a href="#{section.anchor}">{title}</a>{inside}</li>'


def _title(section: Section) -> str:
    parts = [html.escape(section.title)] if section.title else []
    parts += [f"<code>{html.escape(section.code)}</code>"] if section.code else []
    return " ".join(parts)


def _head(article: Article) -> str:
    notes = " ".join(html.escape(note) for note in article.notes)
    how = (
        f"{opening()} Any coloured square can be pressed: the page then shows the terms that its number is "
        "made of."
    )
    facts = _facts(article)
    return (
        f'<header><h1>{html.escape(article.title)}</h1><p class="subtitle">{subtitle()}</p>'
        f'<dl class="facts">{facts}</dl><p class="note">{how} {notes}</p></header>'
    )


def _facts(article: Article) -> str:
    summary = article.run.network.summary()
    facts = {
        "layers": f"{len(summary.layers)}",
        "parameters": f"{summary.parameters:,}",
        "multiply-adds an image": f"{summary.multiply_adds:,}",
    }
    if article.run.network.loss is not None:
        facts["loss on this image"] = f"{article.run.loss:.4g}"
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())


def _foot() -> str:
    return f"<footer><p>Written by pellucid {version()} from the network’s equations.</p></footer>"


class _Writer:
    """Writes blocks; knows which number each section has."""

    def __init__(self, article: Article) -> None:
        self.article = article
        self.numbers = {n.section.anchor: n for n in numbered(article.sections)}

    @singledispatchmethod
    def block(self, block: Block) -> str:
        """A block as HTML."""
        raise NotImplementedError(type(block).__name__)

    @block.register
    def _(self, section: Section) -> str:
        found = self.numbers[section.anchor]
        tag = f"h{found.depth + 1}"
        anchor, title = section.anchor, f'<span class="no">{found.number}</span> {_title(section)}'
        heading = f'<{tag} id="{anchor}-title">{title}</{tag}>'
        inside = "".join(map(self.block, section.blocks))
        return f'<section id="{anchor}" aria-labelledby="{anchor}-title">{heading}\n{inside}</section>\n'

    @block.register
    def _(self, paragraph: Paragraph) -> str:
        kind = ' class="note"' if paragraph.note else ""
        return f"<p{kind}>{cell(paragraph.parts)}</p>\n"

    @block.register
    def _(self, display: Display) -> str:
        anchor = f' id="equation-{display.number}"' if display.number else ""
        number = f'<span class="number">({display.number})</span>' if display.number else ""
        return f'<div class="equation"{anchor}><div class="scroll">{_math(display)}</div>{number}</div>\n'

    @block.register
    def _(self, steps: Steps) -> str:
        return f'<ol class="steps">\n{"".join(map(_step, steps.rows))}</ol>\n'

    @block.register
    def _(self, table: Table) -> str:
        sides = [' class="number"' if n in table.numbers else "" for n in range(len(table.headings))]
        head = "".join(
            f'<th scope="col"{side}>{html.escape(h)}</th>'
            for h, side in zip(table.headings, sides, strict=True)
        )
        body = "".join(f"<tr>{_row(row, sides)}</tr>\n" for row in table.rows)
        kind = f' class="{table.kind}"' if table.kind else ""
        foot = f"<tfoot><tr>{_row(table.last, sides)}</tr></tfoot>" if table.last else ""
        return (
            f'<div class="scroll table"><table{kind}><caption>{html.escape(table.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>{foot}</table></div>\n"
        )

    @block.register
    def _(self, figure: Figure) -> str:
        caption = html.escape(figure.caption)
        return (
            live.figure(self.article.run, figure.name, caption=caption, classes=self.article.classes) + "\n"
        )

    @block.register
    def _(self, diagram: Diagram) -> str:
        caption = html.escape(diagram.caption)
        drawn = f'<div class="scroll">{svg(diagram)}</div>'
        return f'<figure class="diagram">{drawn}<figcaption>{caption}</figcaption></figure>\n'

    @block.register
    def _(self, fold: Fold) -> str:
        inside = "".join(map(self.block, fold.blocks))
        return f"<details><summary>{html.escape(fold.title)}</summary>\n{inside}</details>\n"


def _step(step: Step) -> str:
    equals = '<span class="equals" aria-hidden="true">=</span>' if step.goes_on else ""
    kind = "" if step.goes_on else ' class="start"'
    reason = f'<p class="reason">{html.escape(step.reason)}</p>'
    return f'<li{kind}>{equals}<div class="scroll">{_math(step.display)}</div>{reason}</li>\n'


def _math(display: Display) -> str:
    return mathml(display.item, display=True, gradients=display.gradients).replace(KNOWN, "", 1)


def _row(cells: tuple[Cell, ...], sides: list[str]) -> str:
    """Cells, the first of which is the row's heading, unless it has no words but only a symbol."""
    first, *rest = (cell(parts) for parts in cells)
    others = "".join(f"<td{side}>{text}</td>" for text, side in zip(rest, sides[1:], strict=True))
    symbol = all(isinstance(part, Math) for part in cells[0])
    return (f"<td>{first}</td>" if symbol else f'<th scope="row">{first}</th>') + others


def cell(parts: Cell) -> str:
    """Inline parts as HTML."""
    return "".join(map(inline, parts))


def inline(part: Inline) -> str:
    """A part of a line as HTML."""
    match part:
        case str():
            return html.escape(part, quote=False)
        case Code(text, reference):
            where = f' data-reference="{html.escape(reference)}"' if reference else ""
            return f"<code{where}>{_breakable(text)}</code>"
        case Link(text, anchor):
            return f'<a href="#{anchor}">{html.escape(text)}</a>'
        case Math(item, gradients):
            return mathml(item, gradients=gradients).replace(KNOWN, "", 1)
        case Number():
            return _number(part)


def _breakable(text: str) -> str:
    """A name that may be divided before its index."""
    return html.escape(text).replace("[", "<wbr>[").replace("*", "<wbr>*")


def _number(number: Number) -> str:
    digits, power = mantissa(number)
    digits = digits.replace("-", "−").replace("nan", "not a number").replace("inf", "∞")
    ten = f" · 10{str(power).translate(SUPERSCRIPTS)}" if power else ""
    return f'<span class="num">{digits}{ten}</span>'
