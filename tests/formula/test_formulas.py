"""The formulas that people use, each in all respects."""

from __future__ import annotations

import pytest

from pellucid.formula.check import passed
from tests.formula.case import Case
from tests.formula.formulas import FORMULAS
from tests.formula.verify import verified


@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case.name)
def test_the_formula_holds_and_its_gradients_too(case: Case) -> None:
    rows = verified(case, seed=1)
    assert passed(rows), rows


def test_names_are_told_apart() -> None:
    assert len({case.name for case in FORMULAS}) == len(FORMULAS)
