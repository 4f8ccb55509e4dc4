"""Networks drawn at random, on both engines: the same values, the same gradients, the same training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid import engine
from pellucid.engine.interface import Task
from pellucid.errors import PellucidError
from pellucid.layers import (
    Conv2D,
    Dense,
    Dropout,
    FormulaLayer,
    GlobalAveragePool2D,
    LeakyReLU,
    MeanSquaredError,
    ReLU,
)
from pellucid.network import Network
from pellucid.training.optimiser import AdamW
from tests.random_networks import networks

BOUND = 1e-9


def close(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    assert got.shape == expected.shape
    fine = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(got), fine, name)
    largest = np.abs(expected[fine]).max(initial=1e-300)
    assert np.abs(got[fine] - expected[fine]).max(initial=0) <= BOUND * largest, name


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(), st.integers(1, 3), st.booleans())
def test_values_and_gradients(network, images, training):
    rng = np.random.default_rng(images)
    x = rng.standard_normal((images, *network.input_shape))
    upstream = {network.output: rng.standard_normal((images, *network.output_shape))}
    runs = []
    for name in ("numpy", "compiled"):
        try:
            runs.append(
                engine.get(name).run(network, x, upstream=upstream, dtype=np.float64, training=training)
            )
        except PellucidError as error:
            runs.append(str(error))
    mine, theirs = runs
    if isinstance(mine, str) or isinstance(theirs, str):
        assert mine == theirs
        return
    for name in mine:
        close(theirs[name], mine[name], name)
    for name in mine.grad:
        close(theirs.grad[name], mine.grad[name], f"gradient of {name}")


def scaled(text: str, factor: float) -> FormulaLayer:
    return FormulaLayer(text, constants={"t": factor})


SAME_LETTERS = {
    "slopes": [LeakyReLU(0.1), LeakyReLU(0.3)],
    "rates": [Dropout(0.1), Dense(6), ReLU(), Dropout(0.5)],
    "constants": [scaled("y[n,i] = x[n,i]*t + 1", 2.0), scaled("y[n,i] = x[n,i]*t - 1", 3.5)],
    "the scale of images": [FormulaLayer("y[n,i] = x[n,i]*scale", constants={"scale": 2.5})],
}
SUMS = {
    "one pixel": ([Conv2D(2, 3), GlobalAveragePool2D()], (1, 3, 3)),
    "all pixels": ([Conv2D(2, 3), FormulaLayer("y[n,c] = sum[i,j] x[n,c,i,j]")], (1, 6, 6)),
    "all channels": ([Conv2D(2, 3), FormulaLayer("y[n,i,j] = sum[c] x[n,c,i,j]")], (1, 6, 6)),
}


def trained(network: Network, batch: int, name: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    images = rng.standard_normal((9, *network.input_shape))
    targets = rng.standard_normal((9, *network.output_shape))
    task = Task(
        network, images, targets, network.initial_parameters(2), AdamW().update, batch_size=batch,
        dtype=np.float64, seed=3,
    )  # fmt: skip
    trainer = engine.get(name).trainer(task)
    trainer.run(np.arange(9), 0, np.full(-(-9 // batch), 0.01))
    return trainer.parameters


@pytest.mark.parametrize("batch", [1, 4, 9])
@pytest.mark.parametrize("name", SAME_LETTERS)
def test_a_letter_is_its_own_layer_s(name, batch):
    network = Network([Dense(5), *SAME_LETTERS[name], Dense(2)], (4,), MeanSquaredError())
    expected, got = (trained(network, batch, engine) for engine in ("numpy", "compiled"))
    for parameter in expected:
        close(got[parameter], expected[parameter], parameter)


@pytest.mark.parametrize("batch", [1, 4, 9])
@pytest.mark.parametrize("name", SUMS)
def test_the_gradient_of_a_plain_sum_is_spread(name, batch):
    layers, shape = SUMS[name]
    network = Network(layers, shape, MeanSquaredError())
    expected, got = (trained(network, batch, engine) for engine in ("numpy", "compiled"))
    for parameter in expected:
        close(got[parameter], expected[parameter], parameter)
