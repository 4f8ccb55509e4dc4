"""Layers of one's own, of very different kinds, compiled: equal to the reference, and they learn."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import random
from pellucid.engine.compiled_executor import CompiledExecutor
from pellucid.engine.compiled_predictor import CompiledPredictor
from pellucid.engine.compiled_trainer import CompiledTrainer
from pellucid.engine.interface import Task
from pellucid.engine.numpy_trainer import NumpyTrainer
from pellucid.engine.running import run
from pellucid.layers import Add, Dense, FormulaLayer, Parameter, Sigmoid, SoftmaxCrossEntropy, Tanh
from pellucid.network import Network
from pellucid.training.optimiser import Momentum
from tests.engine.custom_layers import CUSTOM
from tests.fixtures.cases import relative_error

BOUND = {np.float64: 1e-13, np.float32: 2e-6}
EACH = pytest.mark.parametrize("custom", CUSTOM.values(), ids=CUSTOM)


def test_there_are_many_kinds():
    assert len(CUSTOM) >= 12


def agree(network, x, dtype):
    key = random.key(6, "upstream")
    upstream = {network.output: random.normal(key, (len(x), *network.output_shape))}
    want = run(network, x, upstream=upstream, dtype=np.float64)
    got = run(network, x, upstream=upstream, dtype=dtype, passes=CompiledExecutor)
    for name in network.by_name:
        assert relative_error(got[name], want[name]) < BOUND[dtype], name
    for name in want.grad:
        assert relative_error(got.grad[name], want.grad[name]) < BOUND[dtype], f"gradient of {name}"


@EACH
@pytest.mark.parametrize("dtype", BOUND, ids=lambda d: d.__name__)
def test_values_and_gradients(custom, dtype):
    agree(custom.alone(), random.normal(random.key(5, "images"), (3, *custom.small)), dtype)


@EACH
def test_they_learn_as_the_reference_does(custom):
    learn_alike(custom.classifier())


@pytest.mark.parametrize(
    "source",
    [
        "y[a,k] = sum[d] w[k,d]*x[a,d]",
        "y[a,n] = sum[d] w[n,d]*x[a,d]",
        "u[k] = w[k,0]^2; y[a,k] = u[k]*x[a,k]",
    ],
)
def test_images_may_have_any_letter(source):
    axes = "n,d" if "w[n,d]" in source else "k,d"
    layer = FormulaLayer(source, parameters={"w": Parameter(axes)}, constants={axes[0].upper(): 5, "D": 5})
    learn_alike(Network([layer, Dense(3)], (5,), SoftmaxCrossEntropy()))


def test_a_gradient_that_several_loops_compute_in_a_batch_of_one():
    learn_alike(CUSTOM["transposed convolution"].classifier(), batch=1)


def learn_alike(network, batch=9):
    images = random.normal(random.key(5, "images"), (21, *network.input_shape))
    labels = random.integers(random.key(5, "labels"), 0, 3, 21)
    task = Task(
        network, images, labels, network.initial_parameters(3, np.float64), Momentum().update,
        batch_size=batch, dtype=np.float64,
    )  # fmt: skip
    native, reference = CompiledTrainer(task, 2), NumpyTrainer(task)
    order, rates = np.tile(np.arange(21), 3), np.full(-(-63 // batch), 0.02)
    log, expected = (t.run(order, 0, rates) for t in (native, reference))
    np.testing.assert_allclose(log.losses, expected.losses, rtol=1e-11)
    for name, want in reference.parameters.items():
        assert relative_error(native.parameters[name], want) < 1e-11, name
    outputs = CompiledPredictor(network, native.parameters, None, np.float64, 2)(images)
    want = network.run(images, parameters=native.parameters, dtype=np.float64).output
    assert relative_error(outputs, want) < 1e-13


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_what_reads_a_tensor_over_more_cells_than_it_has(names):
    """A map joins the loops that compute what it reads only if they go over all of its own cells."""
    joined = FormulaLayer(
        "y[n,c,i,j] = where(c < A, a[n,c,i,j], b[n,c - A,i,j])", inputs=("a", "b"),
        constants={"A": 3, "C": 6}, padding={"a": {1: (0, 3)}, "b": {1: 3}},
    )  # fmt: skip
    branches = [{"a": Tanh, "b": Sigmoid}[name](name=name, inputs=("input",)) for name in names]
    network = Network([*branches, joined], (3, 4, 5))
    images = random.normal(random.key(7, "images"), (5, 3, 4, 5))
    outputs = CompiledPredictor(network, {}, None, np.float64, 2)(images)
    assert relative_error(outputs, network.run(images, dtype=np.float64).output) < 1e-13


@pytest.mark.parametrize("dtype", BOUND, ids=lambda d: d.__name__)
def test_two_layers_with_sums_in_between_add_to_one_gradient(dtype):
    """What an equation sets aside in between belongs to this equation alone."""
    first = "y[n,k] = (sum[c,i,j] w[k,c]*x[n,c,i,j]) + (sum[c,i,j] v[k,i,j]*x[n,c,i,j])"
    second = "y[n,k] = (sum[c,i,j] w[k,c,i]*x[n,c,i,j]) + (sum[c,i,j] v[k,j]*x[n,c,i,j])"
    axes = (("k,i,j", "k,c"), ("k,j", "k,c,i"))
    layers = [
        FormulaLayer(
            source, name=name, inputs=("input",), constants={"K": 2},
            parameters={"v": Parameter(v), "w": Parameter(w)},
        )
        for name, source, (v, w) in zip("ab", (first, second), axes, strict=True)
    ]  # fmt: skip
    network = Network([*layers, Add(inputs=("a", "b"))], (3, 4, 5))
    agree(network, random.normal(random.key(7, "images"), (2, 3, 4, 5)), dtype)
