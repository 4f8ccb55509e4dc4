"""MathML: well-formed, of MathML Core's elements only, and readable as text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.formula.expression import Condition, Equation, Expr, Read
from pellucid.formula.index import Index
from pellucid.formula.mathml import mathml
from pellucid.formula.parse import Assumption, parse, parse_expression
from tests.formula.strategies import assumptions, conditions, equations, expressions
from tests.formula.test_latex import GRADIENTS, WRITTEN

SPACE = "{http://www.w3.org/1998/Math/MathML}"
# Elements of MathML Core, and how many children they take (None: any number).
CHILDREN = {
    "math": None, "mrow": None, "mtable": None, "mtr": None, "mtd": None, "msqrt": None, "mfrac": 2,
    "msub": 2, "msup": 2, "munder": 2, "msubsup": 3, "mi": 0, "mn": 0, "mo": 0, "mtext": 0, "mspace": 0,
}  # fmt: skip
ATTRIBUTES = {
    "display", "alttext", "form", "fence", "stretchy", "movablelimits", "lspace", "rspace", "mathvariant",
    "width", "style",
}  # fmt: skip


def checked(written: str) -> ElementTree.Element:
    """The tree, if it is what MathML Core allows."""
    root = ElementTree.fromstring(written)
    for element in root.iter():
        tag = element.tag.removeprefix(SPACE)
        assert element.tag.startswith(SPACE)
        assert CHILDREN[tag] in (None, len(element))
        assert set(element.attrib) <= ATTRIBUTES
        assert not (CHILDREN[tag] or len(element)) or not (element.text or "").strip()
    return root


def shape(element: ElementTree.Element) -> str:
    """The tree in short: ``msub(x i)``; invisible signs are left out."""
    tag = element.tag.removeprefix(SPACE)
    if CHILDREN[tag] == 0:
        return re.sub("[\u2061\u2062]", "", element.text or "").strip()
    inside = " ".join(filter(None, map(shape, element)))
    return f"({inside})" if tag == "mrow" else f"{tag}({inside})"


@pytest.mark.parametrize("source", WRITTEN)
@pytest.mark.parametrize("display", [True, False])
def test_formulas_are_well_formed(source: str, display: bool) -> None:
    (statement,) = parse(source)
    root = checked(mathml(statement, display=display, gradients=GRADIENTS))
    assert root.get("display") == ("block" if display else None)
    assert parse(root.attrib["alttext"]) == (statement,)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("2*x[i,j + 1]^2", "(2 msubsup(x (i , (j + 1)) 2))"),
        ("x[(i,j)]", "msub(x (( (i , j) )))"),
        ("sum[u : u < i] w[u]", "(munder(∑ mtable(mtr(mtd(u)) mtr(mtd((u < i))))) msub(w u))"),
        ("max[u<3] w[u]", "(munder(max (0 ≤ u < 3)) msub(w u))"),
        ("dy[i]/(1 + exp(-t))", "mfrac(mfrac((∂ L) (∂ msub(y i))) (1 + (exp (( (− t) )))))"),
        ("where(i < 1, x, 2)", "({ mtable(mtr(mtd(x) mtd((if (i < 1)))) mtr(mtd(2) mtd(otherwise))))"),
        ("[s | i]*alpha1", "(([ (s ∣ i) ]) msub(α 1))"),
        ("sqrt(x)", "msqrt(x)"),
        ("x[i//2]", "msub(x (⌊ (i / 2) ⌋))"),
    ],
)
def test_trees_are_those_of_the_mathematics(source: str, expected: str) -> None:
    assert shape(checked(mathml(parse_expression(source, "i,j"), gradients=GRADIENTS))) == f"math({expected})"


@given(expressions() | conditions() | equations() | assumptions(), st.booleans(), st.booleans())
def test_all_that_can_be_said_can_be_written(
    item: Expr | Condition | Equation | Assumption, display: bool, told: bool
) -> None:
    root = checked(mathml(item, display=display, gradients=GRADIENTS if told else None))
    assert root.attrib["alttext"] == str(item)


def test_names_cannot_break_out() -> None:
    name = "<script>alert(\"1\" & '2')</script>\0\ud800"
    root = checked(mathml(Read(name, (Index.of("i"),))))
    shown = name.replace("\0", "\N{REPLACEMENT CHARACTER}").replace("\ud800", "\N{REPLACEMENT CHARACTER}")
    assert [e.text for e in root.iter(f"{SPACE}mi")] == [shown, "i"]
    assert root.attrib["alttext"] == f"{shown}[i]"


def test_indices_are_written_too() -> None:
    assert shape(checked(mathml(2 * Index.of("i") - 1))) == "math(((2 i) − 1))"
