"""All that must hold for a formula, whatever it is."""

from __future__ import annotations

import numpy as np

from pellucid import random
from pellucid.formula.check import Row, check_formula
from pellucid.formula.derive import Gradient, derive, gradient_name
from pellucid.formula.evaluate import Plan, planned
from pellucid.formula.formula import Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.ranges import Ranges, solve
from pellucid.formula.specialise import specialised
from tests.formula.case import Array, Case
from tests.formula.slow import Interpreter, Tensor

# Sums are taken in another order here and there; a value near 0 is compared with the largest of its tensor.
CLOSE = 1e-11


def verified(case: Case, seed: int) -> list[Row]:
    """Asserts that a formula prints and parses back and that shapes and values are as defined.

    Also that its derived gradients print and parse back and do not change when numbers are put in.

    Returns:
        The check of the gradients against differences.
    """
    formula = case.formula()
    again = Formula.parse(str(formula), constants=case.constants, padding=case.padding)
    assert again == formula, f"{case.name}: the text parses to another formula"
    operands = case.operands(seed)
    ranges = solve(formula, case.shapes, case.sizes)
    for letter in formula.letters:
        assert ranges.extents[letter] == case.extents[letter.rstrip("'")], f"{case.name}: extent of {letter}"
    values = _values_agree(case, operands, planned(formula, ranges))
    gradient = derive(formula)
    normal = planned(gradient.forward, solve(gradient.forward, case.shapes, case.sizes))(operands)
    for name in formula.defined:
        assert _close(normal[name], values[name]), f"{case.name}: {name} in normal form"
    if gradient.formula.equations:  # a formula without operands has no gradients
        backward = Formula.parse(str(gradient.formula), constants=case.constants)
        for equation in gradient.formula.equations:
            assert backward.defined[equation.name] == equation, f"{case.name}: {equation!r}"
    _numbers_change_nothing(case, operands, gradient, solve(gradient.forward, case.shapes, case.sizes))
    return check_formula(formula, operands, key=seed, sizes=case.sizes)


def _values_agree(case: Case, operands: dict[str, Array], plan: Plan) -> dict[str, Array]:
    """The vectorised values, which are those of the language's definition."""
    given = {n: (_tensor(a), a.shape) for n, a in operands.items()}
    expected = Interpreter(plan.formula, case.extents, given).run()
    values = plan(operands)
    for equation in plan.formula.equations:
        dense = np.zeros(plan.ranges.shapes[equation.name])
        for place, value in expected[equation.name].items():
            dense[place] = value
        assert _close(values[equation.name], dense), f"{case.name}: {equation!r}"
    return values


def _numbers_change_nothing(
    case: Case, operands: dict[str, Array], gradient: Gradient, ranges: Ranges
) -> None:
    """Forward and backward pass have the same values with this input's numbers put in."""
    both = solve_gradient(gradient.formula, ranges)
    upstream = gradient_name(gradient.forward.output)
    found: list[dict[str, Array]] = []
    for forward, backward in (
        (gradient.forward, gradient.formula),
        (specialised(gradient.forward, ranges), specialised(gradient.formula, both)),
    ):
        values = planned(forward, ranges)(operands)
        key = random.key(1, "upstream")
        values[upstream] = random.normal(key, ranges.shapes[gradient.forward.output])
        found.append(planned(backward, both)(values))
    for name in operands:
        general, special = (values[gradient_name(name)] for values in found)
        assert _close(special, general), f"{case.name}: {gradient_name(name)} in numbers"


def _tensor(array: Array) -> Tensor:
    return {place: float(value) for place, value in np.ndenumerate(array)}


def _close(left: Array, right: Array) -> bool:
    assert left.shape == right.shape
    return bool(np.all(np.abs(left - right) <= CLOSE * max(float(np.max(np.abs(right))), 1.0)))
