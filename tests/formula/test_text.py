"""Formulas printed as text, which the parser reads back, and which is what one writes by hand."""

from __future__ import annotations

import pytest
from hypothesis import given

from pellucid.formula.derive import derive
from pellucid.formula.expression import Condition, Equation, Expr, iverson
from pellucid.formula.parse import Assumption, parse, parse_equation, parse_expression
from tests.formula.grammar import draw
from tests.formula.strategies import assumptions, conditions, equations, expressions


@given(expressions())
def test_expressions_read_back(expression: Expr) -> None:
    assert parse_expression(repr(expression), "i,j,n") == expression


@given(conditions())
def test_conditions_read_back(condition: Condition) -> None:
    assert parse_expression(f"[{condition!r}]", "i,j,n") == iverson(condition)


@given(equations(), equations(), assumptions())
def test_statements_read_back(first: Equation, second: Equation, assumption: Assumption) -> None:
    assert parse(f"{first!r}\n{second!r}; {assumption}") == (first, second, assumption)
    assert parse_equation(repr(first)) == first


@given(expressions())
def test_printing_what_was_read_changes_nothing_more(expression: Expr) -> None:
    printed = repr(expression)
    assert repr(parse_expression(repr(parse_expression(printed, "i,j,n")), "i,j,n")) == repr(
        parse_expression(printed, "i,j,n")
    )


@pytest.mark.parametrize("seed", range(900, 908))
def test_all_steps_of_a_derivation_read_back(seed: int) -> None:
    gradient = derive(draw(seed).formula())
    steps = [step.after for steps in gradient.steps.values() for step in steps]
    for equation in (*gradient.forward.equations, *gradient.formula.equations, *steps):
        assert parse_equation(repr(equation)) == equation


BY_HAND = [
    "y[n,k,i,j] = b[k] + sum[c,u,v] w[k,c,u,v]*x[n,c,s*i + a*u - p,s*j + a*v - q]",
    "dx[n,c,h,l] = sum[k,u,v : s | h + p - u and s | l + q - v] dy[n,k,(h + p - u)/s,l]*w[k,c,u,v]",
    "y[n,(c,i,j)] = x[n,c,i,j]",
    "y[n,c,i,j] = mean[u<2,v<K + 1] x[n,c,2*i + u,2*j + v]",
    "m[n,c,i,j] = argmax[u,v] x[n,c,s*i + u,s*j + v]",
    "shift m[n] = max[k] z[n,k]",
    "e[n,k] = exp(z[n,k] - m[n])",
    "dz[n,k] = p[n,k] - y[n,k]",
    "J[i,j] = p[i]*(delta(i, j) - p[j])",
    "y[i] = where(x[i] > 0, x[i], alpha*x[i])",
    "dx[i] = dy[i]*[x[i] > 0]",
    "dx[i] = [0 <= i - p < H]*dy[i - p]",
    "y[i] = x[i]/sqrt(v[i] + eps)",
    "y[i] = x[i]/(2*H*W)",
    "y[i] = 3*x[i]/(2*t)",
    "y[i] = 1/2*x[i]^2",
    "y[i] = 1/(x[i] + 1)^1.5",
    "y[i] = 2^x[i]^2",
    "y[i] = (2^x[i])^t",
    "y[i] = (-2)^x[i]",
    "y[i] = -x[i]^2",
    "y[i] = x[i] - 2*(a[i] - b[i])",
    "y[i] = x[i] - i - 1",
    "y[i] = x[i] + i - 1",
    "y[i] = (i - 1)*x[i]",
    "y[i] = x[i]*sum[u] w[u]",
    "y[i] = (sum[u] w[u])*sum[u] w[u]*t[i,u]",
    "y[i] = x[i] - sum[u] w[u]",
    "y[i] = sum[u] (w[u] + t)",
    "y[i] = (sum[u] w[u]^2)^(1/2)",
    "y[i] = max[u] (-x[i + u])",
    "y[i] = ((s*i)//2)*x[i]",
    "y[i] = [not i == 3 and (i < 2 or i > 5)]*t",
    "y[i] = [not (i < 2 or i > 5)]*t",
    "g[i] = D(sum[u] w[u]*x[i + u], w[t])",
]


@pytest.mark.parametrize("source", BY_HAND)
def test_what_is_written_by_hand_is_printed_so(source: str) -> None:
    assert repr(parse_equation(source)) == source


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("x*2*i", "2*i*x"),
        ("x*(j - i)", "(j - i)*x"),
        ("-(i - j)*x", "(j - i)*x"),
        ("t - (i - j)*x", "t - (i - j)*x"),
        ("x*x*3/(2*x)", "3*x^2/(2*x)"),  # not 3/2*x, which has a value where x is 0
        ("x/2/H/W", "x/(2*H*W)"),
        ("x**2", "x^2"),
        ("+x - -y", "x + y"),
        ("sum[u] sum[v] x[u]*y[v]*t", "sum[u] sum[v] x[u]*y[v]*t"),
        ("where(x > 0, 1, 0)*y", "[x > 0]*y"),
        ("sum[u : u < i] 1", "sum[u] [u < i]"),
        ("sum[u] where(u < i, x[u], 0)", "sum[u : u < i] x[u]"),
        ("[0 <= i and i < 3]", "[0 <= i and i < 3]"),
        ("[0 <= i < 3]", "[0 <= i < 3]"),
        ("1e-3*x", "0.001*x"),
        ("1e16*x", "1e+16*x"),
    ],
)
def test_typed_forms_and_their_print(typed: str, printed: str) -> None:
    assert repr(parse_expression(typed, "i,j")) == printed
