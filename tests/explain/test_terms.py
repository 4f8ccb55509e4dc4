"""Every kind of number of every layer: its terms add up to what the run has."""

from __future__ import annotations

import pytest

from pellucid import engine as engines
from pellucid.engine.run import Run
from pellucid.layers import (
    Add,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    SoftmaxCrossEntropy,
    Tanh,
)
from pellucid.network import Network
from tests.engine.custom_layers import CUSTOM
from tests.explain.numbers import drawn, run_of
from tests.layers.table import cases

NETWORKS = {name: case.network() for name, case in cases().items()}
NETWORKS |= {name: custom.alone() for name, custom in CUSTOM.items()}


def check(run: Run, count: int, seed: int = 0) -> None:
    for reference, value in drawn(run, count, seed):
        found = run.explain(reference)
        assert found.stored == value, reference
        assert found.agrees, f"{reference}\n{found}"
        if found.role:
            continue
        listed = sum(t.value for t in found.terms) + found.rest[1]
        assert abs(listed - found.total) <= found.bound, reference


@pytest.mark.parametrize("name", NETWORKS)
def test_terms_add_up_to_every_kind_of_number(name: str) -> None:
    dtype = ("float32", "float64")[[*NETWORKS].index(name) % 2]
    check(run_of(NETWORKS[name], dtype=dtype), 2)


@pytest.mark.parametrize("engine", [name for name in engines.available() if name != "numpy"])
@pytest.mark.parametrize("name", [*NETWORKS][::4])
def test_they_do_for_other_engines(name: str, engine: str) -> None:
    check(run_of(NETWORKS[name], engine=engine), 2)


def test_every_reduction_and_function_is_met_without_gradients_too() -> None:
    for name, net in [*NETWORKS.items()][::2]:
        run = net.run(run_of(net)["input"])
        for reference, _ in drawn(run, 1, 0):
            assert run.explain(reference).agrees, f"{name}: {reference}"


def branched() -> Network:
    layers = [
        Conv2D(2, 3, padding=1, name="c"),
        Tanh(name="a", inputs=("c",)),
        ReLU(name="b", inputs=("c",)),
        Add(name="s", inputs=("a", "b", "c")),
        MaxPool2D(2, stride=1),
        Flatten(),
        Dropout(0.4),
        Dense(6, name="d1"),
        Dense(6, name="d2"),
        Dense(6, name="d3", shares="d2"),
        Dense(3),
    ]
    return Network(layers, (1, 4, 4), SoftmaxCrossEntropy(label_smoothing=0.1))


def test_a_gradient_of_several_uses_is_explained_use_by_use() -> None:
    run = run_of(branched())
    check(run, 4)
    found = run.explain("c.grad[1,0,2,2]")
    assert [share.through for share in found.shares] == ["a", "b", "s"]
    assert abs(sum(share.total for share in found.shares) - found.stored) <= found.bound
    assert {t.through for t in found.terms} <= {"a", "b", "s"}
    assert [share.through for share in run.explain("d2.weight.grad[2,3]").shares] == ["d2", "d3"]


def test_gradients_from_outside_are_terms() -> None:
    net = Network([Tanh(name="a"), Dense(2, name="b"), Dense(2, name="c")], (3,))
    x = run_of(net, 2)["input"]
    above = {"a": x, "c": x[:, :2]}
    run = net.run(x, upstream=above)
    check(run, 4)
    found = run.explain("a.grad[0,1]")
    assert [t.through for t in found.terms].count("upstream") == 1
    assert run.explain("c.grad[0,1]").role == "a gradient that was given"


def test_weights_of_images_are_read() -> None:
    net = Network([Dense(3)], (4,), SoftmaxCrossEntropy())
    x = run_of(net)["input"]
    run = net.run(x, [0, 1, 2], sample_weight=[1.0, 2.0, 3.0])
    check(run, 9)
    assert run.explain("weights[1]").role == "the weight of an image"


def test_the_largest_terms_come_first_and_the_rest_is_counted() -> None:
    run = run_of(Network([Dense(2, bias=False)], (40,)))
    few, every = run.explain("dense1[0,1]", most=5), run.explain("dense1[0,1]", most=None)
    sizes = [abs(t.value) for t in every.terms]
    assert sizes == sorted(sizes, reverse=True)
    assert len(every.terms) == 40
    assert every.rest == (0, 0.0)
    assert few.terms == every.terms[:5]
    assert few.rest[0] == 35
    assert few.rest[1] == pytest.approx(sum(t.value for t in every.terms[5:]), abs=1e-12)
    assert few.size == pytest.approx(sum(sizes), rel=1e-12)


def test_a_wrong_value_is_noticed() -> None:
    run = run_of(Network([Dense(2)], (4,)))
    run["dense1"][0, 1] += 1e-4
    found = run.explain("dense1[0,1]")
    assert not found.agrees
    assert "NOT within" in str(found)


def test_values_that_are_not_finite_agree_with_their_like() -> None:
    run = run_of(Network([Dense(2)], (4,)))
    run["input"][0, 0] = float("inf")
    run["dense1"][0, 1] = float("nan")
    assert not run.explain("dense1[0,1]").agrees
    run["input"][0, 1] = float("nan")
    assert run.explain("dense1[0,1]").agrees
