"""What holds for every layer, over the table of awkward cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pellucid import engine as engines
from pellucid import random
from pellucid.layers import LAYERS, LOSSES, Conv2D, MeanSquaredError, ReLU
from pellucid.network import Network
from tests.layers.table import ROWS, Row, cases

Array = NDArray[Any]
CASES = cases()
BATCH = 3


def images(net: Network, count: int = BATCH) -> Array:
    return random.normal(random.key(5, "images"), (count, *net.input_shape))


def targets(net: Network, count: int = BATCH) -> Array | None:
    if net.loss is None:
        return None
    if isinstance(net.loss, MeanSquaredError):
        return random.normal(random.key(5, "targets"), (count, *net.output_shape))
    return random.integers(random.key(5, "labels"), 0, net.output_shape[-1], count)


def test_every_layer_and_loss_has_a_row() -> None:
    assert set(ROWS) == {*LAYERS, *LOSSES}
    for name, rows in ROWS.items():
        kinds = {type(part).__name__ for case in rows for part in (*case.layers, case.loss)}
        assert rows, f"{name} has no case"
        assert name in kinds


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_outputs_have_the_promised_shape_and_images_do_not_mix(case: Row) -> None:
    net = case.network()
    x = images(net)
    output = net.run(x, dtype=np.float64).output
    assert output.shape == (BATCH, *net.output_shape)
    assert np.isfinite(output).all()
    alone = np.concatenate([net.run(x[n : n + 1], dtype=np.float64).output for n in range(BATCH)])
    np.testing.assert_allclose(alone, output, rtol=0, atol=1e-12 * np.abs(output).max())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_float32_is_float64_rounded(case: Row) -> None:
    net = case.network()
    x = images(net).astype(np.float32)
    single, double = net.run(x), net.run(x, dtype=np.float64)
    assert single.output.dtype == np.float32
    scale = np.abs(double.output).max() + 1.0
    np.testing.assert_allclose(single.output, double.output, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradients_are_slopes(case: Row) -> None:
    net = case.network()
    result = net.check(images(net, 2), targets(net, 2))
    assert result.passed, str(result)
    assert {row.name for row in result.rows} == {"input", *net.parameter_shapes}


NOISY = {name: case for name, case in CASES.items() if any(layer.noise for layer in case.layers)}


@pytest.mark.parametrize("case", NOISY.values(), ids=NOISY)
def test_gradients_are_slopes_while_training(case: Row) -> None:
    result = case.network().check(images(case.network(), 2), training=True)
    assert result.passed, str(result)


@pytest.mark.parametrize("engine", engines.available())
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_engines_agree(case: Row, engine: str) -> None:
    net = case.network()
    x, y = images(net), targets(net)
    above = random.normal(random.key(5, "upstream"), (BATCH, *net.output_shape))
    upstream = {net.output: above} if y is None else None
    reference = net.run(x, y, upstream=upstream, dtype=np.float64)
    found = net.run(x, y, upstream=upstream, dtype=np.float64, engine=engine)
    assert_close(found, reference)
    assert_close(found.grad, reference.grad)
    predictor = engines.get(engine).predictor(net, net.initial_parameters(), None, np.float64)
    assert_close({net.output: predictor(x)}, {net.output: reference.output})


def assert_close(found: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    for name, values in expected.items():
        bound = 1e-12 * (np.abs(values).max() + 1)
        np.testing.assert_allclose(found[name], values, rtol=0, atol=bound, err_msg=name)


# --- one example by hand ----------------------------------------------------------------------------------


def test_seed_001s_worked_example() -> None:
    """At the top left: 1*1 + 2*0 + 4*0 + 5*(-1) = -4, and ReLU makes it 0."""
    net = Network([Conv2D(1, 2, bias=False), ReLU()], (1, 3, 3))
    x = np.arange(1.0, 10.0).reshape(1, 3, 3)
    kernel = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
    run = net.run(x, parameters={"conv1.weight": kernel}, upstream={"relu1": np.ones((1, 1, 2, 2))})
    assert run["conv1"].tolist() == [[[[-4.0, -4.0], [-4.0, -4.0]]]]
    assert run["relu1"].tolist() == [[[[0.0, 0.0], [0.0, 0.0]]]]
    assert not run.grad["conv1.weight"].any()


def test_its_backward_pass_where_relu_lets_it_through() -> None:
    net = Network([Conv2D(1, 2), ReLU()], (1, 3, 3))
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    parameters = {"conv1.weight": np.array([[[[-1.0, 0.0], [0.0, 1.0]]]]), "conv1.bias": np.zeros(1)}
    above = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    run = net.run(x, parameters=parameters, upstream={"relu1": above}, dtype=np.float64)
    assert run["relu1"].tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]
    assert run.grad["conv1.bias"].tolist() == [10.0]
    # the sum over positions of gradient times pixel, for instance 1*1 + 2*2 + 3*4 + 4*5
    assert run.grad["conv1.weight"].tolist() == [[[[37.0, 47.0], [67.0, 77.0]]]]
    assert run.grad["input"].tolist() == [[[[-1.0, -2.0, 0.0], [-3.0, -3.0, 2.0], [0.0, 3.0, 4.0]]]]
