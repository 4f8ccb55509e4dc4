"""Formulas that nobody thought of: drawn from a grammar of the whole language, by number."""

from __future__ import annotations

import pytest

from pellucid.formula.check import passed
from tests.formula.grammar import draw
from tests.formula.verify import verified

TOGETHER = 10


@pytest.mark.parametrize("first", range(0, 200, TOGETHER))
def test_random_formulas_hold_and_their_gradients_too(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        case = draw(seed)
        rows = verified(case, seed)
        assert passed(rows), (case, rows)


def test_a_solution_that_is_put_in_stays_whole() -> None:
    """Its gradient needs ``2 | h + 1`` although the letter that said so is summed away."""
    case = draw(2884)
    assert passed(verified(case, 2884))


def test_a_number_always_draws_the_same_formula() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
