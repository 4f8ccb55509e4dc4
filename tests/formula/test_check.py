"""The gradient check finds what is wrong, tells kinks from mistakes and names singular points."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from pellucid import random
from pellucid.errors import CheckFailed
from pellucid.formula.branches import branches
from pellucid.formula.check import TOLERANCE, check_formula, check_gradients, passed
from pellucid.formula.evaluate import evaluate
from pellucid.formula.formula import Formula
from pellucid.formula.normal import normal_form

Array = np.ndarray


def squares(operands: Mapping[str, Array]) -> tuple[Array, list[Array]]:
    return operands["x"] ** 2, []


def rectified(operands: Mapping[str, Array]) -> tuple[Array, list[Array]]:
    return np.maximum(operands["x"], 0), [operands["x"] > 0]


def test_right_gradients_pass_and_wrong_ones_fail_where_they_are_wrong() -> None:
    x, upstream = random.normal(1, (4, 5)), random.normal(2, (4, 5))
    right = 2 * x * upstream
    (row,) = check_gradients(squares, {"x": x}, upstream, {"x": right}, key=3)
    assert row.passed
    assert (row.name, row.coordinates, row.directions, row.kinks) == ("x", 20, 3, 0)
    wrong = right.copy()
    wrong[2, 3] += 3 * TOLERANCE * np.abs(right).max()
    (row,) = check_gradients(squares, {"x": x}, upstream, {"x": wrong}, key=3)
    assert not row.passed
    assert row.element == (2, 3)
    assert row.error == pytest.approx(3 * TOLERANCE, rel=0.1)
    assert not passed([row])


@pytest.mark.parametrize("mistake", [lambda g: -g, lambda g: g[::-1], lambda g: g + 1e-6, np.zeros_like])
def test_mistakes_of_every_kind_fail(mistake: Callable[[Array], Array]) -> None:
    x, upstream = random.normal(1, (6,)), random.normal(2, (6,))
    (row,) = check_gradients(squares, {"x": x}, upstream, {"x": mistake(2 * x * upstream)}, key=3)
    assert not row.passed


def test_of_a_large_tensor_some_coordinates_and_directions_are_compared() -> None:
    x, upstream = random.normal(1, (40, 50)), random.normal(2, (40, 50))
    (row,) = check_gradients(squares, {"x": x}, upstream, {"x": 2 * x * upstream}, key=3)
    assert (row.coordinates, row.directions) == (200, 3)
    slightly = 2 * x * upstream * (1 + 1e-3)
    (row,) = check_gradients(squares, {"x": x}, upstream, {"x": slightly}, key=3, coordinates=0)
    assert not row.passed
    assert row.element is None


def test_a_kink_is_counted_and_compared_from_the_side_of_its_branch() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    upstream = np.array([1.0, 2.0, 3.0])
    (row,) = check_gradients(rectified, {"x": x}, upstream, {"x": upstream * (x > 0)}, key=1, directions=0)
    assert (row.kinks, row.passed) == (1, True)
    (row,) = check_gradients(rectified, {"x": x}, upstream, {"x": upstream * (x >= 0)}, key=1, directions=0)
    assert (row.kinks, row.passed, row.element) == (1, False, (1,))


def test_a_coordinate_near_a_kink_is_not_on_it() -> None:
    x = np.array([3e-6, -2e-6, 1.0])
    (row,) = check_gradients(rectified, {"x": x}, np.ones(3), {"x": 1.0 * (x > 0)}, key=1, directions=0)
    assert (row.kinks, row.passed) == (0, True)


def test_too_many_kinks_fail() -> None:
    x = np.linspace(-1, 1, 100)
    x[:2] = 0
    rows = check_gradients(rectified, {"x": x}, np.ones(100), {"x": 1.0 * (x > 0)}, key=1, directions=0)
    assert rows[0].kinks == 2
    assert passed(rows)
    x[:3] = 0
    rows = check_gradients(rectified, {"x": x}, np.ones(100), {"x": 1.0 * (x > 0)}, key=1, directions=0)
    assert rows[0].passed
    assert not passed(rows)


def test_between_two_branches_any_slope_between_theirs_will_do() -> None:
    """The absolute value has slope 0 at 0, on neither of its sides."""
    rows = check_formula(Formula.parse("y[i] = abs(x[i])"), {"x": np.array([0.0, 1.0, -2.0])}, key=1)
    assert (rows[0].kinks > 0, rows[0].passed) == (True, True)


def test_ties_of_a_maximum_are_kinks_on_which_the_first_one_wins() -> None:
    formula = Formula.parse("y[i] = max[u<2] x[2*i + u]")
    (row,) = check_formula(formula, {"x": np.array([1.0, 1.0, 0.0, 3.0])}, key=1, directions=0)
    assert (row.kinks, row.passed) == (2, True)


@pytest.mark.parametrize(
    ("text", "x", "message"),
    [
        ("y[i] = sqrt(x[i])", [1.0, 0.0, 4.0], r"the gradient with respect to x is .*inf at \[1\]"),
        ("y[i] = log(x[i])", [1.0, 2.0, 0.0], r"the output is -inf at \[2\]"),
        ("y[i] = x[i]/x[i]", [0.0, 2.0, 1.0], r"the output is nan at \[0\]"),
        ("y[i] = x[i]^0.5", [1.0, -2.0, 1.0], r"the output is nan at \[1\]"),
    ],
)
def test_singular_points_are_named(text: str, x: list[float], message: str) -> None:
    with pytest.raises(CheckFailed, match=message):
        check_formula(Formula.parse(text), {"x": np.array(x)}, key=1)


def test_gradients_too_small_to_be_seen_do_not_fail() -> None:
    formula = Formula.parse("y[i] = erf(x[i]) + w[i]")
    rows = check_formula(formula, {"x": np.array([5.5, 6.0]), "w": np.array([1.0, 2.0])}, key=1)
    assert all(row.passed for row in rows)


def test_only_the_operands_asked_for_are_checked() -> None:
    formula = Formula.parse("y[i] = w[i]*x[i]")
    rows = check_formula(formula, {"w": np.ones(3), "x": np.ones(3)}, ["x"], key=1)
    assert [row.name for row in rows] == ["x"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("y[i] = tanh(x[i])", 0),
        ("y[i] = relu(x[i])*abs(x[i])", 3),
        ("y[i] = maximum(x[i], minimum(x[i + 1], 0))", 2),
        ("y[i] = where(x[i] > 0 and i < 2, x[i], 0)", 1),
        ("y[i] = where(i < 2, x[i], 0)", 0),
        ("y[i] = max[u] x[i,u]", 1),
        ("y[i] = 2*(min[u] relu(x[i,u]))", 2),
        ("shift m = max[u] x[u]\ny[u] = exp(x[u] - m)", 0),
    ],
)
def test_every_distinction_is_recorded(text: str, count: int) -> None:
    formula = normal_form(Formula.parse(text))
    added = [e for e in branches(formula).equations if e.name not in formula.defined]
    assert len(added) == count


def test_branches_change_exactly_at_kinks() -> None:
    formula = branches(Formula.parse("y[i] = where(i >= 1, relu(x[i - 1]), 0) + abs(z[i])"))
    z = np.array([1.0, -1.0, 0.0])
    values = evaluate(formula, {"x": np.array([-1.0, 1.0]), "z": z})
    signs = {name: array.tolist() for name, array in values.items() if "branch" in name}
    assert sorted(signs.values()) == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert values["y"].tolist() == [1, 1, 1]
