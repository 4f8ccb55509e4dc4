"""Formulas written as presentation MathML (MathML Core), which browsers show without our help.

>>> from pellucid.formula.parse import parse_expression
>>> print(mathml(parse_expression("x[i]", "i")))
<math xmlns="http://www.w3.org/1998/Math/MathML" alttext="x[i]"><msub><mi>x</mi><mi>i</mi></msub></math>
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from pellucid.formula.boxes import (
    Box,
    Cases,
    Fence,
    Fraction,
    Limits,
    Root,
    Row,
    Scripts,
    Stack,
    Symbol,
    is_tall,
)
from pellucid.formula.layout import Printable, layout

__all__ = ["mathml"]

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
# As references, so that what shows or keeps only visible characters leaves them alone.
INVISIBLE_TIMES, APPLY, NO_BREAK = "&#x2062;", "&#x2061;", "&#xa0;"
FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def mathml(item: Printable, *, display: bool = False, gradients: Mapping[str, str] | None = None) -> str:
    """An expression, condition, index, equation or assumption as a ``<math>`` element.

    Args:
        item: what to write.
        display: as a block of its own instead of within a line of text.
        gradients: tensors that are gradients of the loss *L*, and of what: ``{"dy": "y"}``.

    Returns:
        Well-formed XML; its ``alttext`` is the formula in our own language.
    """
    block = ' display="block"' if display else ""
    alternative = quoteattr(_legal(str(item)))
    return (
        f'<math xmlns="{NAMESPACE}"{block} alttext={alternative}>{_written(layout(item, gradients))}</math>'
    )


def _written(box: Box) -> str:
    match box:
        case Symbol():
            return _symbol(box)
        case Row(parts):
            return f"<mrow>{''.join(map(_written, parts))}</mrow>"
        case Scripts(base, below, above):
            return _scripts(base, below, above)
        case Limits(base, below):
            return f"<munder>{_symbol(base)}{_written(below)}</munder>"
        case Fraction(above, below):
            return f"<mfrac>{_written(above)}{_written(below)}</mfrac>"
        case Root(inside):
            return f"<msqrt>{_written(inside)}</msqrt>"
        case Fence(left, inside, right):
            tall = is_tall(inside)
            opening, closing = _bracket(left, "prefix", tall), _bracket(right, "postfix", tall)
            return f"<mrow>{opening}{_written(inside)}{closing}</mrow>"
        case Stack(lines):
            return _table([(line,) for line in lines], "padding: 0")
        case Cases(rows):
            return f"<mrow>{_bracket('{', 'prefix', True)}{_table(rows, 'text-align: left')}</mrow>"


def _scripts(base: Box, below: Box | None, above: Box | None) -> str:
    scripts = [_written(s) for s in (below, above) if s is not None]
    tag = "msubsup" if len(scripts) == 2 else "msup" if below is None else "msub"
    return f"<{tag}>{_written(base)}{''.join(scripts)}</{tag}>"


def _table(rows: Sequence[tuple[Box, ...]], style: str) -> str:
    lines = ("".join(f'<mtd style="{style}">{_written(cell)}</mtd>' for cell in row) for row in rows)
    return f"<mtable>{''.join(f'<mtr>{line}</mtr>' for line in lines)}</mtable>"


def _bracket(sign: str, form: str, grows: bool) -> str:
    return f'<mo form="{form}" fence="true" stretchy="{str(grows).lower()}">{escape(sign)}</mo>'


def _symbol(symbol: Symbol) -> str:
    text = escape(_legal(symbol.text))
    match symbol.role:
        case "number":
            return f"<mn>{text}</mn>"
        case "word" if len(symbol.text) == 1:
            return f'<mi mathvariant="normal">{text}</mi>'
        case "letter" | "word" | "function":
            return f"<mi>{text}</mi>"
        case "text":
            return f"<mtext>{text.replace(' ', NO_BREAK)}</mtext>"
        case "limit":
            return f'<mo form="prefix" movablelimits="true" lspace="0" rspace="0.1667em">{text}</mo>'
        case "prefix":
            return f'<mo form="prefix">{text}</mo>'
        case "binary" if text == "/":
            return '<mo lspace="0" rspace="0" stretchy="false">/</mo>'
        case "binary" if text.isalpha():
            return f'<mo lspace="0.2222em" rspace="0.2222em">{text}</mo>'
        case "times":
            return f'<mo lspace="0" rspace="0.1667em">{INVISIBLE_TIMES}</mo>'
        case "tight":
            return f"<mo>{INVISIBLE_TIMES}</mo>"
        case "apply":
            return f"<mo>{APPLY}</mo>"
        case "space":
            return '<mspace width="1em"/>'
        case "comma":
            return "<mo>,</mo>"
    return f"<mo>{text}</mo>"


def _legal(text: str) -> str:
    """The text without characters that XML forbids."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
