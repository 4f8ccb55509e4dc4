"""The named networks are those of the seeds, and the default suits every image size."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import zoo
from pellucid.errors import NetworkError, UsageError
from pellucid.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    SoftmaxCrossEntropy,
)
from pellucid.network import Network
from tests.fixtures import recipe

SEEDS: dict[str, list[Layer]] = {
    "cifar-two-conv": [
        Conv2D(16, 3, padding=1), ReLU(), MaxPool2D(2),
        Conv2D(32, 3, padding=1), ReLU(), Flatten("CHW"), Dense(10),
    ],
    "mnist-one-conv": [Conv2D(8, 3), ReLU(), Flatten("HWC"), Dense(10)],
    "mnist-maxpool": [Conv2D(8, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(10)],
    "mnist-avgpool": [Conv2D(15, 5), ReLU(), AveragePool2D(2), Flatten("HWC"), Dense(10)],
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_networks_are_what_the_seeds_say(name: str) -> None:
    shape = recipe.NETWORKS[name].image
    assert zoo.load(name) == Network(SEEDS[name], shape, SoftmaxCrossEntropy(), name=name)
    assert zoo.load(name).parameter_shapes == recipe.NETWORKS[name].parameters


@pytest.mark.parametrize("name", zoo.names())
def test_every_network_says_its_source_and_takes_other_images_and_classes(name: str) -> None:
    text = (files(zoo) / f"{name}.toml").read_text(encoding="utf-8")
    assert text.startswith(("# Seed 00", "# LeNet-5, after LeCun"))
    assert zoo.load(name).name == name
    net = zoo.load(name, input_shape=(2, 32, 40), classes=3)
    assert net.run(np.zeros((1, 2, 32, 40)), [2]).output.shape == (1, 3)
    assert isinstance(net.loss, SoftmaxCrossEntropy)


def test_wrong_names_shapes_and_classes_are_one_sentence() -> None:
    with pytest.raises(
        UsageError, match=r"there is no network 'lenet'; did you mean lenet5[?] there are cifar-two"
    ):
        zoo.load("lenet")
    with pytest.raises(
        NetworkError, match=r"lenet5 cannot take images of the shape \(1, 4, 4\): layer conv2: "
    ):
        zoo.load("lenet5", input_shape=(1, 4, 4))
    with pytest.raises(UsageError, match="classes is an integer from 1"):
        zoo.load("lenet5", classes=0)
    with pytest.raises(UsageError, match="classes is an integer from 1"):
        zoo.default((1, 8, 8), 0)
    with pytest.raises(NetworkError, match="takes inputs of shape"):
        zoo.default((1, 8), 2)
    with pytest.raises(NetworkError, match="an input shape is"):
        zoo.default((1, 8, 0), 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 70), st.integers(1, 70), st.integers(1, 40))
def test_the_default_suits_every_size(channels: int, rows: int, columns: int, classes: int) -> None:
    net = zoo.default((channels, rows, columns), classes)
    assert net.output_shape == (classes,)
    last = net.by_name["flatten1"]
    assert last.shape[0] <= 64 * 7 * 7


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 1, 5), (1, 8, 8), (1, 28, 28), (3, 64, 64), (3, 200, 90), (7,)]
)
def test_the_default_runs_and_learns(shape: tuple[int, ...]) -> None:
    net = zoo.default(shape, 3)
    run = net.run(np.ones((2, *shape)), [0, 2])
    assert np.isfinite(run.loss)
    assert np.abs(run.grad["dense1.weight"]).max() > 0
