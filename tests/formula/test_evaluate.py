"""Values by hand, at the edges of the language: padding, NaN, ties, masks, types."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from pellucid.errors import FormulaError, GeometryError
from pellucid.formula.evaluate import evaluate, plan
from pellucid.formula.formula import Formula
from tests.formula.case import Case
from tests.formula.formulas import FORMULAS

NAN, INF = np.nan, np.inf


def value(
    text: str, *, sizes: dict[str, int] | None = None, options: dict[str, Any] | None = None, **operands: Any
) -> Any:
    formula = Formula.parse(text, **(options or {}))
    arrays = {name: np.asarray(array, np.float64) for name, array in operands.items()}
    return evaluate(formula, arrays, sizes=sizes)[formula.output]


def padded(low: int, high: int) -> dict[str, Any]:
    return {"padding": {"x": {0: (low, high)}}}


def test_the_worked_example_of_seed_001() -> None:
    image, kernel = np.arange(1.0, 10.0).reshape(3, 3), np.array([[1.0, 0.0], [0.0, -1.0]])
    z = value("z[p,q] = sum[i,j] X[p+i,q+j]*W[i,j]", X=image, W=kernel)
    assert z[0, 0] == -4
    assert (value("a[p,q] = relu(z[p,q])", z=z) == 0).all()


def test_padding_is_0_in_a_sum_and_never_wins_in_a_maximum() -> None:
    x = [-3.0, -1.0, -2.0]
    assert value("y[i] = sum[u<3] x[i+u-1]", options=padded(1, 1), x=x).tolist() == [-4, -6, -3]
    assert value("y[i] = max[u<3] x[i+u-1]", options=padded(1, 1), x=x).tolist() == [-1, -1, -1]
    assert value("y[i] = min[u<3] -x[i+u-1]", options=padded(1, 1), x=x).tolist() == [1, 1, 1]
    assert value("y[i] = argmax[u<3] x[i+u-1]", options=padded(1, 1), x=x).tolist() == [2, 1, 0]
    assert value("y[i] = mean[u<3] x[i+u-1]", options=padded(1, 1), x=[3.0, 3.0, 3.0]).tolist() == [2, 3, 2]


def test_padding_never_wins_inside_functions_either() -> None:
    y = value("y[i] = max[u<2] (exp(x[i+u-1]) - 5)", options=padded(1, 0), x=[0.0, 1.0])
    assert y == pytest.approx([-4, np.e - 5])


def test_padding_does_not_count_where_a_condition_on_indices_leaves_it_out() -> None:
    y = value("y[i] = max[u<3] where(u >= 1, x[i+u-2], -7)", options=padded(1, 0), x=[-9.0, -8.0])
    assert y.tolist() == [-7, -7]


def test_of_equal_values_the_first_is_the_maximum() -> None:
    x = np.zeros((2, 3))
    assert value("y = argmax[i,j] x[i,j]", x=x) == 0
    assert value("y = argmin[i,j] x[i,j]", x=x) == 0
    x[1, 0] = x[1, 2] = 4
    assert value("y = argmax[i,j] x[i,j]", x=x) == 3


@pytest.mark.parametrize("size", [4, 100])
def test_nan_is_the_maximum_and_of_several_the_last_one(size: int) -> None:
    x = np.arange(float(size))
    x[1] = x[2] = NAN
    for op in ("max", "min"):
        assert np.isnan(value(f"y = {op}[i] x[i]", x=x))
        assert value(f"y = arg{op}[i] x[i]", x=x) == 2


def test_a_window_of_infinities_has_a_position_inside_the_tensor() -> None:
    y = value("y[i] = argmax[u<3] x[i+u-1]", options=padded(1, 1), x=[-INF, -INF])
    assert y.tolist() == [1, 0]


def test_a_position_read_elsewhere_in_the_same_window() -> None:
    text = "a[i] = argmax[u<2] x[2*i+u]\ny[i] = sum[u<2] [a[i] == u]*z[2*i+u]"
    assert value(text, x=[1.0, 2.0, 4.0, 3.0], z=[10.0, 20.0, 30.0, 40.0]).tolist() == [20, 30]


def test_where_does_not_touch_the_other_case() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert value("y[i] = where(x[i] > 0, log(x[i]), 0)", x=[-1.0, 0.0, 1.0]).tolist() == [0, 0, 0]
        assert value("y[i] = where(i >= 1, 1/x[i - 1], 5)", x=[2.0, 4.0]).tolist() == [5, 0.5, 0.25]


def test_a_sum_under_a_condition_leaves_terms_out_that_are_no_numbers() -> None:
    assert value("y[i] = sum[j : j != i] 1/(x[i] - x[j])", x=[0.0, 1.0, 3.0]) == pytest.approx(
        [-4 / 3, 0.5, 5 / 6]
    )
    assert value("y = sum[i : x[i] > 0] log(x[i])", x=[-1.0, 0.0, np.e]) == pytest.approx(1)


def test_a_condition_on_indices_that_a_read_makes_superfluous_is_still_needed_by_others() -> None:
    """The read of d vanishes outside the condition; the reciprocal of 0 beside it would make it no number."""
    text = "y[h] = sum[u : 2 | h - u and 0 <= (h - u)/2 < I] d[(h - u)/2]/z[(h - u)/2]*w[u]"
    y = value(text, sizes={"H": 4}, options={"constants": {"I": 2}}, d=[1.0, 2.0], z=[2.0, 2.0], w=[1.0, 1.0])
    assert y.tolist() == [0.5, 0.5, 1, 1]


def test_exact_divisions_count_only_where_nothing_remains() -> None:
    assert value("y[i] = where(2 | i, x[i/2], 0)", sizes={"I": 4}, x=[1.0, 2.0]).tolist() == [1, 0, 2, 0]
    assert value("y[i] = [i/2 < 1]", sizes={"I": 4}).tolist() == [1, 1, 0, 0]


def test_index_expressions_are_numbers() -> None:
    assert value("y[i] = (2*i + 1)/I", sizes={"I": 4}).tolist() == [0.25, 0.75, 1.25, 1.75]
    assert value("y[i,j] = delta(i, 2*j)", sizes={"I": 3, "J": 2}).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert value("y[i] = i//2 - i%2", sizes={"I": 4}).tolist() == [0, -1, 1, 0]


def test_functions_are_finite_where_their_value_is() -> None:
    x = [-1e4, -800.0, 0.0, 800.0, 1e4]
    assert value("y[i] = sigmoid(x[i])", x=x).tolist() == [0, 0, 0.5, 1, 1]
    assert value("y[i] = tanh(x[i])", x=x).tolist() == [-1, -1, 0, 1, 1]
    assert value("y[i] = erf(x[i])", x=x).tolist() == [-1, -1, 0, 1, 1]


def test_softmax_of_huge_logits_is_finite() -> None:
    text = "shift m = max[k] z[k]\ne[k] = exp(z[k] - m)\np[k] = e[k]/(sum[r] e[r])"
    assert value(text, z=[1e4, -1e4, 1e4]).tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case.name)
def test_single_precision_stays_single_and_agrees(case: Case) -> None:
    formula = case.formula()
    double = evaluate(formula, case.operands(3), sizes=case.sizes)
    given = {name: array.astype(np.float32) for name, array in case.operands(3).items()}
    single = evaluate(formula, given, sizes=case.sizes)
    for name in formula.defined:
        assert single[name].dtype == np.float32
        assert np.allclose(single[name], double[name], rtol=1e-3, atol=1e-4), name


def test_operands_are_not_changed_and_results_are_their_own() -> None:
    x = np.arange(6.0).reshape(2, 3)
    kept = x.copy()
    formula = Formula.parse("y[j,i] = x[i,j]")
    y = evaluate(formula, {"x": x})["y"]
    assert y.tolist() == x.T.tolist()
    assert (x == kept).all()


def test_integers_are_taken_as_numbers() -> None:
    y = evaluate(Formula.parse("y[i] = x[i]/2"), {"x": np.array([1, 2, 3])})["y"]
    assert y.tolist() == [0.5, 1, 1.5]


def test_a_missing_operand_is_named() -> None:
    with pytest.raises(FormulaError, match="needs w; given were x"):
        evaluate(Formula.parse("y[i] = w[i]*x[i]"), {"x": np.ones(3)})


def test_a_plan_serves_many_inputs_of_one_shape() -> None:
    formula = Formula.parse("y[i] = sum[u] w[u]*x[i+u]")
    prepared = plan(formula, {"w": (2,), "x": (4,)})
    for factor in (1.0, 2.0):
        values = prepared({"w": np.ones(2), "x": factor * np.arange(4.0)})
        assert values["y"].tolist() == [factor, 3 * factor, 5 * factor]


def test_a_window_of_padding_only_is_refused_before_any_value_is_known() -> None:
    formula = Formula.parse("y[i] = max[u<2] x[i+u-2]", padding={"x": {0: (2, 0)}})
    with pytest.raises(GeometryError, match="nothing but padding"):
        plan(formula, {"x": (3,)})
