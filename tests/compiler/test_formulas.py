"""Formulas that people use, and their gradients: machine code against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiler.native import both_ways, by_numpy, native
from tests.formula.formulas import FORMULAS

BOUND = {"float64": 1e-12, "float32": 2e-5}
# float64 for all; float32 takes the same path and is tested on every fourth
KINDS = [(case, "float64") for case in FORMULAS[::2]] + [(case, "float32") for case in FORMULAS[1::4]]


@pytest.mark.parametrize(("case", "dtype"), KINDS, ids=[f"{c.name}-{d}" for c, d in KINDS])
def test_formula_and_gradient(case, dtype):
    for formula, ranges, operands in both_ways(case.formula(), case.operands(1), case.sizes):
        got, want = native(formula, ranges, operands, dtype), by_numpy(formula, ranges, operands)
        for name in formula.defined:
            assert got[name].shape == want[name].shape
            size = max(1.0, float(np.abs(want[name]).max()))
            np.testing.assert_allclose(got[name], want[name], rtol=0, atol=BOUND[dtype] * size, err_msg=name)
