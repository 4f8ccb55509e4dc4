"""Equations lowered to nests: run by plain loops they give what the equations give."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.compiler.equations import named_equations
from pellucid.compiler.lower import lower
from pellucid.compiler.nest import Loop
from pellucid.errors import FormulaError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.loops import interpreted
from tests.compiler.native import both_ways, by_numpy
from tests.formula.formulas import FORMULAS


def nests_of(formula, ranges):
    names = {t: t for t in ranges.shapes}
    return [
        (n, named)
        for named in named_equations(formula, ranges, names, "inner", every_image=True)
        for n in lower(named.equation, named.ranges, accumulate=named.accumulate)
    ]


def lowered(text, constants=None, sizes=None, **shapes):
    formula = Formula.parse(text, constants=constants or {})
    return [n for n, _ in nests_of(formula, solve(formula, shapes, sizes))]


def run(formula, ranges, operands):
    values = {n: np.array(a, np.float64) for n, a in operands.items()}
    for nest, named in nests_of(formula, ranges):
        name = nest.target.tensor
        shape = named.ranges.shapes.get(name, tuple(x.extent for x in nest.out))
        values.setdefault(name, np.full(shape, np.nan) if not nest.accumulate else np.zeros(shape))
        interpreted(nest, values, named.constants)
    return values


@pytest.mark.parametrize("case", FORMULAS, ids=[c.name for c in FORMULAS])
def test_nests_mean_what_the_equations_mean(case):
    for formula, ranges, operands in both_ways(case.formula(), case.operands(2), case.sizes):
        got, want = run(formula, ranges, operands), by_numpy(formula, ranges, operands)
        for name in formula.defined:
            size = max(1.0, float(np.abs(want[name]).max()))
            np.testing.assert_allclose(got[name], want[name], rtol=0, atol=1e-12 * size, err_msg=name)


def test_a_convolution_is_one_nest():
    (nest,) = lowered("y[k,i] = b[k] + sum[c,u] w[k,c,u]*x[c,i+u]", b=(2,), w=(2, 3, 3), x=(3, 7))
    assert nest.out == (Loop("k", 2), Loop("i", 5))
    assert nest.reduce == (Loop("c", 3), Loop("u", 3))
    assert nest.op == "sum"
    assert str(nest) == (
        "for k < 2:\n"
        "    for i < 5:\n"
        "        @ = sum over c < 3, u < 3: w[k,c,u]*x[c,i + u]\n"
        "        y[k,i] = b[k] + @"
    )


def test_digits_become_loops():
    (nest,) = lowered("y[d] = x[d//3,d%3]", x=(2, 3), sizes={"D": 6})
    assert [x.extent for x in nest.out] == [2, 3]
    assert repr(nest.body) == "x[d_high,d_low]"


def test_classes_of_remainders_divide_nothing():
    nests = lowered(
        "y[h] = sum[c,u : 2 | h - u and 0 <= (h - u)/2 < I] w[c,u]*x[c,(h - u)/2]",
        {"H": 8, "I": 3}, w=(3, 4), x=(3, 3),
    )  # fmt: skip
    assert len(nests) == 2
    assert [n.out[0].extent for n in nests] == [4, 4]
    assert all(sorted(x.extent for x in n.reduce) == [2, 3] for n in nests)
    assert not any("/" in str(n) or "%" in str(n) for n in nests)


def test_each_sum_but_one_gets_a_name():
    nests = lowered("y[n,k] = (sum[d] w[k,d]*x[n,d]) * (sum[d] v[k,d]*x[n,d])", w=(3, 4), v=(3, 4), x=(2, 4))
    assert len(nests) == 2
    assert nests[0].target.tensor == "y:1"
    assert "y:1[n,k]" in repr(nests[1].finish)


def test_too_many_classes_are_refused():
    with pytest.raises(FormulaError, match="classes of remainders"):
        lowered("y[i,j,k] = where(37 | i + j + k, x[i,j,k], 0)", x=(40, 40, 40))
