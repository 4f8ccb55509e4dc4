"""The conventions, one test a row, in their order.

Rows about names of layers and parameters, refused networks, first values, readers of N, H, W, C and the
command line's exit codes are tested where these things are (`test_network`, `data.test_npz`,
`cli.test_program`); optimisers and most layers also against PyTorch (`training.test_optimiser`,
`layers.test_against_pytorch`).
"""

from __future__ import annotations

import hashlib
import inspect
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pellucid as pl
from pellucid import errors, random
from pellucid.errors import DataError, NetworkError, PellucidError
from pellucid.formula.check import KINKS, TOLERANCE
from pellucid.formula.derive import derive
from pellucid.formula.evaluate import evaluate
from pellucid.layers import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
)
from pellucid.network import Network
from pellucid.training.optimiser import SGD, Adam, AdamW, Momentum

Array = NDArray[Any]
ABOVE = (1.0, 10.0, 100.0, 1000.0, 1e4, 1e5)


def drawn(*shape: int) -> Array:
    return random.normal(random.key(8, *shape), shape)


def both_ways(
    layer: Layer, x: Array, above: Array | None = None, **parameters: Array
) -> tuple[Array, Array]:
    """Output and input gradient of one layer, for a gradient from above: 1, 10, 100 ... if none is given."""
    net = Network([layer], x.shape[1:])
    (name,) = net.by_name
    given = {f"{name}.{k}": v for k, v in parameters.items()}
    if above is None:
        above = np.resize(ABOVE, (len(x), *net.output_shape))
    run = net.run(x, parameters=given, upstream={name: above}, dtype=np.float64)
    return run[name], run.grad["input"]


def row(*values: float) -> Array:
    """One image of one row of pixels."""
    return np.array(values, np.float64).reshape(1, 1, 1, -1)


# Names and order


def test_public_array_order() -> None:
    net = Network([Conv2D(4, 3)], (1, 5, 6))
    x = drawn(2, 1, 5, 6)
    assert net.run(x)["conv1"].shape == (2, 4, 3, 4)
    np.testing.assert_array_equal(net.run(x[:, 0])["conv1"], net.run(x)["conv1"])


@pytest.mark.parametrize(
    ("layer", "shape", "left", "read"),
    [
        (Conv2D(4, 3), (2, 3, 9, 9), "y[n,k,i,j]", "w[k,c,u,v]*x[n,c,"),
        (MaxPool2D(2), (2, 3, 9, 9), "y[n,c,i,j]", "max[u,v] x[n,c,"),
        (Dense(4), (2, 7), "y[n,k]", "w[k,d]*x[n,d]"),
    ],
    ids=["Conv2D", "MaxPool2D", "Dense"],
)
def test_public_index_letters(layer: Layer, shape: tuple[int, ...], left: str, read: str) -> None:
    text = str(layer.formula((shape,)))
    assert text.startswith(f"{left} = ")
    assert read in text


def test_input_gradients_have_the_input_s_own_letters() -> None:
    gradient = derive(Conv2D(4, 3).formula(((2, 3, 9, 9),)), ["x"]).equation("x")
    assert repr(gradient.target) == "dx[n,c,h,l]"


def test_weights() -> None:
    net = Network([Conv2D(6, (2, 3), groups=2), Flatten(), Dense(5)], (4, 5, 5))
    assert net.parameter_shapes == {
        "conv1.weight": (6, 2, 2, 3),
        "conv1.bias": (6,),
        "dense1.weight": (5, 6 * 4 * 3),
        "dense1.bias": (5,),
    }


def test_layer_names() -> None:
    kinds = [Conv2D(2, 3), ReLU(), MaxPool2D(2), Conv2D(2, 3), ReLU(), Flatten(), Dense(2)]
    names = "conv1 relu1 maxpool1 conv2 relu2 flatten1 dense1"
    assert " ".join(Network(kinds, (1, 10, 10)).by_name) == names


def test_gradients_are_assigned_and_never_accumulated() -> None:
    net = Network([Dense(3), ReLU(), Dense(2)], (4,), SoftmaxCrossEntropy())
    x, y, parameters = drawn(5, 4), [0, 1, 1, 0, 1], net.initial_parameters(1)
    first, second = net.run(x, y, parameters), net.run(x, y, parameters)
    assert {*first.grad} == {"input", "dense1", "relu1", "dense2", *net.parameter_shapes}
    for name in first.grad:
        assert first.grad[name].shape == first[name].shape
        np.testing.assert_array_equal(first.grad[name], second.grad[name])


def test_flatten_order() -> None:
    x = np.arange(12.0).reshape(1, 2, 2, 3)
    rows_first, _ = both_ways(Flatten(), x)
    channels_last, _ = both_ways(Flatten("HWC"), x)
    np.testing.assert_array_equal(rows_first, x.reshape(1, -1))
    np.testing.assert_array_equal(channels_last, x.transpose(0, 2, 3, 1).reshape(1, -1))


def loss_of(loss: Any, x: Array, y: object, weight: object = None) -> tuple[float, Array]:
    """Value and input gradient of a loss."""
    net = Network([Add(inputs=("input", "input"))], x.shape[1:], loss)
    run = net.run(x / 2, y, sample_weight=weight, dtype=np.float64)
    return run.loss, run.grad["add1"]


def test_loss_over_a_batch() -> None:
    x, y = drawn(4, 3), np.array([0, 2, 1, 1])
    each = np.array([loss_of(SoftmaxCrossEntropy(), x[[n]], y[[n]])[0] for n in range(4)])
    gradients = np.concatenate([loss_of(SoftmaxCrossEntropy(), x[[n]], y[[n]])[1] for n in range(4)])
    mean, gradient = loss_of(SoftmaxCrossEntropy(), x, y)
    assert mean == pytest.approx(each.mean(), rel=1e-14)
    np.testing.assert_allclose(gradient, gradients / 4, atol=1e-15)
    weights = np.array([1.0, 0.0, 3.0, 0.5])
    weighted, _ = loss_of(SoftmaxCrossEntropy(), x, y, weights)
    assert weighted == pytest.approx((weights * each).sum() / weights.sum(), rel=1e-14)


def test_squared_errors_are_a_mean_over_all_elements() -> None:
    x, y = drawn(4, 3), drawn(3, 4).T
    value, gradient = loss_of(MeanSquaredError(), x, y)
    assert value == pytest.approx(((x - y) ** 2).mean(), rel=1e-14)
    np.testing.assert_allclose(gradient, 2 * (x - y) / 12, rtol=1e-14)


def test_softmax_twice() -> None:
    with pytest.raises(NetworkError, match="softmax1: SoftmaxCrossEntropy applies softmax itself; remove"):
        Network([Dense(3), Softmax()], (2,), SoftmaxCrossEntropy())


# Mathematics


def test_convolution_or_correlation() -> None:
    x, weight = drawn(2, 2, 5, 5), drawn(3, 2, 2, 3)
    correlated, _ = both_ways(Conv2D(3, (2, 3), bias=False), x, weight=weight)
    convolved, _ = both_ways(Conv2D(3, (2, 3), bias=False, true_convolution=True), x, weight=weight)
    flipped, _ = both_ways(Conv2D(3, (2, 3), bias=False), x, weight=weight[:, :, ::-1, ::-1])
    assert correlated[0, 0, 0, 0] == pytest.approx((x[0, :, :2, :3] * weight[0]).sum(), rel=1e-13)
    np.testing.assert_allclose(convolved, flipped, atol=1e-14)


@pytest.mark.parametrize("size", [5, 6, 7, 11])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_size(size: int, stride: int, dilation: int) -> None:
    layer = Conv2D(1, 2, stride=stride, dilation=dilation, padding=(1, 0, 0, 0))
    (_, rows, columns) = Network([layer], (1, size, size)).output_shape
    assert rows == (size + 1 - dilation * (2 - 1) - 1) // stride + 1
    assert columns == (size - dilation * (2 - 1) - 1) // stride + 1


def test_input_that_the_last_window_does_not_reach_gets_gradient_0() -> None:
    _, gradient = both_ways(Conv2D(1, (1, 2), stride=2, bias=False), row(1, 2, 3, 4, 5), weight=row(1, 1))
    np.testing.assert_array_equal(gradient, row(1, 1, 10, 10, 0))


def test_an_output_size_below_1_says_which_layer_and_why() -> None:
    sentence = "layer conv1: a window of 7 x 7 pixels does not fit into an image of 6 x 9, padding included"
    with pytest.raises(NetworkError, match=sentence):
        Network([Conv2D(1, 3, padding=(1, 0), dilation=3)], (1, 4, 9))


@pytest.mark.parametrize("size", [5, 6, 7])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padding_same(size: int, kernel: int, stride: int) -> None:
    layer = Conv2D(1, kernel, stride=stride, padding="same")
    assert Network([layer], (1, size, size)).output_shape[1:] == (-(-size // stride),) * 2


def test_padding_same_puts_the_odd_one_at_the_end() -> None:
    y, _ = both_ways(Conv2D(1, (1, 2), padding="same", bias=False), row(1, 2, 3), weight=row(1, 10))
    np.testing.assert_array_equal(y, row(21, 32, 3))


@pytest.mark.parametrize("layer", [Conv2D, MaxPool2D, AveragePool2D], ids=lambda layer: layer.__name__)
def test_asymmetric_padding(layer: type[Layer]) -> None:
    """(top, bottom, left, right) is what the image gets that is padded by hand."""
    options: dict[str, Any] = {"filters": 1, "kernel": 3} if layer is Conv2D else {"window": 3, "stride": 1}
    x = np.abs(drawn(1, 1, 5, 5))
    weight = {"weight": drawn(1, 1, 3, 3), "bias": np.zeros(1)} if layer is Conv2D else {}
    here, _ = both_ways(layer(**options, padding=(0, 1, 2, 1)), x, **weight)
    by_hand, _ = both_ways(layer(**options), np.pad(x, ((0, 0), (0, 0), (0, 1), (2, 1))), **weight)
    np.testing.assert_allclose(here, by_hand, atol=1e-15)


def test_max_pool_ties() -> None:
    x = np.array([[2.0, 7.0, 7.0], [7.0, 1.0, 7.0]]).reshape(1, 1, 2, 3)
    y, gradient = both_ways(MaxPool2D((2, 3)), x)
    assert y.item() == 7
    np.testing.assert_array_equal(gradient[0, 0], [[0, 1, 0], [0, 0, 0]])


def test_max_pool_padding_never_wins() -> None:
    x = row(-3, -2, -5)
    y, gradient = both_ways(MaxPool2D((1, 2), stride=1, padding=(0, 1)), x)
    np.testing.assert_array_equal(y, row(-3, -2, -2, -5))
    np.testing.assert_array_equal(gradient, row(1, 110, 1000))


def test_overlapping_pools() -> None:
    _, largest = both_ways(MaxPool2D((1, 3), stride=1), row(1, 2, 9, 3, 4))
    np.testing.assert_array_equal(largest, row(0, 0, 111, 0, 0))
    _, mean = both_ways(AveragePool2D((1, 2), stride=1), row(1, 2, 3))
    np.testing.assert_array_equal(mean, row(0.5, 5.5, 5))


def test_average_pool_padding() -> None:
    padded = {"window": (1, 2), "stride": 2, "padding": (0, 1)}
    counted, _ = both_ways(AveragePool2D(**padded), row(4, 6))
    alone, gradient = both_ways(AveragePool2D(**padded, count_include_pad=False), row(4, 6))
    np.testing.assert_array_equal(counted, row(2, 3))
    np.testing.assert_array_equal(alone, row(4, 6))
    np.testing.assert_array_equal(gradient, row(1, 10))


def test_nan_is_the_maximum_and_the_last_one_gets_the_gradient() -> None:
    formula = MaxPool2D((1, 4)).formula(((1, 1, 1, 4),))
    forward = evaluate(derive(formula).forward, {"x": row(np.nan, 9, np.nan, 10)})
    assert np.isnan(forward["y"]).all()
    assert forward["y_at"].item() == 2


def test_nan_in_the_input_is_an_error_that_names_the_image() -> None:
    x = np.zeros((4, 1, 2, 2))
    x[2, 0, 1, 1] = np.nan
    net = Network([Flatten(), Dense(2)], (1, 2, 2), SoftmaxCrossEntropy())
    for given in (x, np.where(np.isnan(x), -np.inf, x)):
        with pytest.raises(DataError, match="image 2 "):
            net.run(given, [0, 1, 0, 1])
        with pytest.raises(DataError, match="image 2 "):
            pl.train(net, (given, [0, 1, 0, 1]), epochs=1, progress=False)


def test_relu_at_0() -> None:
    y, gradient = both_ways(ReLU(), np.array([[-1.0, 0.0, -0.0, 2.0]]))
    np.testing.assert_array_equal(y, [[0, 0, 0, 2]])
    np.testing.assert_array_equal(gradient, [[0, 0, 0, 1000]])


def test_softmax_is_shifted() -> None:
    extreme = np.array([[1e4, -1e4, 1e4 - 1], [-1e4, -1e4, -1e4]])
    y, gradient = both_ways(Softmax(), extreme)
    e = np.exp(-1.0)
    np.testing.assert_allclose(y, [[1 / (1 + e), 0, e / (1 + e)], [1 / 3] * 3], rtol=1e-14)
    assert np.isfinite(gradient).all()
    single = Network([Softmax()], (3,)).run(np.float32(extreme))["softmax1"]
    np.testing.assert_allclose(single, y, rtol=1e-6)


def test_cross_entropy_from_logits() -> None:
    wrong, gradient = loss_of(SoftmaxCrossEntropy(), np.array([[1e4, -1e4]]), [1])
    assert wrong == 2e4  # an epsilon inside the logarithm would make about 30 of it
    np.testing.assert_array_equal(gradient, [[1, -1]])
    x, y = drawn(1, 3), [[0.2, 0.5, 0.3]]
    p = np.exp(x) / np.exp(x).sum()
    np.testing.assert_allclose(loss_of(SoftmaxCrossEntropy(), x, y)[1], p - y, atol=1e-15)


def test_labels() -> None:
    x = drawn(2, 3)
    labels, _ = loss_of(SoftmaxCrossEntropy(), x, [2, 0])
    assert loss_of(SoftmaxCrossEntropy(), x, [[0, 0, 1], [1, 0, 0]])[0] == labels
    for wrong, said in (([0, 3], "label 3 of image 1"), ([[0, 0, 1], [0.6, 0.6, 0]], "image 1 .*1.2")):
        with pytest.raises(DataError, match=said):
            loss_of(SoftmaxCrossEntropy(), x, wrong)


def test_dropout_is_inverted() -> None:
    net = Network([Dropout(0.75)], (400,))
    x = np.ones((3, 400))
    trained = net.run(x, training=True, seed=5)["dropout1"]
    assert {*np.unique(trained)} == {0.0, 4.0}
    assert trained.mean() == pytest.approx(1, abs=0.2)
    np.testing.assert_array_equal(net.run(x)["dropout1"], x)


def test_initial_values_are_the_same_on_every_machine() -> None:
    net = Network([Conv2D(8, 3), ReLU(), Flatten(), Dense(3)], (1, 6, 6))
    values = net.initial_parameters(7)
    assert not values["conv1.bias"].any()
    assert not values["dense1.bias"].any()
    little = b"".join(values[name].astype("<f4").tobytes() for name in net.parameter_shapes)
    assert hashlib.sha256(little).hexdigest()[:16] == "71ba531b38ebbd86"


def stepped(optimiser: Any, steps: int) -> list[float]:
    """A parameter that begins at 1 with the gradient 0.5, moved at a rate of 0.1."""
    p, states = np.ones(1), {s: np.zeros(1) for s in optimiser.states}
    values: list[float] = []
    for t in range(1, steps + 1):
        given = {"p": p, "g": np.full(1, 0.5), "rate": np.array(0.1), "t": np.array(float(t)), **states}
        new = evaluate(optimiser.formula, {name: given[name] for name in optimiser.formula.operands})
        p, states = new["new_p"], {s: new[f"new_{s}"] for s in optimiser.states}
        values.append(float(p[0]))
    return values


def test_adam_is_bias_corrected_and_adamw_decouples_the_decay() -> None:
    # With one gradient all the time, both corrected means are exact from the first step on.
    assert stepped(Adam(), 3) == pytest.approx([0.9, 0.8, 0.7], abs=1e-7)
    assert stepped(AdamW(weight_decay=0.5), 1) == pytest.approx([1 - 0.1 * 0.5 - 0.1], abs=1e-7)
    assert stepped(Adam(weight_decay=0.5), 1) == pytest.approx([0.9], abs=1e-7)


def test_sgd_momentum() -> None:
    assert stepped(SGD(), 2) == pytest.approx([0.95, 0.9], rel=1e-15)
    assert stepped(Momentum(momentum=0.5), 2) == pytest.approx([0.95, 0.95 - 0.1 * 0.75], rel=1e-15)


# Gradient checks


def test_gradient_checks() -> None:
    assert (TOLERANCE, KINKS) == (1e-7, 0.02)
    defaults = {k: v.default for k, v in inspect.signature(Network.check).parameters.items()}
    assert (defaults["coordinates"], defaults["directions"]) == (200, 3)
    result = Network([Dense(30), ReLU(), Dense(2)], (9,)).check()
    assert [r.coordinates for r in result.rows] == [18, 200, 30, 60, 2]
    assert all(r.directions == 3 for r in result.rows)
    assert result.passed


# Errors


def test_error_classes() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, PellucidError)]
    builtin = (ValueError, OSError, RuntimeError, AssertionError)
    assert all(issubclass(c, builtin) for c in classes if c is not PellucidError)
    assert {c.__name__ for c in classes} <= {*pl.__all__}


@pytest.mark.parametrize("wrong", [{"kernel": 0}, {"stride": (1, 2, 3)}, {"padding": -1}, {"groups": 2}])
def test_a_wrong_input_is_one_sentence_that_names_it(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(PellucidError) as error:
        Conv2D(**{"filters": 3, "kernel": 3, **wrong})
    assert re.match(rf"{name} is .*, not ", str(error.value))
    assert "\n" not in str(error.value)
