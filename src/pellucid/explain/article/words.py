"""Numbers and titles as every form of the article has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pellucid.explain.article.content import Number, Section
from pellucid.model.model import versions

__all__ = ["Numbered", "mantissa", "numbered", "opening", "subtitle", "version"]


@dataclass(frozen=True)
class Numbered:
    """A section with its number (``2.1``) and its depth from 1."""

    section: Section
    number: str
    depth: int


def numbered(sections: Sequence[Section], above: str = "", depth: int = 1) -> Iterator[Numbered]:
    """All sections, each before those inside it."""
    for place, section in enumerate(sections, 1):
        number = f"{above}{place}"
        yield Numbered(section, number, depth)
        yield from numbered([*section.sections], f"{number}.", depth + 1)


def mantissa(number: Number) -> tuple[str, int]:
    """The digits of a number, and the power of ten behind them, which may be 0.

    >>> mantissa(Number(-0.00012345678, 3)), mantissa(Number(12.5))
    (('-1.23', -4), ('12.5', 0))
    """
    text = f"{number.value + 0.0:.{number.digits}g}"
    digits, _, power = text.partition("e")
    if not power and 0 < abs(number.value) < 1e-3:
        digits, _, power = f"{number.value:.{number.digits - 1}e}".partition("e")
        if "." in digits:
            digits = digits.rstrip("0").rstrip(".")
    return digits, int(power or 0)


def subtitle() -> str:
    """Under the title of every article."""
    return "A network written out: its equations, their gradients, and one image followed through both"


def opening() -> str:
    """The first sentence of every article."""
    return (
        "Everything below, formulas, derivations, numbers and pictures, was made from the network's "
        "equations, the same ones that compute it."
    )


def version() -> str:
    """Of the program that writes."""
    return versions()["pellucid"]
