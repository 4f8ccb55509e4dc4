"""Formulas without a network: the terms of each equation, forward and backward, add up to its value."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import random
from pellucid.explain.adding import added
from pellucid.explain.choosing import chosen
from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.proof import verified
from pellucid.explain.reference import Place
from pellucid.explain.sections import correlation_sections, jacobian_sections, through_sections
from pellucid.explain.sources import Scope, Use
from pellucid.explain.summands import is_extreme
from pellucid.explain.trial import Trial
from pellucid.formula.derive import Gradient, derive, gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.formula import CONSTANTS, Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.normal import is_position
from pellucid.formula.ranges import Ranges, solve
from tests.formula.case import Array, Case
from tests.formula.formulas import FORMULAS

CASES = {case.name: case for case in FORMULAS}


def evaluated(case: Case, gradient: Gradient) -> tuple[Ranges, dict[str, Array]]:
    """All tensors and their gradients."""
    operands = case.operands(3)
    ranges = solve(gradient.forward, case.shapes, case.sizes)
    both = solve_gradient(gradient.formula, ranges)
    values = dict(planned(gradient.forward, ranges)(operands))
    output = gradient.forward.output
    values[gradient_name(output)] = random.normal(random.key(1, "upstream"), ranges.shapes[output])
    return both, planned(gradient.formula, both)(values)


def uses(formula: Formula, gradient: Gradient, ranges: Ranges, values: dict[str, Array]) -> list[Use]:
    scalars = {name: float(value) for name, value in {**CONSTANTS, **formula.constants}.items()}
    positions = frozenset(e.name for e in gradient.forward.equations if is_position(e))
    places = {name: Place(name) for name in values}
    scope = Scope(formula, ranges, places, values, scalars, positions, "formula")
    return [Use(scope, equation) for equation in formula.equations]


@pytest.mark.parametrize("name", CASES)
def test_terms_add_up(name: str) -> None:
    gradient = derive(CASES[name].formula())
    ranges, values = evaluated(CASES[name], gradient)
    generator, epsilon = np.random.default_rng(0), float(np.finfo(np.float64).eps)
    both = (gradient.forward, gradient.formula)
    for use in (u for formula in both for u in uses(formula, gradient, ranges, values)):
        array = values[use.equation.name]
        for _ in range(3):
            place = tuple(int(generator.integers(size)) for size in array.shape)
            stored = float(array[place])
            with np.errstate(all="ignore"):
                extreme = is_extreme(use.equation.value)
                tally = chosen(use, place, "", 5, stored, epsilon) if extreme else added(use, place, "", 5)
            assert abs(tally.total - stored) <= 16 * epsilon * tally.size, f"{use.equation!r} at {place}"


@pytest.mark.parametrize("name", CASES)
def test_every_step_of_its_derivation_is_verified(name: str) -> None:
    case = CASES[name]
    gradient = derive(case.formula())
    trial = Trial.of(gradient, case.operands(1), seed=1, sizes=case.sizes)
    for steps in gradient.steps.values():
        assert all(step.error <= 1e-9 for step in verified(trial, steps))
    for operand in case.formula().operands:
        for jacobian, section in jacobian_sections(trial, operand):
            more = through_sections(trial, operand, jacobian, of_loss=False)
            assert all(step.error <= 1e-9 for s in (section, *more) for step in (*s.steps, *s.cases))
        correlation_sections(gradient.forward, gradient.equation(operand), ComplexStep(trial.scope))
