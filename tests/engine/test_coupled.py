"""Networks whose layers add up over the images of a batch, compiled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pellucid import random
from pellucid.engine.compiled_executor import CompiledExecutor
from pellucid.engine.compiled_predictor import CompiledPredictor
from pellucid.engine.compiled_trainer import CompiledTrainer
from pellucid.engine.coupling import coupled_layer
from pellucid.engine.interface import Task
from pellucid.engine.numpy_engine import NumpyEngine
from pellucid.engine.numpy_trainer import NumpyTrainer
from pellucid.engine.running import run
from pellucid.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    FormulaLayer,
    Layer,
    Parameter,
    SoftmaxCrossEntropy,
    Tanh,
)
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.training.optimiser import SGD, Adam, Momentum
from tests.fixtures.cases import relative_error

COUPLED = {
    "batch normalisation": FormulaLayer(
        """
        m[c] = mean[n,i,j] x[n,c,i,j]
        v[c] = mean[n,i,j] (x[n,c,i,j] - m[c])^2
        y[n,c,i,j] = g[c]*(x[n,c,i,j] - m[c])/sqrt(v[c] + 1e-3) + b[c]
        """,
        parameters={"g": Parameter(("c",), 1.0), "b": Parameter(("c",), 0.0)},
    ),
    "less the mean image": FormulaLayer("y[n,c,i,j] = x[n,c,i,j] - mean[m] x[m,c,i,j]"),
    "attention over images": FormulaLayer(
        """
        e[n,m] = s*sum[c,i,j] x[n,c,i,j]*x[m,c,i,j]
        shift t[n] = max[m] e[n,m]
        z[n] = sum[m] exp(e[n,m] - t[n])
        y[n,c,i,j] = x[n,c,i,j] + sum[m] exp(e[n,m] - t[n])/z[n] * x[m,c,i,j]
        """,
        parameters={"s": Parameter((), 0.05)},
    ),
    "share of the largest": FormulaLayer("y[n,c,i,j] = x[n,c,i,j]/(1 + max[m] abs(x[m,c,i,j]))"),
    "number of images": FormulaLayer("y[n,c,i,j] = x[n,c,i,j]/N"),
    "place in the batch": FormulaLayer("y[n,c,i,j] = x[n,c,i,j]*(n + 1)"),
}
EACH = pytest.mark.parametrize("layer", COUPLED.values(), ids=COUPLED)
SCALING = Normalisation(np.array([0.5]), np.array([0.25]), 1 / 255)
BATCHES = (1, 2, 7, 16, 25, 40)


def network(layer: Layer, dropout: float = 0.0) -> Network:
    noise = [Dropout(dropout)] if dropout else []
    layers = [Conv2D(4, 3, bias=False), layer, Tanh(), *noise, Flatten(), Dense(3)]
    return Network(layers, (1, 5, 6), SoftmaxCrossEntropy())


def task(layer: Layer, dropout: float = 0.0, **changes) -> Task:
    one = network(layer, dropout)
    images = random.integers(random.key(2, "images"), 0, 256, (25, 1, 5, 6)).astype(np.uint8)
    whole = Task(
        one, images, random.integers(random.key(2, "labels"), 0, 3, 25),
        one.initial_parameters(3, np.float64), SGD().update, normalisation=SCALING, batch_size=8,
        dtype=np.float64,
    )  # fmt: skip
    return replace(whole, **changes)


def same_training(one: Task, bound: float = 1e-11) -> None:
    native, reference = CompiledTrainer(one, 2), NumpyTrainer(one)
    count = len(one.images)
    for epoch in range(2):
        order = random.permutation(epoch, count)
        rates = np.full(-(-count // one.batch_size), 0.05)
        log, expected = (t.run(order, epoch * len(rates), rates) for t in (native, reference))
        np.testing.assert_allclose(log.losses, expected.losses, rtol=bound)
        np.testing.assert_array_equal(log.corrects, expected.corrects)
    for name, want in reference.parameters.items():
        assert relative_error(native.parameters[name], want) < bound, name
    for name, want in reference.state.items():
        assert relative_error(native.state[name], want) < bound, name


@EACH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_gradients(layer, dtype):
    one = network(layer)
    assert coupled_layer(one) is not None
    x, y = random.normal(random.key(4, "x"), (6, 1, 5, 6)), np.arange(6) % 3
    want = run(one, x, y, dtype=np.float64)
    got = run(one, x, y, dtype=dtype, passes=CompiledExecutor)
    bound = 1e-12 if dtype == np.float64 else 5e-6
    for name in one.by_name:
        assert relative_error(got[name], want[name]) < bound, name
    for name in want.grad:
        assert relative_error(got.grad[name], want.grad[name]) < bound, name


@EACH
def test_training_is_the_reference_s(layer):
    same_training(task(layer, update=Momentum().update))


@pytest.mark.parametrize("batch", BATCHES)
def test_batches_of_every_size_and_the_short_last_one(batch):
    same_training(task(COUPLED["batch normalisation"], batch_size=batch, update=Adam().update), 1e-9)


def test_masks_weights_and_bounded_gradients():
    weights = np.linspace(0.5, 2, 25)
    same_training(task(COUPLED["batch normalisation"], 0.4, sample_weight=weights, clip_norm=0.3))


def test_stopped_and_resumed_is_uninterrupted():
    one = task(COUPLED["batch normalisation"], update=Adam().update, dtype=np.float32)
    order, rates = random.permutation(3, 25), np.linspace(0.02, 0.01, 4)
    whole = CompiledTrainer(one, 2)
    losses = whole.run(order, 0, rates).losses
    for step in range(1, 4):
        part = CompiledTrainer(one, 1)
        part.run(order[: 8 * step], 0, rates[:step])
        again = CompiledTrainer(replace(one, parameters=part.parameters, state=part.state), 2)
        np.testing.assert_array_equal(again.run(order[8 * step :], step, rates[step:]).losses, losses[step:])
        for name, want in whole.parameters.items():
            np.testing.assert_array_equal(again.parameters[name], want, err_msg=name)


@EACH
def test_predictions_see_all_images_of_a_call(layer):
    one = task(layer)
    arguments = (one.network, one.parameters, SCALING, np.float64)
    native, reference = CompiledPredictor(*arguments, 2), NumpyEngine().predictor(*arguments)
    for count in (0, 1, 2, 25):
        assert relative_error(native(one.images[:count]), reference(one.images[:count])) < 1e-12
