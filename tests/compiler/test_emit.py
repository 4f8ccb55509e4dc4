"""Each kind of nest, with the ends, the paddings and the numbers that go wrong first."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.native import by_numpy, native

EXTENTS = (1, 2, 3, 5, 15, 16, 17, 33)


def both(text, operands, dtype="float64", constants=None, padding=None, sizes=None):
    formula = Formula.parse(text, constants=constants or {}, padding=padding or {})
    ranges = solve(formula, {n: np.shape(a) for n, a in operands.items()}, sizes)
    return native(formula, ranges, operands, dtype)["y"], by_numpy(formula, ranges, operands)["y"]


def agree(*arguments, **options):
    got, want = both(*arguments, **options)
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


def numbers(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parametrize("extent", EXTENTS)
def test_sums_and_maps_of_every_length(extent):
    agree("y[n] = sum[d] x[n,d]*z[n,d]", {"x": numbers(3, extent), "z": numbers(3, extent)})
    agree("y[n] = sum[d] exp(x[n,d])", {"x": numbers(3, extent)})
    agree("y[n,d] = 2*x[n,d] - z[d]", {"x": numbers(3, extent), "z": numbers(extent)})


@pytest.mark.parametrize("text", [
    "y[n] = sum[u<3] x[n,u+1]",
    "y[n] = sum[u<3] x[n,u+1]*x[n,u+2]",
    "y[n] = sum[u<6] x[n,u]*x[n,u+1]",
    "y[n] = sum[u<6] x[n,u+1]*x[n,u+2]^2",
])  # fmt: skip
def test_sums_over_a_part_of_an_axis_end_where_they_should(text):
    agree(text, {"x": numbers(12, 10)})


@pytest.mark.parametrize("text", ["y[i] = x[i+2] - x[i]", "y[i] = x[I+1-i]", "y[i] = x[i+1]*x[i]"])
def test_vectors_near_the_end_of_a_tensor(text):
    agree(text, {"x": numbers(7)}, sizes={"I": 5} if "I" in text else None)


def test_vectors_are_collected_from_where_they_do_not_lie_in_a_row():
    agree("y[i,j] = x[j,i] + z[3*j,i]", {"x": numbers(5, 19), "z": numbers(13, 19)})
    agree("y[i] = x[i,i]", {"x": numbers(19, 19)})
    agree("y[i] = x[2*i]", {"x": numbers(37)})


@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_of_equals_is_the_extreme(op, dtype):
    x = np.random.default_rng(3).integers(0, 3, (4, 5, 6)).astype(float)
    got, want = both(f"y[n,c] = arg{op}[i] x[n,c,i]", {"x": x}, dtype)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("op", ["max", "min"])
def test_padding_never_wins(op):
    x = (-1 if op == "max" else 1) * np.abs(numbers(2, 3, 6)) - 0.0
    options = {"padding": {"x": {2: (2, 2)}}}
    for text in (f"y[n,c,i] = {op}[u<3] x[n,c,i+u-2]", f"y[n,c,i] = arg{op}[u<3] x[n,c,i+u-2]"):
        got, want = both(text, {"x": x}, **options)
        np.testing.assert_array_equal(got, want)


def test_what_is_no_number_is_the_maximum_and_the_last_of_several():
    x = numbers(1, 4, 6)
    x[0, 1, 2] = x[0, 2, 1] = x[0, 2, 4] = np.nan
    x[0, 3] = -np.inf
    for text in ("y[n,c] = max[i] x[n,c,i]", "y[n,c] = argmax[i] x[n,c,i]"):
        got, want = both(text, {"x": x})
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("condition", [
    "x[i] > 0", "i < 7", "2 | i", "i != 3 and x[i] <= 1/2", "i == 2 or x[i] >= 0", "not (3 <= i and i < 9)",
])  # fmt: skip
def test_conditions_of_values_and_of_places(condition):
    agree(f"y[i] = where({condition}, x[i], z[i]^2)", {"x": numbers(19), "z": numbers(19) + 1})


def test_places_are_numbers():
    agree("y[i,j] = x[i,j]*(2*i - j) + i/(j + 1)", {"x": numbers(5, 18)})


@pytest.mark.parametrize(
    "text", ["y[i] = x[i]^3", "y[i] = x[i]^(-2)", "y[i] = 1/(x[i]*x[i])", "y[i] = x[i]^1.5"]
)
def test_powers(text):
    agree(text, {"x": np.abs(numbers(19)) + 0.5})


@pytest.mark.parametrize(
    "exponent", [1, 2, 7, 16, 19, 70, -3, 0.25, 0.5, 0.75, 2.25, -0.75, -3.5, 9.25, "1/3", "p", "1/p", "-2/p"]
)
def test_powers_of_all_kinds(exponent):
    x = np.abs(numbers(19)) + 0.5
    agree(f"y[i] = x[i]^({exponent})", {"x": x}, constants={"p": 3} if "p" in str(exponent) else {})


@pytest.mark.parametrize("exponent", [2, 3, 20, 63, -5])
def test_whole_powers_of_negative_numbers(exponent):
    agree(f"y[i] = x[i]^({exponent})", {"x": -np.abs(numbers(19)) - 0.5})


def test_nothing_is_multiplied_by_what_a_condition_shuts_out():
    x = numbers(2, 17)
    x[:, 3] = 0
    got, want = both("y[n] = sum[i] where(x[n,i] != 0, log(abs(x[n,i])), 0)", {"x": x})
    np.testing.assert_allclose(got, want, rtol=1e-13)
