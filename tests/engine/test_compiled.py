"""The compiled engine: equal to the reference within rounding, and to itself bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from pellucid import random
from pellucid.compiler import machine
from pellucid.engine.compiled_executor import CompiledExecutor
from pellucid.engine.compiled_predictor import CompiledPredictor
from pellucid.engine.compiled_trainer import CompiledTrainer
from pellucid.engine.interface import Task
from pellucid.engine.numpy_engine import NumpyEngine
from pellucid.engine.numpy_trainer import NumpyTrainer
from pellucid.engine.running import run
from pellucid.formula.formula import Formula
from pellucid.layers import (
    LAYERS,
    LOSSES,
    AveragePool2D,
    Conv2D,
    Dense,
    Flatten,
    FormulaLayer,
    Loss,
    MeanSquaredError,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
)
from pellucid.layers.layer import Parameter
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.training.optimiser import SGD, Adam, AdamW, Momentum, Nesterov
from tests.compiler.processors import narrower
from tests.fixtures.cases import layer_cases, relative_error
from tests.layers.results import errors
from tests.networks import small_network

BOUND = {np.float64: 1e-12, np.float32: 2e-6}
CASES = [
    c for c in layer_cases()
    if c.layer not in LOSSES and c.layer != "Add" and "nan" not in c.name and c.inputs["input"].ndim in (2, 4)
]  # fmt: skip
SCALING = Normalisation(np.array([0.5]), np.array([0.25]), 1 / 255)
OPTIMISERS = [SGD(), Momentum(), Nesterov(), Adam(), AdamW()]


@pytest.mark.parametrize("dtype", BOUND, ids=lambda d: d.__name__)
@pytest.mark.parametrize("case", CASES[::24], ids=str)
def test_layers_and_their_gradients(case, dtype):
    x = case.inputs["input"]
    network = Network([LAYERS[case.layer](**case.options)], x.shape[1:])
    name = network.output
    given = {f"{name}.{k}": v for k, v in case.parameters.items()}
    one = run(network, x, None, given, upstream={name: case.upstream}, dtype=dtype, passes=CompiledExecutor)
    # what dtype cannot tell from 0 is 0
    assert relative_error(one.output, case.output.astype(dtype)) < BOUND[dtype]
    for operand, gradient in case.gradients.items():
        got = one.grad["input" if operand == "input" else f"{name}.{operand}"]
        assert relative_error(got, gradient.astype(dtype)) < BOUND[dtype], operand


OTHERS = [c for c in layer_cases() if c.layer == "Add" or c.layer in LOSSES or "nan" in c.name]


@pytest.mark.parametrize("case", OTHERS[::3], ids=str)
def test_losses_joins_and_what_is_no_number(case):
    found = errors(case, "compiled")
    assert max(found.values()) <= 1e-12, found


def smooth_network():
    """Nothing in it jumps: rounding stays rounding over many steps."""
    squeeze = FormulaLayer(
        "y[n,k] = b[k] + sum[d] w[d,k]*x[n,d]*sigmoid(s*x[n,d])",
        parameters={"w": Parameter(("d", "k")), "b": Parameter("k", 0.0), "s": Parameter((), 1.0)},
        constants={"K": 3},
    )  # fmt: skip
    layers = [Conv2D(5, 3, padding=1), Tanh(), AveragePool2D(2), Sigmoid(), Flatten("HWC"), squeeze]
    return Network(layers, (1, 6, 6), SoftmaxCrossEntropy())


def task(network=None, count=150, **changes):
    network = network or small_network()
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, (count, *network.input_shape)).astype(np.uint8)
    start = network.initial_parameters(3, np.float64)
    whole = Task(
        network, images, rng.integers(0, 3, count), start, SGD().update,
        normalisation=SCALING, batch_size=16, dtype=np.float64,
    )  # fmt: skip
    return replace(whole, **changes)


def trained(trainer, images, batch, rate=0.01, first=0, **options):
    order = random.permutation(5, images)
    return trainer.run(order, first, np.full(-(-images // batch), rate), **options)


def same(first, second):
    """Whether two trainers hold the same bits."""
    for mine, other in ((first.parameters, second.parameters), (first.state, second.state)):
        assert mine.keys() == other.keys()
        for name in mine:
            np.testing.assert_array_equal(mine[name], other[name], err_msg=name)


def close(native, reference, bound):
    for name, want in reference.parameters.items():
        assert relative_error(native.parameters[name], want) < bound, name


@pytest.mark.parametrize(
    ("optimiser", "batch"),
    [*((o, 7) for o in OPTIMISERS), (SGD(), 1), (Adam(), 1), (Momentum(), 64)],
    ids=lambda v: getattr(v, "name", v),
)
def test_training_is_the_reference_s(optimiser, batch):
    one = task(count=30 if batch == 1 else 150, update=optimiser.update, batch_size=batch)
    native, reference = CompiledTrainer(one, 2), NumpyTrainer(one)
    log, expected = (trained(t, len(one.images), batch) for t in (native, reference))
    np.testing.assert_allclose(log.losses, expected.losses, rtol=1e-10)
    np.testing.assert_array_equal(log.corrects, expected.corrects)
    np.testing.assert_array_equal(log.counts, expected.counts)
    close(native, reference, 1e-10)


@pytest.mark.parametrize("images", ["bytes", "float64", "prepared"])
def test_images_of_every_kind(images):
    one = task(smooth_network(), 40, dtype=np.float32)
    if images == "prepared":
        one = replace(one, images=((one.images / 255 - 0.5) / 0.25).astype(np.float32), normalisation=None)
    elif images != "bytes":
        one = replace(one, images=(one.images / 255).astype(images))
    native, reference = CompiledTrainer(one, 2), NumpyTrainer(one)
    log, expected = (trained(t, 40, 16) for t in (native, reference))
    np.testing.assert_allclose(log.losses, expected.losses, rtol=1e-5)
    close(native, reference, 1e-5)


@pytest.mark.parametrize(
    "targets",
    [
        np.random.default_rng(1).standard_normal((40, 2)),
        np.random.default_rng(1).standard_normal(40),
        np.random.default_rng(1).integers(-3, 4, 40),
    ],
    ids=["two numbers", "one number", "one whole number"],
)
def test_regression(targets):
    outputs = 2 if targets.ndim == 2 else 1
    network = Network([Flatten(), Dense(4), Tanh(), Dense(outputs)], (1, 3, 3), MeanSquaredError())
    one = task(network, 40, targets=targets, batch_size=8)
    native, reference = CompiledTrainer(one, 2), NumpyTrainer(one)
    log, expected = (trained(t, 40, 8) for t in (native, reference))
    np.testing.assert_allclose(log.losses, expected.losses, rtol=1e-12)
    close(native, reference, 1e-12)


@dataclass(frozen=True)
class Tripled(Loss):
    """A loss of one's own, with a number that follows from nothing, and letters of its own."""

    kind = "tripled"

    def formula(self, shape, *, weighted=False):
        total = "loss = sum[b] weight[b]*l[b]" if weighted else "loss = mean[b] l[b]"
        return Formula.parse(f"three = 2 + 1; l[b] = sum[n] three*(x[b,n] - y[b,n])^2; {total}")


@pytest.mark.parametrize("weighted", [False, True], ids=["all alike", "weighted"])
def test_a_loss_of_ones_own(weighted):
    network = Network([Flatten(), Dense(4), Tanh(), Dense(2)], (1, 3, 3), Tripled())
    targets = np.random.default_rng(1).standard_normal((40, 2))
    weights = np.linspace(0.1, 0.2, 40) if weighted else None
    one = task(network, 40, targets=targets, sample_weight=weights, batch_size=8)
    native, reference = CompiledTrainer(one, 2), NumpyTrainer(one)
    log, expected = (trained(t, 40, 8) for t in (native, reference))
    np.testing.assert_allclose(log.losses, expected.losses, rtol=1e-12)
    close(native, reference, 1e-12)


def test_labels_that_are_true_or_false():
    network = Network([Flatten(), Dense(2)], (1, 3, 3), SoftmaxCrossEntropy())
    one = task(network, 40, targets=np.arange(40) % 3 == 0, batch_size=8)
    native, reference = CompiledTrainer(one, 2), NumpyTrainer(one)
    log, expected = (trained(t, 40, 8) for t in (native, reference))
    np.testing.assert_allclose(log.losses, expected.losses, rtol=1e-12)
    close(native, reference, 1e-12)


@pytest.mark.parametrize(("batch", "all_threads"), [(9, (1, 2)), (37, (1, 1, 2, 3, 4, 8))])
def test_the_same_bits_with_any_number_of_threads_and_in_any_run(batch, all_threads):
    one = task(update=Adam().update, batch_size=batch, dtype=np.float32)
    first, log = None, None
    for threads in all_threads:
        trainer = CompiledTrainer(one, threads)
        found = trained(trainer, 150, batch)
        if first is None:
            first, log = trainer, found
        same(trainer, first)
        np.testing.assert_array_equal(found.losses, log.losses)


@pytest.mark.parametrize("dtype", BOUND, ids=lambda d: d.__name__)
def test_the_same_bits_with_narrower_vectors(monkeypatch, dtype):
    one = task(smooth_network(), 60, update=Adam().update, dtype=dtype)
    wide, widest = CompiledTrainer(one, 1), machine.host()
    where = narrower()
    monkeypatch.setattr(machine, "host", lambda: where)
    narrow = CompiledTrainer(one, 1)
    text = wide.recipe.make()[1].text()
    assert "%zmm" in machine.assembly(text, widest)
    assert "%zmm" not in machine.assembly(text, where)
    for trainer in (wide, narrow):
        trained(trainer, 60, 16)
    same(wide, narrow)


@pytest.mark.parametrize("optimiser", [SGD(), Nesterov(), AdamW()], ids=lambda o: o.name)
def test_stopped_and_resumed_is_uninterrupted(optimiser):
    one = task(count=90, update=optimiser.update, batch_size=16, dtype=np.float32)
    order, rates = random.permutation(5, 90), np.linspace(0.02, 0.01, 6)
    whole = CompiledTrainer(one, 2)
    losses = whole.run(order, 0, rates).losses
    part = CompiledTrainer(one, 1)
    found = [part.run(order[:32], 0, rates[:2]).losses]
    again = CompiledTrainer(replace(one, parameters=part.parameters, state=part.state), 2)
    found.append(again.run(order[32:], 2, rates[2:]).losses)
    same(again, whole)
    np.testing.assert_array_equal(np.concatenate(found), losses)


def test_it_stops_where_it_is_asked_to_and_goes_on_from_there():
    one = task(count=90, update=Adam().update, batch_size=1, dtype=np.float32)
    order, rates = random.permutation(5, 90), np.full(90, 0.01)
    whole, part = CompiledTrainer(one, 1), CompiledTrainer(one, 1)
    whole.run(order, 0, rates)
    log = part.run(order, 0, rates, on_step=lambda *_: True)
    done = len(log.losses)
    assert 1 <= done <= 90
    assert log.counts.sum() == done
    part.run(order[done:], done, rates[done:])
    same(part, whole)


def test_an_order_that_changes_meanwhile_is_read_as_it_was():
    order = np.arange(150)
    first, second = (CompiledTrainer(task(), 1) for _ in range(2))

    def spoil(*_):
        order[:] = 1 << 40
        return False

    log = first.run(order, 0, np.full(10, 0.01), spoil)
    np.testing.assert_array_equal(log.losses, second.run(np.arange(150), 0, np.full(10, 0.01)).losses)
    same(first, second)


@pytest.mark.parametrize("dtype", BOUND, ids=lambda d: d.__name__)
def test_predictions_are_the_reference_s_for_any_number_of_images(dtype):
    one = task(smooth_network(), 70)
    arguments = (one.network, one.parameters, SCALING, dtype)
    native = CompiledPredictor(*arguments, 2)
    want = NumpyEngine().predictor(*arguments)(one.images)
    got = native(one.images)
    assert relative_error(got, want) < BOUND[dtype]
    for count in (0, 1, 2, 17, 64):
        np.testing.assert_array_equal(native(one.images[:count]), got[:count])
    assert relative_error(native(one.images.astype(np.float32) / 255), want) < 1e-5


def test_a_network_without_parameters_predicts():
    network = Network([ReLU(), AveragePool2D(2), Flatten()], (2, 6, 6))
    x = np.random.default_rng(1).standard_normal((5, 2, 6, 6))
    got = CompiledPredictor(network, {}, None, np.float64, 2)(x)
    want = np.maximum(x, 0).reshape(5, 2, 3, 2, 3, 2).mean((3, 5)).reshape(5, -1)
    np.testing.assert_allclose(got, want, rtol=1e-13)
