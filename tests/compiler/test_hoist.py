"""Long functions stored once: where that is worth it, what then is read, and that no value changes."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.compiler.hoist import hoisted
from pellucid.compiler.nest import Loop
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.compiler.loops import interpreted
from tests.compiler.test_nest import nests_of
from tests.formula.formulas import FORMULAS


def both(text, **shapes):
    """The nests of equations without and with stored values, and the shapes of all tensors."""
    formula = Formula.parse(text)
    ranges = solve(formula, shapes)
    nests = [nest for nest, _ in nests_of(formula, ranges)]
    return nests, *hoisted(nests, ranges.shapes)


def results(nests, shapes, operands, scalars=None):
    values = {name: np.array(value, np.float64) for name, value in operands.items()}
    for nest in nests:
        values.setdefault(nest.target.tensor, np.zeros(shapes[nest.target.tensor]))
        interpreted(nest, values, scalars or {})
    return values


def held(nests):
    return [n for n in nests if ":held" in n.target.tensor]


ATTENTION = """
e[i,r] = sum[c] x[c,i]*x[c,r]
s[i] = sum[r] exp(e[i,r])
y[c,i] = sum[r] exp(e[i,r])/s[i]*x[c,r]
z[d,r] = sum[i] exp(e[r,i])*x[d,i]
"""


def test_what_several_nests_need_is_stored_once_before_the_first_of_them():
    before, after, shapes = both(ATTENTION, x=(5, 4))
    exponential, one_over = held(after)
    assert (repr(exponential.body), repr(one_over.body)) == ("exp(e[i,r])", "1/s[i]")
    assert exponential.out == (Loop("i", 4), Loop("r", 4))
    name = exponential.target.tensor
    bodies = {n.target.tensor: repr(n.body) for n in after}
    assert bodies["s"] == f"{name}[i,r]"
    assert bodies["y"] == f"{name}[i,r]*x[c,r]"
    assert bodies["z"] == f"{name}[r,i]*x[d,i]"
    assert after.index(exponential) == 1
    x = np.random.default_rng(0).normal(size=(5, 4))
    want, got = results(before, shapes, {"x": x}), results(after, shapes, {"x": x})
    for tensor in ("s", "y", "z"):
        np.testing.assert_allclose(got[tensor], want[tensor], rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("y[c,i] = sum[r] exp(x[c,r] + x[c,i])", "every letter plays a part"),
        ("y[c,i] = relu(x[0,i])*x[c,i]", "it takes no longer than reading it would"),
        ("y[c,i] = x[0,i]^2*x[c,i]", "so does a product"),
        ("y[c,i] = where(c > 0, log(x[0,i]), x[c,i])", "where the condition fails it may not exist"),
        ("y[b,i] = exp(x[0,i])*w[b,i]", "three times is not often"),
    ],
)
def test_nothing_is_stored_in_vain(text, why):
    before, after, _ = both(text, **{"x": (8, 6)} | ({"w": (3, 6)} if "w" in text else {}))
    assert after == before, why


def test_a_value_is_not_read_after_what_it_is_made_of_has_changed():
    nests, _, shapes = both("y[c,i] = exp(x[0,i])*x[c,i]\nz[c,i] = exp(x[0,i])*x[c,i]", x=(8, 6))
    changing = Formula.parse("x[c,i] = w[c,i]")
    ((changes, _),) = nests_of(changing, solve(changing, {"w": (8, 6)}))
    after, shapes = hoisted([nests[0], changes, nests[1]], {k: s for k, s in shapes.items() if ":" not in k})
    assert [n.target.tensor for n in after] == ["y:held", "y", "x", "z:held", "z"]
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(2, 8, 6))
    got = results(after, shapes, {"x": x.copy(), "w": w})
    np.testing.assert_allclose(got["y"], np.exp(x[0]) * x)
    np.testing.assert_allclose(got["z"], np.exp(w[0]) * w)


@pytest.mark.parametrize("case", FORMULAS[::3], ids=[c.name for c in FORMULAS[::3]])
def test_stored_values_change_no_result(case):
    formula, operands = case.formula(), case.operands(3)
    ranges = solve(formula, {n: a.shape for n, a in operands.items()}, case.sizes)
    found = nests_of(formula, ranges)
    before = [nest for nest, _ in found]
    scalars = {name: value for _, named in found for name, value in named.constants.items()}
    between = {n.target.tensor: tuple(x.extent for x in n.out) for n in before}
    after, shapes = hoisted(before, {**between, **ranges.shapes})
    want, got = (results(nests, shapes, operands, scalars) for nests in (before, after))
    for name in formula.defined:
        np.testing.assert_allclose(got[name], want[name], rtol=1e-12, atol=1e-12, err_msg=name)
