"""The article as a document for pdflatex, which needs nothing but LaTeX's own packages."""

from __future__ import annotations

from functools import cache, singledispatchmethod
from importlib.resources import files
from typing import TYPE_CHECKING

from pellucid.explain.article.content import (
    Block,
    Card,
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
from pellucid.explain.article.graph import laid_out
from pellucid.explain.article.notation import shown_shape
from pellucid.explain.article.pixels import PALETTE, pixels
from pellucid.explain.article.words import mantissa, numbered, opening, subtitle, version
from pellucid.formula.latex import latex

if TYPE_CHECKING:
    from pellucid.explain.article.article import Article

__all__ = ["document", "escaped"]

SPECIAL = {c: f"\\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "×": r"\ensuremath{\times}", "·": r"\ensuremath{\cdot}", "−": r"\ensuremath{-}", "…": r"\ldots{}",
    "\N{NO-BREAK SPACE}": "~",
    "Σ": r"\ensuremath{\Sigma}", "ε": r"\ensuremath{\varepsilon}", "≤": r"\ensuremath{\le}", "’": "'",
}  # fmt: skip
SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
# The diagram, in its own units: a card, and the distance from one to the next.
WIDTH, HEIGHT, ACROSS, DOWN = 200, 26, 215, 44
# Of the page, and how large a unit of the diagram is at most, points.
PAGE, UNIT = 440, 0.9
# So much of the line do columns of numbers take.
NARROW = 0.16


def document(article: Article) -> str:
    """The whole document."""
    writer = _Writer(article)
    notes = " ".join(map(escaped, article.notes))
    body = "".join(map(writer.block, article.sections))
    return (
        f"{_preamble()}\\definepalette{{{len(PALETTE) // 3 - 1}}}{{{PALETTE.hex()}}}\n"
        f"\\title{{{escaped(article.title)}\\\\\\large {subtitle()}}}\n"
        f"\\author{{pellucid {version()}}}\\date{{}}\n\\begin{{document}}\n\\maketitle\n"
        f"\\noindent {opening()} {notes}\n\\tableofcontents\n{body}\\end{{document}}\n"
    )


@cache
def _preamble() -> str:
    return (files(__package__) / "preamble.tex").read_text(encoding="utf-8")


class _Writer:
    def __init__(self, article: Article) -> None:
        self.article = article
        self.depths = {n.section.anchor: n.depth for n in numbered(article.sections)}

    @singledispatchmethod
    def block(self, block: Block) -> str:
        """A block as LaTeX."""
        raise NotImplementedError(type(block).__name__)

    @block.register
    def _(self, section: Section) -> str:
        title = escaped(section.title) + (f" \\texttt{{{escaped(section.code)}}}" if section.code else "")
        plain = escaped(f"{section.title} {section.code}".strip())
        command = SECTIONS[self.depths[section.anchor]]
        inside = "".join(map(self.block, section.blocks))
        return (
            f"\n\\{command}{{\\texorpdfstring{{{title.strip()}}}{{{plain}}}}}"
            f"\\hypertarget{{{section.anchor}}}{{}}\n{inside}"
        )

    @block.register
    def _(self, paragraph: Paragraph) -> str:
        size = "\\small " if paragraph.note else ""
        return f"\n{{{size}{cell(paragraph.parts)}\\par}}\n"

    @block.register
    def _(self, display: Display) -> str:
        anchor = f"\\hypertarget{{equation-{display.number}}}{{}}" if display.number else ""
        tag = f"\\tag{{{display.number}}}" if display.number else ""
        return f"{anchor}\\[\\fit{{{_math(display)}}}{tag}\\]\n"

    @block.register
    def _(self, steps: Steps) -> str:
        rows = (
            f"\\step{{{'$=$~' if s.goes_on else ''}}}{{{_math(s.display)}}}{{{escaped(s.reason)}}}\n"
            for s in steps.rows
        )
        return "\n" + "".join(rows)

    @block.register
    def _(self, table: Table) -> str:
        count = len(table.headings)
        texts = count - len(table.numbers)
        width = (1 - NARROW * len(table.numbers)) / max(texts, 1) - 0.02
        columns = "".join("r" if n in table.numbers else f"L{{{width:.3f}\\linewidth}}" for n in range(count))
        rows = "".join(f"{' & '.join(map(cell, row))} \\\\\n" for row in table.rows)
        last = f"\\hline {' & '.join(map(cell, table.last))} \\\\\n" if table.last else ""
        head = " & ".join(map(escaped, table.headings))
        caption = f"\\caption*{{{_code(table.caption)}}}\\\\\n{head} \\\\ \\hline\\endhead\n"
        return (
            f"\n{{\\small\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n"
            f"{caption}{rows}{last}\\hline\n\\end{{longtable}}}}\n"
        )

    @block.register
    def _(self, figure: Figure) -> str:
        picture = pixels(self.article.run, figure.name)
        width, height = picture.size(PAGE)
        colours = "/DeviceGray" if picture.grey else "\\palette"
        sizes = f"{{{width:.1f}}}{{{height:.1f}}}{{{picture.across}}}{{{picture.down}}}"
        drawn = f"\\pixels{sizes}{{{colours}}}{{%\n{picture.hexadecimal}}}"
        return f"\n\\picturebox{{{drawn}}}{{{_code(figure.caption)}, {escaped(picture.range)}}}\n"

    @block.register
    def _(self, diagram: Diagram) -> str:
        return f"\n\\picturebox{{{_drawn(diagram)}}}{{{escaped(diagram.caption)}}}\n"

    @block.register
    def _(self, fold: Fold) -> str:
        return f"\n\\paragraph{{{_code(fold.title)}}}\\mbox{{}}\\par\n{''.join(map(self.block, fold.blocks))}"


def _math(display: Display) -> str:
    return latex(display.item, gradients=display.gradients)


def cell(parts: Cell) -> str:
    """Inline parts as LaTeX."""
    return "".join(map(inline, parts))


def inline(part: Inline) -> str:
    """A part of a line as LaTeX."""
    match part:
        case str():
            return escaped(part)
        case Code(text):
            return f"\\texttt{{{_code(text)}}}"
        case Link(text, anchor):
            return f"\\hyperlink{{{anchor}}}{{{_code(text)}}}"
        case Math(item, gradients):
            return f"${latex(item, gradients=gradients)}$"
        case Number():
            digits, power = mantissa(part)
            if not digits.lstrip("-")[:1].isdigit():
                return digits
            return f"${digits}\\cdot 10^{{{power}}}$" if power else f"${digits}$"


def escaped(text: str) -> str:
    """Text in which no character is a command; those that the fonts do not have are named by their number."""
    return "".join(SPECIAL.get(c, c if c.isascii() and c.isprintable() else _foreign(c)) for c in text)


def _foreign(char: str) -> str:
    return f"\\texttt{{U+{ord(char):04X}}}"


def _code(text: str) -> str:
    """A name that may be divided."""
    words = escaped(text)
    for sign in (".", "[", ",", "*"):
        words = words.replace(sign, f"{sign}\\allowbreak{{}}")
    return words


def _drawn(diagram: Diagram) -> str:
    layout = laid_out(diagram.cards)
    width, height = layout.columns * ACROSS + WIDTH, layout.rows * DOWN
    unit = min(UNIT, PAGE / width)
    lines = [f"\\setlength{{\\unitlength}}{{{unit:.3f}pt}}\\begin{{picture}}({width:g},{height:g})"]
    for edge in layout.edges:
        last = len(edge.points) - 1
        for place, ((column, row), (other, below)) in enumerate(
            zip(edge.points, edge.points[1:], strict=False)
        ):
            x, y = column * ACROSS + WIDTH / 2, height - row * DOWN - (HEIGHT if place == 0 else 0)
            to, end = other * ACROSS + WIDTH / 2, height - below * DOWN
            end += 6 if place == last - 1 else 0
            lines.append(f"\\qbezier({x:g},{y:g})({(x + to) / 2:g},{(y + end) / 2:g})({to:g},{end:g})")
            if place == last - 1:
                lines.append(f"\\put({to:g},{end:g}){{\\vector(0,-1){{6}}}}")
    for card in diagram.cards:
        place_of = layout.places[card.name]
        x, y = place_of.column * ACROSS, height - place_of.row * DOWN - HEIGHT
        lines.append(f"\\put({x:g},{y:g}){{\\framebox({WIDTH},{HEIGHT}){{\\footnotesize {_label(card)}}}}}")
    return "".join([*lines, "\\end{picture}"])


def _label(card: Card) -> str:
    kind = f" {escaped(card.kind)}" if card.kind else ""
    return f"\\texttt{{{escaped(card.name)}}}{kind}, {escaped(shown_shape(card.shape))}"
