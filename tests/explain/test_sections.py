"""Jacobians with their cases, gradients through them, correlations, and what formulas say in words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pellucid import zoo
from pellucid.explain import Section
from pellucid.explain.jacobians import jacobians
from pellucid.formula.formula import Formula
from pellucid.formula.normal import normal_form
from pellucid.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    FormulaLayer,
    Layer,
    MaxPool2D,
    Parameter,
    Softmax,
    SoftmaxCrossEntropy,
)
from pellucid.network import Network
from tests.engine.custom_layers import CUSTOM


def values(section: Section) -> list[str]:
    return [str(section.start.value), *(str(s.equation.value) for s in section.steps)]


def test_softmax_and_cross_entropy_are_derived_as_seed_004_does_it() -> None:
    (passage,) = zoo.load("mnist-avgpool").derive("dense1").passages
    (jacobian,) = passage.jacobians
    assert values(jacobian)[1] == "D(exp(x[n,k'] - m[n])/(sum[k''] exp(x[n,k''] - m[n])), x[n,k])"
    assert str(jacobian.result) == "dprob_dx[n,k',k] = prob[n,k']*(delta(k', k) - prob[n,k])"
    assert {c.reason: str(c.equation) for c in jacobian.cases} == {
        "where k' = k": "dprob_dx[n,k',k'] = prob[n,k']*(1 - prob[n,k'])",
        "where k' is not k": "dprob_dx[n,k',k] = -prob[n,k']*prob[n,k]",
    }
    loss, above, together = passage.readings
    assert values(loss)[-1] == "sum[k] (-y[n,k]*log(prob[n,k]))"
    assert str(above.result) == "dprob[n,k] = -y[n,k]/(N*prob[n,k])"
    assert values(together)[0] == "sum[k'] dprob[n,k']*D(prob[n,k'], x[n,k])"
    assert [s.reason for s in together.steps if s.rule == "assumption"] == [
        "sum[k] y[n,k] = 1, as is assumed"
    ]
    assert together.result == passage.result
    assert passage.meaning == ("the gradient is how far prob[n,k] is from y[n,k]",)


def test_smoothed_targets_take_the_place_of_labels() -> None:
    net = Network([Dense(4)], (3,), SoftmaxCrossEntropy(label_smoothing=0.1))
    (passage,) = net.derive("dense1").passages
    assert str(passage.readings[-1].result) == "dx[n,k] = (prob[n,k] - q[n,k])/N"


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Softmax(), (4,), "y[n,k]*(dy[n,k] - sum[k'] dy[n,k']*y[n,k'])"),
        (Softmax(), (4, 2, 3), "y[n,k,i,j]*(dy[n,k,i,j] - sum[k'] dy[n,k',i,j]*y[n,k',i,j])"),
        (
            CUSTOM["softmax with a temperature"].layer,
            (7,),
            "t*y[n,d]*(dy[n,d] - sum[d'] dy[n,d']*y[n,d'])",
        ),
        (
            FormulaLayer("y[n,k] = x[n,k]^2 / (1 + sum[r] x[n,r]^2)"),
            (5,),
            "x[n,k]*(2*dy[n,k] - 2*sum[k'] dy[n,k']*y[n,k'])/(1 + y_sum[n])",
        ),
    ],
)
def test_what_is_normalised_has_a_factored_gradient(
    layer: Layer, shape: tuple[int, ...], expected: str
) -> None:
    (passage,) = Network([layer], shape).derive("input").passages
    assert str(passage.readings[-1].result.value) == expected
    assert len(passage.jacobians[0].cases) == 2


def test_two_axes_have_three_cases() -> None:
    (passage,) = CUSTOM["instance normalisation"].alone().derive("input").passages
    assert [c.reason for c in passage.jacobians[0].cases] == [
        "where j' = j and i' = i",
        "where j' = j and i' is not i",
        "where j' is not j",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "y[n,k] = x[n,k]/2",
        "t[n] = sum[d] x[n,d]^2; y[n,k] = (sum[d] w[k,d]*x[n,d])/sqrt(1 + t[n])",
        "y[n,k] = x[n,k]*(sum[d] x[n,d])",
        "t[n,k] = sum[r] x[n,k + r]^2; y[n,k] = x[n,k]/(1 + t[n,k])",
    ],
)
def test_nothing_else_is_taken_for_normalised(source: str) -> None:
    assert not list(jacobians(normal_form(Formula.parse(source, constants={"R": 2, "K": 3})), "x"))


def correlation(layer: Layer, shape: tuple[int, ...]) -> list[Section]:
    (passage,) = Network([layer], shape).derive("input", numbers=True).passages
    return [r for r in passage.readings if r.title.startswith("read as a correlation")]


def test_a_convolution_s_input_gradient_is_a_correlation_with_the_turned_kernel() -> None:
    general, special = correlation(Conv2D(4, 3, padding=1), (2, 5, 5))
    assert str(general.result.value) == (
        "sum[k,u,v] dy[n,k,h + u + 1 + p - U,l + v + 1 + q - V]*w[k,c,U - u - 1,V - v - 1]"
    )
    assert [s.rule for s in general.steps] == ["unit", "padding", "reverse"]
    assert "here a = 1 and s = 1" in general.steps[0].reason
    assert "padded by U - 1 - p and V - 1 - q in front, with w turned by half a turn" in (
        general.steps[-1].reason
    )
    assert str(special.result.value) == (
        "sum[k<4,u<3,v<3] dy[n,k,h + u - 1,l + v - 1]*w[k,c,2 - u,2 - v]"
    )


def test_with_a_stride_zeros_lie_between() -> None:
    general, *_ = correlation(Conv2D(4, 3, stride=2, dilation=2), (2, 9, 9))
    assert [s.rule for s in general.steps] == ["padding", "reverse"]
    assert "dy with s - 1 zeros between its elements" in general.steps[-1].reason
    assert "s | h + a*u + a + p - a*U" in str(general.result)


def test_a_kernel_of_one_axis_is_read_from_its_end() -> None:
    layer = FormulaLayer(
        "y[n,i] = sum[u] w[u]*x[n,i + u]", parameters={"w": Parameter("u")}, constants={"U": 3}
    )
    general, special = correlation(layer, (6,))
    assert str(special.result.value) == "sum[u<3] dy[n,h + u - 2]*w[2 - u]"
    assert general.steps[-1].reason.endswith("padded by U - 1 in front, with w read from its end")


@pytest.mark.parametrize("layer", [MaxPool2D(2), AveragePool2D(2), Conv2D(2, 2, true_convolution=True)])
def test_nothing_else_is_turned(layer: Layer) -> None:
    assert correlation(layer, (1, 4, 4)) == []


def sentences(net: Network, value: str) -> str:
    (passage,) = net.derive(value, numbers=True).passages
    return "; ".join(passage.meaning)


def test_words() -> None:
    net = zoo.load("mnist-maxpool")
    assert sentences(net, "conv1.bias") == (
        "b[k] is added at every n, i and j, so it gets the gradients of all of them, added up"
    )
    assert "so it gets the gradient times x[n,d], added up over every n where it is used" in sentences(
        net, "dense1.weight"
    )
    assert "elsewhere the output is 0 whatever the value is, so the gradient is blocked" in sentences(
        net, "conv1"
    )
    assert "only the largest element of a window (the first of several)" in sentences(net, "relu1")
    assert "is only moved, so its gradient comes back from where it went" in sentences(net, "maxpool1")
    average = zoo.load("mnist-avgpool")
    assert "a quarter of dy[n,c,h//2,l//2] comes back" in sentences(average, "relu1")
    assert "there is a window at which the element is met only where s | h + p - u" in sentences(
        average, "relu1"
    )


def test_every_form_shows_the_sections() -> None:
    derived = zoo.load("mnist-avgpool").derive("dense1")
    text, html, document = str(derived), derived._repr_html_(), derived.to_dict()
    ElementTree.fromstring(html)
    for title in ("the Jacobian: how each element of prob", "the same through the Jacobian"):
        assert title in text
        assert title in html
    assert "where k' is not k:" in text
    (passage,) = document["passages"]  # type: ignore[misc]  # it is a list
    assert [s["title"] for s in passage["jacobians"]] == [
        "the Jacobian: how each element of prob depends on each element of x"
    ]
    assert len(passage["jacobians"][0]["cases"]) == 2
    assert len(passage["readings"]) == 3
