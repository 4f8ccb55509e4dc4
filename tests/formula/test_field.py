"""What a part of an output sees, against the reads of every element by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pellucid.formula.evaluate import evaluate
from pellucid.formula.field import hull, seen
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve

SOURCES = {
    "affine": ("y[n,i] = sum[u] x[n, 2*i + 3*u]", {"U": 2}, (1, 11)),
    "reversed": ("y[n,i] = x[n, I - 1 - i]", {"I": 6}, (1, 6)),
    "quotient": ("y[n,i] = x[n, i // 2]", {"I": 8}, (1, 4)),
    "whole axis": ("y[n,i] = x[n,i] / (sum[j] x[n,j])", {}, (1, 5)),
    "twice": ("z[n,i] = sum[u] x[n,i + u]; y[n,j] = max[v] z[n,j + 2*v]", {"U": 2, "V": 2}, (1, 7)),
    "flattened": ("y[n,(c,i,j)] = x[n,c,i,j]", {}, (1, 2, 3, 4)),
    "unflattened in parts": ("y[n,(i,j),c] = x[n,c,i,j]", {}, (1, 2, 3, 4)),
    "a guarded read": ("y[n,i] = where(i < 3, x[n,i], x[n, i - 3])", {"I": 6}, (1, 3)),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_box_holds_all_that_is_read_and_its_corners_are_read(case: str) -> None:
    source, sizes, shape = SOURCES[case]
    formula = Formula.parse(source)
    ranges = solve(formula, {"x": shape}, sizes)
    x = 1 + np.arange(np.prod(shape), dtype=float).reshape(shape)
    base = evaluate(formula, {"x": x}, sizes=sizes)["y"]
    touched: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for element in itertools.product(*map(range, shape)):
        moved = x.copy()
        moved[element] += 1000.0
        for place in np.argwhere(evaluate(formula, {"x": moved}, sizes=sizes)["y"] != base):
            touched.setdefault(tuple(place.tolist()), []).append(element)
    for place in itertools.product(*map(range, base.shape)):
        box = seen(formula, ranges, tuple((p, p) for p in place))["x"]
        assert box == tuple((min(a), max(a)) for a in zip(*touched[place], strict=True))


def test_a_box_may_reach_into_padding_and_beyond() -> None:
    formula = Formula.parse("y[n,i] = sum[u] w[u] * x[n, i + u - 1]", padding={"x": {1: 1}})
    ranges = solve(formula, {"w": (3,), "x": (1, 4)})
    assert seen(formula, ranges, ((0, 0), (0, 1)))["x"] == ((0, 0), (-1, 2))
    assert seen(formula, ranges, ((0, 0), (-1, 4)))["x"] == ((0, 0), (-2, 5))


def test_part_of_a_flattened_axis_is_the_smallest_box_around_it() -> None:
    formula = Formula.parse("y[n,(c,i)] = x[n,c,i]")
    ranges = solve(formula, {"x": (1, 3, 4)})
    assert seen(formula, ranges, ((0, 0), (5, 6)))["x"] == ((0, 0), (1, 1), (1, 2))
    assert seen(formula, ranges, ((0, 0), (3, 4)))["x"] == ((0, 0), (0, 1), (0, 3))
    assert seen(formula, ranges, ((0, 0), (-2, 99)))["x"] == ((0, 0), (0, 2), (0, 3))


def test_hull_is_the_box_around_two() -> None:
    assert hull(((0, 1), (5, 6)), ((-1, 0), (7, 9))) == ((-1, 1), (5, 9))
