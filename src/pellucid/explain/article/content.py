"""What an article is made of, before it is written as HTML, LaTeX or Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pellucid.formula.layout import Printable
from pellucid.formula.ranges import Shape

__all__ = [
    "NO_GRADIENTS", "Block", "Card", "Cell", "Code", "Diagram", "Display", "Figure", "Fold", "Inline", "Link",
    "Math", "Number", "Paragraph", "Section", "Step", "Steps", "Table", "paragraph",
]  # fmt: skip

NO_GRADIENTS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Code:
    """A name as it is typed; `reference` is the number of the run that it stands for, if it is one."""

    text: str
    reference: str = ""


@dataclass(frozen=True)
class Link:
    """Words that lead to a section or equation of the article, by its anchor."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Math:
    """Mathematics within a line; `gradients` says which tensors are gradients, and of what."""

    item: Printable
    gradients: Mapping[str, str] = field(default_factory=lambda: NO_GRADIENTS)


@dataclass(frozen=True)
class Number:
    """A number with so many significant digits."""

    value: float
    digits: int = 6


Inline = str | Code | Link | Math | Number
Cell = tuple[Inline, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; a `note` is set smaller."""

    parts: Cell
    note: bool = False


@dataclass(frozen=True)
class Display:
    """An equation on a line of its own.

    Attributes:
        item: what is set.
        gradients: tensors that are gradients, and of what.
        number: of the equation in the article; 0 if it has none.
    """

    item: Printable
    gradients: Mapping[str, str] = field(default_factory=lambda: NO_GRADIENTS)
    number: int = 0


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        display: what is set.
        reason: why it holds.
        goes_on: whether it is another right side of the line before it.
    """

    display: Display
    reason: str
    goes_on: bool = False


@dataclass(frozen=True)
class Steps:
    """A derivation, line by line."""

    rows: tuple[Step, ...]


@dataclass(frozen=True)
class Table:
    """Rows under headings.

    Attributes:
        caption: above it.
        headings: of the columns.
        rows: cells of inline parts.
        numbers: which columns hold numbers, set to the right.
        last: the row under the line, if there is one.
        kind: "notation", whose rows stand close together, "terms", or empty.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()
    last: tuple[Cell, ...] = ()
    kind: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture of one tensor of the run, by its name."""

    name: str
    caption: str


@dataclass(frozen=True)
class Card:
    """A node of the diagram of an architecture.

    Attributes:
        name: of the value.
        kind: of the layer.
        shape: of the value, for one image.
        sources: names of the cards that it reads.
        anchor: of the section about it; empty if there is none.
    """

    name: str
    kind: str
    shape: Shape
    sources: tuple[str, ...] = ()
    anchor: str = ""


@dataclass(frozen=True)
class Diagram:
    """A directed graph, in an order in which every card comes behind those that it reads."""

    caption: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens them."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """A titled part.

    Attributes:
        title: a name in it that is typed is set as such by `code`.
        anchor: unique in the article.
        blocks: what stands in it, sections among them last.
        code: a name behind the title.
    """

    title: str
    anchor: str
    blocks: tuple[Block, ...]
    code: str = ""

    @property
    def sections(self) -> Iterator[Section]:
        """The sections inside this one."""
        return (b for b in self.blocks if isinstance(b, Section))


Block = Paragraph | Display | Steps | Table | Figure | Diagram | Fold | Section


def paragraph(*parts: Inline, note: bool = False) -> Paragraph:
    """A paragraph of these parts."""
    return Paragraph(parts, note)
