"""Derived gradients are the seeds' formulas, by structure; what cannot be derived says so."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pellucid.errors import FormulaError
from pellucid.formula.derive import Gradient, derive
from pellucid.formula.expression import Num
from pellucid.formula.formula import Formula
from pellucid.formula.jacobian import cases, jacobian
from pellucid.formula.parse import parse_equation
from pellucid.formula.rules import RULES
from tests.formula.case import Case
from tests.formula.formulas import FORMULAS

SOFTMAX = {
    "000, line 91": "p[i] = exp(z[i])/(sum[j] exp(z[j]))",
    "001, line 49": "e[c] = exp(Z[c])\nt = sum[j] exp(Z[j])\ny[c] = e[c]/t",
    "004, line 67": "e[i] = exp(z[i])\nt = sum[i] e[i]\ns[i] = e[i]/t",
    "shifted": "shift m = max[i] z[i]\ne[i] = exp(z[i] - m)\nt = sum[i] e[i]\ns[i] = e[i]/t",
}


def gradient_of(text: str, **options: object) -> Gradient:
    return derive(Formula.parse(text, **options))


@pytest.mark.parametrize(
    ("where", "operand", "letter", "result"),
    [
        ("000, line 91", "z", "i", "p"),
        ("001, line 49", "Z", "c", "y"),
        ("004, line 67", "z", "i", "s"),
        ("shifted", "z", "i", "s"),
    ],
)
def test_softmax_has_its_two_cases(where: str, operand: str, letter: str, result: str) -> None:
    """004, lines 78 and 85: s_i (1 - s_i) where i = j, and -s_i s_j where not."""
    equation = jacobian(Formula.parse(SOFTMAX[where]), operand, {letter: "k"})
    same, other = cases(equation)
    name = f"d{result}_d{operand}"
    assert repr(same) == f"{name}[k,k] = {result}[k]*(1 - {result}[k])"
    assert other == parse_equation(f"{name}[k,{letter}] = -{result}[k]*{result}[{letter}]")


@pytest.mark.parametrize(
    ("where", "forward", "expected"),
    [
        (
            "000, line 96",
            SOFTMAX["000, line 91"] + "\nloss = -(sum[i] y[i]*log(p[i]))",
            "dz[i] = p[i] - y[i]",
        ),
        (
            "004, line 91",
            SOFTMAX["004, line 67"] + "\nloss = -(sum[i] y[i]*log(s[i]))",
            "dz[i] = s[i] - y[i]",
        ),
        ("003, line 184", SOFTMAX["shifted"] + "\nloss = -(sum[i] y[i]*log(s[i]))", "dz[i] = s[i] - y[i]"),
        (
            "001, line 73, over a batch",
            "p[n,i] = exp(z[n,i])/(sum[j] exp(z[n,j]))\nloss = -(mean[n] (sum[i] y[n,i]*log(p[n,i])))",
            "dz[n,i] = (p[n,i] - y[n,i])/N",
        ),
        (
            "from logits",
            """shift m[n] = max[k] z[n,k]
               e[n,k] = exp(z[n,k] - m[n])
               t[n] = sum[k] e[n,k]
               p[n,k] = e[n,k]/t[n]
               l[n] = sum[k] y[n,k]*(m[n] + log(t[n]) - z[n,k])
               loss = mean[n] l[n]""",
            "dz[n,k] = (p[n,k] - y[n,k])/N",
        ),
    ],
)
def test_softmax_with_cross_entropy_gives_p_minus_y(where: str, forward: str, expected: str) -> None:
    letters = "n,i" if "y[n,i]" in forward else "n,k" if "y[n,k]" in forward else "i"
    assumption = f"assume sum[{letters[-1]}] y[{letters}] = 1"
    gradient = derive(Formula.parse(f"{forward}\n{assumption}"), ["z"], upstream=Num(1))
    assert gradient.equation("z") == parse_equation(expected), where
    used = {step.rule.name for steps in gradient.steps.values() for step in steps}
    assert {"assumption", "recognise"} <= used


def test_without_the_assumption_the_sum_of_the_labels_stays() -> None:
    formula = Formula.parse(SOFTMAX["000, line 91"] + "\nloss = -(sum[i] y[i]*log(p[i]))")
    equation = derive(formula, ["z"], upstream=Num(1)).equation("z")
    assert equation == parse_equation("dz[i] = p[i]*(sum[i'] y[i']) - y[i]") or "sum" in repr(equation)
    assert equation != parse_equation("dz[i] = p[i] - y[i]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "y[n,d] = x[n,d//(I*J),d//J%I,d%J]",
            "dx[n,h,l,o] = where(0 <= l < I and 0 <= o < J and 0 <= J*I*h + J*l + o < D,"
            " dy[n,J*I*h + J*l + o], 0)",
        ),
        ("y[n,i] = sum[j] w[(i - j)%N]*x[n,j]", "dx[n,j] = sum[i] dy[n,i]*w[(i - j)%N]"),
        ("y[i] = sum[j : j <= i] x[j]", "dx[j] = sum[i : j <= i] dy[i]"),
        ("y[i] = x[i,i]", "dx[i,h] = delta(i, h)*dy[i]"),
        (
            "y[i] = sqrt(sum[u] x[2*i + u]^2)",
            "dx[h] = x[h]*(sum[u : 2 | h - u and 0 <= (h - u)/2 < I] dy[(h - u)/2]/y[(h - u)/2])",
        ),
        ("y[i,j] = (x[i,j] + x[j,i])/2", "dx[i,j] = 1/2*dy[i,j] + 1/2*dy[j,i]"),
        ("y[i] = where(i < 3, a[i], b[i - 3])", "db[l] = where(l + 3 >= 3 and 0 <= l + 3 < I, dy[l + 3], 0)"),
        ("y[i] = x[i//2]", "dx[h] = sum[r<2 : 0 <= 2*h + r < I] dy[2*h + r]"),
        ("y[n] = x[n]*relu(x[n])", "dx[n] = dy[n]*(relu(x[n]) + x[n]*[x[n] > 0])"),
        ("y[n] = c", "dc = sum[n] dy[n]"),
    ],
)
def test_gradients_are_written_as_a_mathematician_would(text: str, expected: str) -> None:
    found = gradient_of(text).formula.defined[expected.split("[")[0].split(" ")[0]]
    assert found == parse_equation(expected), found


def test_a_shift_that_is_only_a_shift_has_no_gradient() -> None:
    gradient = gradient_of(SOFTMAX["shifted"])
    assert gradient.steps["dz"][0].rule is RULES["shift"]
    assert not any("dm" in repr(equation) for equation in gradient.formula.equations)


def test_a_shift_of_a_computed_maximum_is_left_alone_too() -> None:
    gradient = gradient_of("shift m = 2*(max[i] z[i])\ny[i] = exp(z[i] - m)/(sum[j] exp(z[j] - m))")
    assert not any("m_max" in repr(equation) for equation in gradient.formula.equations)


def test_what_the_output_does_not_depend_on_has_gradient_0() -> None:
    gradient = gradient_of("y[n] = where(x[n] > t[n], 1, 0)*w[n]")
    assert gradient.equation("t") == parse_equation("dt[n] = 0")


def test_only_what_is_asked_for_is_derived() -> None:
    formula = Formula.parse("h[n] = tanh(a[n])\ny[n] = h[n]*w[n]")
    assert [e.name for e in derive(formula, ["w"]).formula.equations] == ["dw"]
    assert [e.name for e in derive(formula, constants=["a"]).formula.equations] == ["dw"]


def test_two_maxima_of_one_body_keep_their_own_positions() -> None:
    gradient = gradient_of("a[i,j] = max[u] x[i,u]\nb[i] = max[u] x[i,u]\ny[i,j] = a[i,j]*b[i]*w[j]")
    text = str(gradient.formula)
    assert "a_at[" in text
    assert "b_at[" in text


@pytest.mark.parametrize(
    ("text", "wrt", "message"),
    [
        ("y[n] = x[n]", ["z"], "'z' is not an operand"),
        ("y[n] = x[n]*dx[n]", None, "'dx' is a tensor of the formula"),
        ("h[n] = x[n]^2\ny[n] = h[n] + dh[n]", None, "'dh' is a tensor of the formula"),
    ],
)
def test_what_cannot_be_derived_says_so(text: str, wrt: list[str] | None, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        derive(Formula.parse(text), wrt)


@pytest.mark.parametrize("letters", [{}, {"i": "j"}, {"i": "i"}, {"k": "l"}])
def test_a_jacobian_needs_a_new_letter_for_each_of_the_output(letters: dict[str, str]) -> None:
    with pytest.raises(FormulaError, match="need a new letter each"):
        jacobian(Formula.parse("y[i] = sum[j] w[i,j]*x[j]"), "x", letters)


@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case.name)
def test_every_step_is_by_a_published_rule_and_leads_to_the_result(case: Case) -> None:
    gradient = derive(case.formula())
    for name, steps in gradient.steps.items():
        for before, after in pairwise(steps):
            assert before.after == after.before
        for step in steps:
            assert RULES[step.rule.name] is step.rule
            assert step.before != step.after
        if steps and name in gradient.formula.defined:
            assert steps[-1].after == gradient.formula.defined[name]
