"""Elementary functions against extended precision: within 2 units in the last place, everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.native import native
from tests.compiler.processors import narrower

Long = np.longdouble
WIDE = np.finfo(Long).nmant >= 63
COUNT = 4000


def erf(x):
    """The series of positive terms, which loses nothing to cancellation."""
    size = np.minimum(np.abs(x), 7)
    term = total = size
    for n in range(1, 220):
        term = term * 2 * size * size / (2 * n + 1)
        total = total + term
    factor = 2 / np.sqrt(Long("3.14159265358979323846264338327950288"))
    return np.copysign(np.where(size >= 7, Long(1), factor * np.exp(-size * size) * total), x)


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


REFERENCE = {
    "exp": np.exp, "log": np.log, "tanh": np.tanh, "sigmoid": sigmoid, "erf": erf, "sqrt": np.sqrt,
}  # fmt: skip


def evaluated(text, x, dtype, where=None):
    formula = Formula.parse(text)
    return native(formula, solve(formula, {"x": x.shape}), {"x": x}, dtype, where)["y"]


def expected(function, x):
    with np.errstate(all="ignore"):
        return REFERENCE[function](x.astype(Long))


def samples(function, dtype):
    """Ordinary numbers, tiny and huge ones, and all that exp does not send to 0 or infinity."""
    facts, rng = np.finfo(dtype), np.random.default_rng(5)
    smallest, largest = np.log(float(facts.smallest_subnormal)), np.log(float(facts.max))
    sizes = np.exp(rng.uniform(smallest + 1, largest - 1, COUNT))
    parts = [
        3 * rng.standard_normal(COUNT), rng.uniform(-1.5, 1.5, COUNT), rng.uniform(smallest, largest, COUNT),
        1 + rng.standard_normal(COUNT) / 1000, sizes, -sizes,
    ]  # fmt: skip
    x = np.concatenate(parts).astype(dtype)
    return np.abs(x) if function in ("log", "sqrt") else x


def units(got, want):
    """Distance in units in the last place of the exact value."""
    near = np.minimum(np.abs(want).astype(got.dtype), np.finfo(got.dtype).max)
    return np.abs(got.astype(Long) - want) / np.spacing(near).astype(Long)


@pytest.mark.skipif(not WIDE, reason="this processor has no longer floating type to compare with")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", REFERENCE)
def test_within_two_units_in_the_last_place(function, dtype):
    x = samples(function, dtype)
    got, want = evaluated(f"y[i] = {function}(x[i])", x, dtype), expected(function, x)
    finite = np.abs(want) <= np.finfo(dtype).max
    assert np.isinf(got[~finite]).all()
    assert units(got[finite], want[finite]).max() <= 2


SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-45, -1e-45, 1e38, -1e38)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", REFERENCE)
def test_special_values(function, dtype):
    x = np.array(SPECIAL, dtype)
    got = evaluated(f"y[i] = {function}(x[i])", x, dtype)
    with np.errstate(all="ignore"):
        want = expected(function, x).astype(dtype)
    np.testing.assert_allclose(
        got, want, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).smallest_subnormal
    )
    zeros = (want == 0) & (x == 0)
    assert (np.signbit(got[zeros]) == np.signbit(want[zeros])).all()


def test_one_number_and_a_vector_of_them_give_the_same_bits():
    x = samples("tanh", "float32")[:40]
    for function in REFERENCE:
        vectors = evaluated(f"y[i] = {function}(x[i])", x, "float32")
        single = [evaluated(f"y[i] = {function}(x[i])", x[i : i + 1], "float32")[0] for i in (0, 13)]
        np.testing.assert_array_equal(vectors[[0, 13]], np.array(single))


def test_relu_maximum_and_minimum_keep_what_is_no_number():
    x = np.array([np.nan, -1.0, 2.0, -0.0, 0.0])
    np.testing.assert_array_equal(evaluated("y[i] = relu(x[i])", x, "float64"), [np.nan, 0, 2, 0, 0])
    np.testing.assert_array_equal(evaluated("y[i] = maximum(x[i], 1)", x, "float64"), [np.nan, 1, 2, 1, 1])
    np.testing.assert_array_equal(evaluated("y[i] = minimum(x[i], 1)", x, "float64"), [np.nan, -1, 1, 0, 0])
    np.testing.assert_array_equal(evaluated("y[i] = abs(x[i])", x, "float64"), [np.nan, 1, 2, 0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_with_narrower_vectors(dtype):
    where = narrower()
    for function in REFERENCE:
        x = samples(function, dtype)[::7]
        text = f"y[i] = {function}(x[i])"
        np.testing.assert_array_equal(evaluated(text, x, dtype), evaluated(text, x, dtype, where))
