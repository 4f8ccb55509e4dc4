"""Infinities and what is no number: machine code against the reference, above all where vectors end."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.native import both_ways, by_numpy, native

SPECIAL = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -2.0])
TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def same(formula, ranges, operands, dtype):
    got, want = native(formula, ranges, operands, dtype), by_numpy(formula, ranges, operands, dtype)
    for name in formula.defined:
        scale = np.finfo(dtype).eps * 64
        np.testing.assert_allclose(got[name], want[name], rtol=scale, atol=scale, err_msg=name)


def agree(text, operands, dtype="float64", sizes=None, **options):
    formula = Formula.parse(text, **options)
    ranges = solve(formula, {n: np.shape(a) for n, a in operands.items()}, sizes)
    same(formula, ranges, operands, dtype)


def sprinkled(seed, *shape):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), values)


@TYPES
@pytest.mark.parametrize("length", [1, 3, 7, 8, 9, 16, 17, 31, 37])
def test_sums_end_where_their_vectors_do_not(length, dtype):
    """Past the end lies padding, and 0 times infinity would be no number."""
    w, x = np.ones((3, length)), np.ones((2, length))
    w[1], w[2, -1], x[1, -1] = np.inf, -np.inf, 0.5
    agree("y[n,k] = sum[d] w[k,d]*x[n,d]", {"w": w, "x": x}, dtype)
    agree("y[n] = sum[d] a*x[n,d]", {"a": np.inf, "x": x}, dtype)
    agree("y[n] = sum[d] x[n,d]/z[n,d]", {"x": x, "z": x + 1}, dtype)
    agree("y[n] = sum[d] x[n,d]/(b*z[n,d])", {"x": x, "z": x + 1, "b": 2.0}, dtype)
    agree("y[n] = sum[d] alpha*x[n,d]", {"x": x}, dtype, constants={"alpha": 0.5})
    longer = np.ones((2, length + 9))
    longer[:, length + 1 :] = np.inf
    agree("y[n] = sum[d] w[d]*x[n,d + 1]", {"w": np.ones(length), "x": longer}, dtype)
    agree("y[n] = sum[d<L] a*x[n,d + 1]", {"a": np.inf, "x": longer}, dtype, {"L": length})


@TYPES
@pytest.mark.parametrize("op", ["max", "min", "argmax", "argmin"])
@pytest.mark.parametrize("seed", range(4))
def test_extremes(op, seed, dtype):
    x = sprinkled(seed, 2, 3, 7, 9)
    agree(f"y[n,c,i,j] = {op}[u<2,v<3] x[n,c,2*i + u,j + v]", {"x": x}, dtype)
    agree(f"y[n,c,i,j] = {op}[u<3,v<3] x[n,c,2*i + u - 1,j + v - 1]", {"x": x}, dtype,
          padding={"x": {2: 1, 3: 1}})  # fmt: skip
    agree(f"y[n,c] = {op}[i,j] x[n,c,i,j]", {"x": x}, dtype)


@TYPES
@pytest.mark.parametrize("op", ["max", "min"])
def test_padding_does_not_win_against_the_worst_there_is(op, dtype):
    x = np.full((2, 3, 4), -np.inf if op == "max" else np.inf)
    x[1, 1, 2] = np.nan
    for name in (op, f"arg{op}"):
        agree(f"y[n,c,i] = {name}[u<3] x[n,c,i + u - 1]", {"x": x}, dtype, padding={"x": {2: 1}})


@TYPES
@pytest.mark.parametrize("text", [
    "y[n,c,i,j] = max[u<3,v<3] x[n,c,2*i + u - 1,2*j + v - 1]",
    "y[n,c,i,j] = max[u<2,v<2] x[n,c,i + u,j + v]",
    "y[n,k] = sum[c,i,j] relu(x[n,c,i,j])*w[k,c]",
    "y[n,c,i] = sum[j] where(x[n,c,i,j] > 0, x[n,c,i,j], 0.1*x[n,c,i,j])",
    "y[n,c,i] = sum[j] (exp(minimum(x[n,c,i,j], 2)) + tanh(x[n,c,i,j]))",
    "shift m[n] = max[c,i,j] x[n,c,i,j]; y[n] = m[n] + log(sum[c,i,j] exp(x[n,c,i,j] - m[n]))",
])  # fmt: skip
def test_gradients(text, dtype):
    padded = {"padding": {"x": {2: 1, 3: 1}}} if "- 1" in text else {}
    formula = Formula.parse(text, constants={"K": 5} if "w[" in text else {}, **padded)
    operands = {"x": sprinkled(3, 2, 3, 5, 9)} | ({"w": sprinkled(5, 5, 3)} if "w[" in text else {})
    with np.errstate(invalid="ignore"):
        passes = both_ways(formula, operands, {})
    for one, ranges, given in passes:
        same(one, ranges, {n: np.asarray(a, dtype) for n, a in given.items()}, dtype)
