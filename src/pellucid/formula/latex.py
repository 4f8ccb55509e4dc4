r"""Formulas written as LaTeX, for a document that loads ``amsmath``.

>>> from pellucid.formula.parse import parse_equation
>>> print(latex(parse_equation("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]")))
y_{n,k} = b_{k} + \sum_{d} w_{k,d}\, x_{n,d}
>>> print(latex(parse_equation("dx[n,d] = sum[k] dy[n,k]*w[k,d]"), gradients={"dx": "x", "dy": "y"}))
\frac{\partial L}{\partial x_{n,d}} = \sum_{k} \frac{\partial L}{\partial y_{n,k}}\, w_{k,d}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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
from pellucid.formula.names import GREEK

__all__ = ["latex"]

SIGNS = {char: f"\\{name}" for name, char in GREEK.items() if name != "eps"} | {
    "ε": r"\varepsilon", "φ": r"\varphi", "∂": r"\partial", "−": "-", "·": r"\cdot", "≠": r"\ne", "≤": r"\le",
    "≥": r"\ge", "∣": r"\mid", "¬": r"\lnot", "∑": r"\sum", "mod": r"\bmod", "′": r"\prime", "⌊": r"\lfloor",
    "⌋": r"\rfloor",
}  # fmt: skip
NEW_LINE, THIN = r" \\ ", r"\,"
KNOWN_FUNCTIONS = ("exp", "log", "tanh", "max", "min")
SPECIAL = {c: f"\\{c}" for c in "#$%&_{}"} | {"\\": r"\backslash ", "~": r"\sim ", "^": r"\hat{}"}


def latex(item: Printable, *, gradients: Mapping[str, str] | None = None) -> str:
    r"""An expression, condition, index, equation or assumption as LaTeX's mathematics.

    Args:
        item: what to write.
        gradients: tensors that are gradients of the loss *L*, and of what: ``{"dy": "y"}``.

    Returns:
        Mathematics without its dollar signs; some commands in it come from ``amsmath``.
    """
    return _written(layout(item, gradients))


def _written(box: Box) -> str:
    match box:
        case Symbol():
            return _symbol(box)
        case Row(parts):
            return _joined(map(_written, parts))
        case Scripts(base, below, above):
            return _written(base) + _script("_", below) + _script("^", above)
        case Limits(base, below):
            return f"{_symbol(base)}_{{{_written(below)}}} "
        case Fraction(above, below):
            return f"\\frac{{{_written(above)}}}{{{_written(below)}}}"
        case Root(inside):
            return f"\\sqrt{{{_written(inside)}}}"
        case Fence():
            return _fence(box)
        case Stack(lines):
            return f"\\substack{{{NEW_LINE.join(map(_written, lines))}}}"
        case Cases(rows):
            written = (f"{_written(value)} & {_written(condition)}" for value, condition in rows)
            return f"\\begin{{cases}} {NEW_LINE.join(written)} \\end{{cases}}"


def _script(sign: str, box: Box | None) -> str:
    return "" if box is None else f"{sign}{{{_written(box)}}}"


def _joined(parts: Iterable[str]) -> str:
    """The parts behind each other; a command ends before a letter, and no two blanks follow each other."""
    written = ""
    for part in parts:
        if re.search(r"\\[A-Za-z]+$", written) and part[:1].isalpha():
            written += " "
        written += part.lstrip(" ") if written.endswith(" ") else part
    return written


def _symbol(symbol: Symbol) -> str:
    text = SIGNS.get(symbol.text, symbol.text)
    match symbol.role:
        case "binary" if symbol.text == "/":
            return "/"
        case "binary" | "relation":
            return f" {text} "
        case "times":
            return r"\, "
        case "tight":
            return " "
        case "apply":
            return ""
        case "space":
            return r"\quad "
        case "comma":
            return ",\\, " if text == ", " else ","
        case "word":
            return f"\\mathrm{{{_escaped(text)}}}"
        case "text":
            return f"\\text{{{_escaped(text)}}}"
        case "function":
            return f"\\{text}" if text in KNOWN_FUNCTIONS else f"\\operatorname{{{text}}}"
        case "limit":
            return f"\\{text}" if text in KNOWN_FUNCTIONS else f"\\operatorname*{{{text.replace(' ', THIN)}}}"
    return text


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(c, c) for c in text)


def _fence(fence: Fence) -> str:
    inside = _written(fence.inside).strip()
    left, right = SIGNS.get(fence.left, fence.left), SIGNS.get(fence.right, fence.right)
    if fence.left == "|":
        left, right = r"\lvert", r"\rvert"
    if is_tall(fence.inside):
        return f"\\left{left} {inside} \\right{right}"
    return f"{left} {inside} {right}" if left.startswith("\\") else f"{left}{inside}{right}"
