"""Formulas that nobody thought of, and their gradients, as machine code."""

from __future__ import annotations

import pytest

from tests.compiler.native import both_ways, native
from tests.compiler.rounding import errors
from tests.formula.grammar import draw

__all__ = ["worst_error"]

TOGETHER = 8


def worst_error(seed: int, dtype: str) -> float:
    """Of all equations of one random formula and of its gradients, in units of what rounding explains."""
    case = draw(seed)
    worst = 0.0
    for formula, ranges, operands in both_ways(case.formula(), case.operands(seed), case.sizes):
        values = native(formula, ranges, operands, dtype)
        found = {name: values[name] for name in formula.defined}
        worst = max([worst, *errors(formula, ranges, found, operands, dtype).values()])
    return worst


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("first", range(0, 32, TOGETHER))
def test_random_formulas_and_their_gradients(first: int, dtype: str) -> None:
    # each type has formulas of its own
    for seed in range(first, first + TOGETHER):
        number = 2 * seed + (dtype == "float32")
        assert worst_error(number, dtype) <= 1, number


# Numbers of formulas that were once refused or wrong: sums and maxima over several classes of remainders,
# exact quotients behind conditions, fractions, products of letters, maxima over values that conditions keep
# from padding, what is made of padding.
HARD = (47, 88, 98, 112, 124, 136, 155, 174, 191, 276, 361, 433, 445, 549, 630, 1704, 2323, 2765, 2884, 2928)


@pytest.mark.parametrize("number", HARD)
def test_formulas_that_were_hard(number: int) -> None:
    assert worst_error(number, "float64") <= 1
