"""The check of a network's gradients: it passes what is right and finds what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pellucid.engine.executor import Executor
from pellucid.errors import CheckFailed, DataError, NetworkError
from pellucid.layers import (
    Add,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    FormulaLayer,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    SoftmaxCrossEntropy,
    Tanh,
)
from pellucid.network import Network

Array = NDArray[Any]


def small(loss: bool = True) -> Network:
    layers = [Conv2D(3, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(4)]
    return Network(layers, (2, 6, 6), SoftmaxCrossEntropy() if loss else None)


@pytest.mark.parametrize("loss", [True, False])
def test_right_gradients_pass(loss: bool) -> None:
    result = small(loss).check()
    assert result.passed
    assert [row.name for row in result.rows] == [
        "input", "conv1.weight", "conv1.bias", "dense1.weight", "dense1.bias",
    ]  # fmt: skip
    assert [row.coordinates for row in result.rows] == [144, 54, 3, 48, 4]
    assert all(row.directions == 3 for row in result.rows)


def test_graphs_shared_parameters_and_regression_pass() -> None:
    layers = [
        Dense(3, name="a"),
        Tanh(),
        Dense(3, shares="a", name="b"),
        Add(inputs=("a", "b")),
        Dense(2),
    ]
    assert Network(layers, (3,), MeanSquaredError()).check(images=4, seed=9).passed


def test_dropout_is_checked_with_its_mask_fixed() -> None:
    net = Network([Dense(8), Dropout(0.5), Dense(2)], (3,))
    using, training = net.check(), net.check(training=True)
    assert using.passed
    assert training.passed


@pytest.mark.parametrize("name", ["input", "conv1.weight", "dense1.bias"])
def test_a_wrong_gradient_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Executor.backward

    def wrong(
        self: Executor, inner: list[dict[str, Array]], upstream: Mapping[str, Array]
    ) -> dict[str, Array]:
        found = right(self, inner, upstream)
        spoiled = found[name].copy()
        spoiled.flat[0] += 1e-5 * np.abs(spoiled).max()
        return found | {name: spoiled}

    monkeypatch.setattr(Executor, "backward", wrong)
    result = small().check()
    assert not result.passed
    assert [row.name for row in result.rows if not row.passed] == [name]
    assert "the check FAILED" in str(result)
    assert "WRONG" in str(result)


def test_kinks_are_counted_and_too_many_fail() -> None:
    net = Network([ReLU()], (40,))
    x = np.linspace(1.0, 2.0, 40)[None]
    x[0, 7] = 0.0
    result = net.check(x)
    assert result.rows[0].passed
    assert result.rows[0].kinks > 0
    x[0, :20] = 0.0
    assert not net.check(x).passed


def test_given_images_labels_and_parameters_are_used() -> None:
    net = small()
    x = np.random.default_rng(0).normal(size=(5, 2, 6, 6))
    result = net.check(x, [0, 1, 2, 3, 0], net.initial_parameters(3))
    assert result.passed
    assert result.images == 5


def test_wrong_arguments_are_one_sentence() -> None:
    with pytest.raises(NetworkError, match="targets were given, but the network has no loss"):
        small(loss=False).check(y=[0, 1])
    with pytest.raises(DataError, match="label 4 of image 0"):
        small().check(y=[4, 0])
    with pytest.raises(DataError, match=r"inputs of shape \(N, 2, 6, 6\)"):
        small().check(np.zeros((1, 2, 6, 7)))
    with pytest.raises(CheckFailed, match="the output is -inf at"):
        Network([FormulaLayer("y[n,d] = log(x[n,d])")], (2,)).check(np.array([[0.0, 1.0]]))


def test_the_result_reads_as_a_table_and_as_json() -> None:
    result = small().check()
    lines = str(result).splitlines()
    assert lines[0] == "network, 2 images, float64"
    assert lines[1].split() == [
        "gradient",
        "of",
        "elements",
        "directions",
        "kinks",
        "worst",
        "error",
        "at",
        "result",
    ]
    assert lines[-1] == "all gradients are right"
    described = result.to_dict()
    assert json.loads(json.dumps(described)) == described
    assert described["passed"] is True
