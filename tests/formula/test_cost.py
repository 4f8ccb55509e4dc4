"""Multiply-adds of a formula, against hand-counted ones."""

from __future__ import annotations

import pytest

from pellucid.formula.cost import multiply_adds
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve

COUNTED = {
    "a sum of products": ("y[n,k] = sum[d] w[k,d] * x[n,d]", {"w": (4, 5), "x": (2, 5)}, 2 * 4 * 5),
    "with a bias": ("y[n,k] = b[k] + sum[d] w[k,d] * x[n,d]", {"b": (4,), "w": (4, 5), "x": (2, 5)}, 40),
    "three factors": ("y[n] = sum[i,j] x[n,i] * a[i,j] * x[n,j]", {"x": (2, 3), "a": (3, 3)}, 2 * 9 * 2),
    "two products": ("y[n] = sum[i] (x[n,i]*a[i] + x[n,i]*b[i])", {"x": (2, 3), "a": (3,), "b": (3,)}, 12),
    "squares": ("y[n] = sum[i] x[n,i]^2", {"x": (2, 3)}, 6),
    "cubes": ("y[n] = sum[i] x[n,i]^3", {"x": (2, 3)}, 12),
    "no product": ("y[n] = mean[i] x[n,i]", {"x": (2, 3)}, 0),
    "numbers and constants are free": ("y[n] = sum[i] 3 * pi * i * x[n,i]", {"x": (2, 3)}, 0),
    "no sum": ("y[n,i] = x[n,i] * a[i] + x[n,i]", {"x": (2, 3), "a": (3,)}, 0),
    "a maximum": ("y[n] = max[i] x[n,i] * a[i]", {"x": (2, 3), "a": (3,)}, 0),
    "a sum that does not depend on n": ("y[n] = x[n] * sum[i] a[i]^2", {"x": (2,), "a": (3,)}, 3),
    "a condition": ("y[n] = sum[i : i < 2] x[n,i] * a[i]", {"x": (2, 3), "a": (3,)}, 6),
    "a sum below a maximum": ("y[n] = max[k] sum[i] x[n,i] * a[k,i]", {"x": (2, 3), "a": (4, 3)}, 24),
    "two equations": ("z[n] = sum[i] x[n,i]^2; y[n,i] = x[n,i] * sum[j] z[n] * x[n,j]", {"x": (2, 3)}, 12),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_multiply_adds(case: str) -> None:
    source, shapes, expected = COUNTED[case]
    formula = Formula.parse(source)
    assert multiply_adds(formula, solve(formula, shapes)) == expected


def test_sums_in_sums_are_counted_once_for_each_value_of_their_letters() -> None:
    formula = Formula.parse("y[n] = sum[i] x[n,i] * (sum[j] a[i,j] * z[j])")
    ranges = solve(formula, {"x": (2, 3), "a": (3, 4), "z": (4,)})
    assert multiply_adds(formula, ranges) == 2 * 3 + 3 * 4
