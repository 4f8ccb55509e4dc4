"""What the letters of an equation are said to be, for the layers that there are and for others."""

from __future__ import annotations

import pytest

import pellucid as pl
from pellucid.explain.article.content import Table
from pellucid.explain.article.notation import AXES, Tensor, notation
from pellucid.formula.ranges import solve
from pellucid.layers import Layer

CONVOLUTION = pl.Conv2D(8, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (
            CONVOLUTION, (1, 3, 9, 9),
            {
                "n": ("image", "0"), "k": ("output channel", "0 … 7"), "c": ("input channel", "0 … 2"),
                "i": ("output row", "0 … 4"), "j": ("output column", "0 … 6"),
                "u": ("row inside the window", "0 … 2"), "v": ("column inside the window", "0 … 1"),
                "s": ("stride: rows from one window to the next", 2.0),
                "t": ("stride: columns from one window to the next", 1.0),
                "e": ("dilation: columns from one element of the window to the next", 2.0),
                "p": ("padding: rows before the first", 1.0), "q": ("padding: columns before the first", 0.0),
            },
        ),
        (pl.ReLU(), (1, 2, 3, 3), {"c": ("channel", "0 … 1"), "i": ("row", "0 … 2")}),
        (pl.Dense(4), (1, 6), {"k": ("output feature", "0 … 3"), "d": ("input feature", "0 … 5")}),
        (pl.Flatten(), (1, 2, 3, 3), {"c": ("channel", "0 … 1"), "i": ("row", "0 … 2")}),
        (pl.Softmax(), (1, 5), {"n": ("image", "0"), "k": ("feature", "0 … 4")}),
        (
            pl.FormulaLayer(
                "y[n,m] = mean[d] exp(scale*x[n,d]*w[m,d])", {"w": pl.Parameter("m,d")}, {"scale": 2, "M": 3}
            ),
            (1, 4),
            {
                "m": ("output feature", "0 … 2"), "scale": ("a constant of the layer", 2.0),
                "D": ("number of values of d", 4),
            },
        ),
    ],
)  # fmt: skip
def test_letters_are_named_by_where_they_stand(
    layer: Layer, shape: tuple[int, ...], expected: dict[str, tuple[str, object]]
) -> None:
    found = _symbols(_notation(layer, shape))
    assert expected.items() <= found.items()
    assert len(found) == len({*found})


def test_tensors_stand_first_with_their_shapes() -> None:
    rows = _notation(CONVOLUTION, (1, 3, 9, 9)).rows
    assert [(row[1], row[2]) for row in rows[:4]] == [
        (("the output",), ("1 × 8 × 5 × 7",)), (("b",), ("8",)), (("w",), ("8 × 3 × 3 × 2",)),
        (("the input",), ("1 × 3 × 9 × 9",)),
    ]  # fmt: skip


def _notation(layer: Layer, shape: tuple[int, ...]) -> Table:
    formula = layer.formula((shape,))
    ranges = solve(formula, {"x": shape})
    tensors = {name: Tensor((name,)) for name in layer.parameters}
    tensors["x"] = Tensor(("the input",), "input", AXES[len(shape)])
    output = ranges.shapes[formula.output]
    tensors[formula.output] = Tensor(("the output",), "output", AXES[len(output)])
    return notation(formula.equations, formula, ranges, tensors, "Notation")


def _symbols(table: Table) -> dict[str, tuple[object, object]]:
    """What is said of each symbol that is no tensor."""
    cells = ((row[0][0], row[1][0], row[2][0]) for row in table.rows)
    return {str(symbol.item): (words, getattr(here, "value", here)) for symbol, words, here in cells}
