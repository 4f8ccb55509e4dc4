"""Schedules: what is chosen, that it is always the same, and that none changes a result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pellucid.compiler import plan
from pellucid.compiler.schedule import Schedule, Unit, choose
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.native import by_numpy, native, planned
from tests.formula.formulas import FORMULAS

CONVOLUTION = "y[n,k,i,j] = b[k] + sum[c,u,v] w[k,c,u,v]*x[n,c,i+u,j+v]"
PARAMETERS = ("w", "b")
SHAPES = {"b": (16,), "w": (16, 3, 3, 3), "x": (2, 3, 8, 9)}


def convolution():
    formula = Formula.parse(CONVOLUTION)
    return formula, solve(formula, SHAPES)


def test_a_convolution_lies_along_its_channels_in_a_register_tile():
    ((_, schedule, _),) = planned(*convolution(), PARAMETERS).nests
    assert (schedule.vector, schedule.lanes, schedule.across) == ("k", 16, False)
    assert 4 <= np.prod([size for _, size in schedule.tile]) <= Unit().accumulators(16)
    assert str(schedule).startswith("vector k x 16; register tile ")


def test_the_same_nest_gets_the_same_schedule():
    first, second = (planned(*convolution(), PARAMETERS).nests for _ in range(2))
    assert first == second


@pytest.mark.parametrize("case", FORMULAS[::5], ids=[c.name for c in FORMULAS[::5]])
def test_a_schedule_names_every_loop_once(case):
    formula = case.formula()
    shapes = {n: a.shape for n, a in case.operands(1).items()}
    for nest, schedule, _ in planned(formula, solve(formula, shapes, case.sizes)).nests:
        loops = {x.letter: x.extent for x in nest.loops}
        assert set(schedule.outer) == {x.letter for x in nest.out}
        assert sorted((*schedule.inner, *schedule.unrolled)) == sorted(x.letter for x in nest.reduce)
        assert (schedule.vector is None) == (schedule.lanes == 1)
        assert all(1 < size <= loops[s] for s, size in schedule.tile)


def plain(nest, tensors, images, unit):
    """Scalars, one after the other."""
    return replace(choose(nest, tensors, images, unit), vector=None, lanes=1, across=False, tile=())


@pytest.mark.parametrize("tile", [(), (("j", 7),), (("j", 3), ("i", 2)), (("k", 1), ("i", 4)), (("j", 5),)])
@pytest.mark.parametrize("vector", ["k", None])
def test_no_schedule_changes_the_result(monkeypatch, tile, vector):
    formula, ranges = convolution()
    rng = np.random.default_rng(1)
    operands = {n: rng.standard_normal(s) for n, s in SHAPES.items()}

    def planted(nest, tensors, images, unit):
        lanes = 16 if vector else 1
        return replace(plain(nest, tensors, images, unit), vector=vector, lanes=lanes, tile=tile)

    usual = native(formula, ranges, operands, parameters=PARAMETERS)["y"]
    monkeypatch.setattr(plan, "choose", planted)
    got = native(formula, ranges, operands, parameters=PARAMETERS)["y"]
    np.testing.assert_array_equal(got, usual)
    np.testing.assert_allclose(got, by_numpy(formula, ranges, operands)["y"], rtol=1e-12, atol=1e-12)


def test_a_schedule_without_vectors_says_so():
    schedule = Schedule(None, 1, False, (), ("n",), ("d",), ())
    assert str(schedule) == "vector none; register tile none; loops n; summed d; unrolled none"
