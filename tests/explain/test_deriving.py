"""Every step of every derivation is checked, and a wrong rule is caught."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid import zoo
from pellucid.errors import CheckFailed, FormulaError, UsageError
from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.deriving import derive_gradient
from pellucid.explain.proof import verified
from pellucid.explain.trial import Trial, scope_of
from pellucid.formula import differentiate
from pellucid.formula.derive import derive
from pellucid.formula.expression import Derivative, Num
from pellucid.formula.formula import Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.parse import parse_expression, parse_read
from pellucid.formula.ranges import solve
from pellucid.formula.rules import RULES
from pellucid.layers import (
    Dense,
    Flatten,
    FormulaLayer,
    Layer,
    MaxPool2D,
    MeanSquaredError,
    Parameter,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
)
from pellucid.network import Network
from tests.engine.custom_layers import CUSTOM
from tests.explain.test_terms import NETWORKS, branched


def names(net: Network) -> list[str]:
    found = ["input", *net.parameter_shapes, *net.by_name]
    return found if net.loss is not None else [name for name in found if name != net.output]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_step_of_every_layer_is_verified(name: str) -> None:
    net = NETWORKS[name]
    for value in names(net):
        found = derive_gradient(net, value, numbers=True)
        assert all(step.error <= 1e-9 for step in found.steps)
        page = "".join(ElementTree.fromstring(found._repr_html_()).itertext())
        assert all(sentence in page for p in found.passages for sentence in p.meaning)
        assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
        assert found._repr_latex_().count("{") == found._repr_latex_().count("}")
        assert str(found).startswith(f"The gradient of the loss by {value}")


def test_the_last_step_is_the_formula_that_the_engines_run() -> None:
    net = zoo.load("mnist-maxpool")
    for value in ("input", *net.parameter_shapes, *[*net.by_name][:-1]):
        (passage,) = net.derive(value).passages
        node = net.by_name[passage.layer]
        operands = dict(zip(node.layer.operands, node.sources, strict=True))
        operands |= {o: parameter for o, (parameter, _) in node.parameters.items()}
        (operand,) = (o for o, v in operands.items() if v == value)
        assert passage.result == derive(node.formula).equation(operand)
    assert str(net.derive("dense1").passages[0].result) == "dx[n,k] = (prob[n,k] - y[n,k])/N"


def test_several_uses_are_several_passages() -> None:
    net = branched()
    assert [p.layer for p in net.derive("c").passages] == ["a", "b", "s"]
    assert [p.layer for p in net.derive("d2.weight").passages] == ["d2", "d3"]
    text = str(net.derive("c"))
    assert "which is used 3 times" in text
    assert "the gradient by c is the sum of these 3 right sides:\n  through a: dx[n,c,i,j] = " in text


def test_reasons_name_what_they_are_about() -> None:
    net = zoo.load("cifar-two-conv")
    reasons = [step.reason for step in net.derive("maxpool1").steps]
    assert (
        "only terms with s*i + a*u - p = h are left, and that is i = (h + p - a*u)/s: a whole number only if "
        "s | h + p - a*u, and one of the i there are only if 0 <= (h + p - a*u)/s < I"
    ) in reasons
    assert any(r.endswith("b[k] does not contain x[n,c,h,l]") for r in reasons)
    loss = [step.reason for step in net.derive("dense1").steps]
    assert "sum[k] y[n,k] = 1, as is assumed" in loss
    assert any("(m is a shift)" in r for r in loss)
    assert any(r.endswith("the slope of exp(a) is exp(a)") for r in loss)
    assert any(r.endswith("taken out of the sum: 1/N and prob[n,k]") for r in loss)
    assert {step.rule for step in net.derive("dense1").steps} <= RULES.keys()


def test_numbers_are_put_in() -> None:
    net = zoo.load("mnist-maxpool")
    (passage,) = net.derive("relu1", numbers=True).passages
    assert str(passage.numbers[-1].equation) == (
        "dx[n,c,h,l] = where(y_at[n,c,h//2,l//2] == 2*(h%2) + l%2, dy[n,c,h//2,l//2], 0)"
    )
    assert passage.numbers[0].reason.startswith("here I = 13, J = 13, U = 2, V = 2, p = 0, q = 0 and s = 2: ")
    assert net.derive("relu1").passages[0].numbers == ()


WRONG = {"tanh": "1 - tanh(a)", "relu": "[a < 0]", "exp": "a", "sigmoid": "sigmoid(a)", "erf": "exp(-a^2)"}


@pytest.mark.parametrize("function", WRONG)
def test_a_planted_wrong_rule_is_caught(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (parse_expression(WRONG[function], ""),)
    original = differentiate._derivative_of
    monkeypatch.setattr(differentiate, "_derivative_of", lambda f: wrong if f == function else original(f))
    # no other test derives this formula, so that its derivation is not kept yet
    layer = FormulaLayer(f"y[n,d] = {function}(x[n,d])*x[n,d] + {len(function)}.25")
    with pytest.raises(CheckFailed, match=r"the step 'function' to .* changes the value by"):
        derive_gradient(Network([layer], (3,)), "input")


def test_a_changed_step_is_caught() -> None:
    gradient = derive(Formula.parse("y[n,k] = sum[d] w[k,d]*x[n,d]"), ["x"])
    generator = np.random.default_rng(0)
    operands = {"w": generator.normal(size=(3, 4)), "x": generator.normal(size=(2, 4))}
    trial = Trial.of(gradient, operands, seed=0)
    for step in gradient.steps["dx"]:
        assert verified(trial, [step])[0].error < 1e-12
        wrong = replace(step.after, value=2 * step.after.value)
        with pytest.raises(CheckFailed, match="changes the value"):
            verified(trial, [replace(step, after=wrong)])


SLOPES = {
    "exp(x[i])*x[i]^3": lambda x: np.exp(x) * (x**3 + 3 * x**2),
    "x[i]/(1 + x[i]^2)": lambda x: (1 - x**2) / (1 + x**2) ** 2,
    "sqrt(1 + abs(x[i]))": lambda x: np.sign(x) / (2 * np.sqrt(1 + np.abs(x))),
    "maximum(x[i], 2*x[i]) + minimum(x[i], 0)": lambda x: np.where(x > 0, 2, 1) + (x < 0),
    "tanh(x[i]) + sigmoid(x[i]) + erf(x[i])": lambda x: (
        1 / np.cosh(x) ** 2 + np.exp(-x) / (1 + np.exp(-x)) ** 2 + 2 / np.sqrt(np.pi) * np.exp(-(x**2))
    ),
    "(sum[j] x[j])^2": lambda x: np.full_like(x, 2 * x.sum()),
    "mean[j] log(2 + tanh(x[j]))": lambda x: (1 - np.tanh(x) ** 2) / (2 + np.tanh(x)) / len(x),
    "max[j] x[j]": lambda x: (x == x.max()).astype(float),
}


@pytest.mark.parametrize("source", SLOPES)
def test_the_complex_step_knows_slopes(source: str) -> None:
    formula = Formula.parse(f"y[i] = {source}\nz = sum[i] y[i]", constants={"I": 5})
    gradient = derive(formula)
    x = np.random.default_rng(1).normal(size=5)
    ranges = solve_gradient(gradient.formula, solve(gradient.forward, {"x": x.shape}))
    evaluator = ComplexStep(scope_of(gradient, ranges, {"x": x}))
    value = Formula.parse(f"y[i] = {source}").equations[0].value
    places = {"i": np.arange(5)}
    found = evaluator.value(Derivative(value, parse_read("x[i]")), places).value
    np.testing.assert_allclose(found, SLOPES[source](x), rtol=1e-13)


@pytest.mark.parametrize("last", [[], [Softmax()]])
def test_a_network_with_a_single_class(last: list[Layer]) -> None:
    # The sum over all other classes has no terms.
    net = Network([Flatten(), Dense(1), *last], (1, 2, 2), None if last else SoftmaxCrossEntropy())
    assert net.derive("dense1.weight").steps


def test_slopes_at_kinks_are_those_of_the_conventions() -> None:
    gradient = derive(Formula.parse("y[i] = abs(x[i]) + relu(x[i])"))
    trial = Trial.of(gradient, {"x": np.zeros(3)}, seed=1)
    assert all(step.error == 0 for step in verified(trial, gradient.steps["dx"]))


def test_what_cannot_be_derived_says_so() -> None:
    net = Network([Dense(2)], (3,))
    with pytest.raises(UsageError, match=r"there is no layer or parameter 'dense2'; did you mean dense1\?"):
        net.derive("dense2")
    with pytest.raises(FormulaError, match="dense1 is the output, and the network has no loss"):
        net.derive("dense1")


def test_what_is_blocked_and_chosen_is_seen_in_the_formulas() -> None:
    net = Network([ReLU(), MaxPool2D(2)], (1, 4, 4))
    assert "x[n,c,i,j] > 0" in str(net.derive("input"))
    assert "y_at" in str(net.derive("relu1").passages[0].result)
    assert CUSTOM["pixel shuffle"].alone().derive("input").steps
    assert Num(1) != net.derive("input").passages[0].result.value


PARTLY_DEFINED = (
    "log(x[n,d])", "sqrt(x[n,d])", "x[n,d]^1.5", "x[n,d]^x[n,d]", "sqrt(1 - x[n,d]^2)", "sqrt(x[n,d] - 3)",
    "log(x[n,d]) + log(5 - x[n,d])", "log(-x[n,d])", "x[n,d]^0.5/(sum[e] x[n,e]^0.5)", "sqrt(relu(x[n,d]))",
)  # fmt: skip


@pytest.mark.parametrize("value", PARTLY_DEFINED)
def test_trial_values_lie_where_the_equations_are_numbers(value: str) -> None:
    net = Network([FormulaLayer(f"y[n,d] = {value}")], (4,), MeanSquaredError())
    found = derive_gradient(net, "input", numbers=True)
    assert found.steps
    assert all(step.error <= 1e-9 for step in found.steps)


def test_operands_may_need_different_kinds_of_values() -> None:
    source = "y[n,d] = sqrt(x[n,d] - 30*w[d])"
    net = Network([FormulaLayer(source, parameters={"w": Parameter("d")})], (4,), MeanSquaredError())
    for value in ("input", *net.parameter_shapes):
        assert derive_gradient(net, value).steps


def test_a_formula_without_any_real_value_is_not_derived() -> None:
    net = Network([FormulaLayer("y[n,d] = sqrt(-1 - x[n,d]^2)")], (4,), MeanSquaredError())
    with pytest.raises(CheckFailed, match="no shapes and values were found at which the gradient by x of"):
        derive_gradient(net, "input")


@pytest.mark.parametrize("shape", [(3, 1, 5), (3, 4, 1), (3, 1, 1)])
def test_a_normalisation_over_a_single_row_is_derived(shape: tuple[int, ...]) -> None:
    source = """
    m[n,c] = mean[i,j] x[n,c,i,j]
    v[n,c] = mean[i,j] (x[n,c,i,j] - m[n,c])^2
    y[n,c,i,j] = (x[n,c,i,j] - m[n,c])/sqrt(v[n,c] + 0.01)
    """
    net = Network([FormulaLayer(source)], shape, MeanSquaredError())
    (passage,) = derive_gradient(net, "input").passages
    assert passage.jacobians
    assert all(step.error <= 1e-9 for step in passage.steps)
    # letters with a single value cannot differ
    assert not any(
        "i' is not i" in case.reason for s in passage.jacobians for case in s.cases if shape[1] == 1
    )
