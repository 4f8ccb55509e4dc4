"""Networks: what is joined, and one sentence for each thing that cannot be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from pellucid.errors import DataError, FormulaError, NetworkError, UsageError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers import (
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    FormulaLayer,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    MeanSquaredError,
    Parameter,
    ReLU,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)
from pellucid.network import Network
from pellucid.network.initial import fans

IMAGE = (3, 8, 8)


def residual() -> Network:
    layers = [
        Conv2D(4, 3, padding=1, name="first"),
        Conv2D(4, 3, padding=1),
        ReLU(name="bent"),
        Add(inputs=("first", "bent"), name="joined"),
        GlobalAveragePool2D(),
        Dense(2),
    ]
    return Network(layers, IMAGE, SoftmaxCrossEntropy())


# --- what is joined ---------------------------------------------------------------------------------------


def test_names_are_given_or_counted_and_never_collide() -> None:
    layers = [Conv2D(2, 3, padding=1), Conv2D(2, 3, padding=1, name="conv2"), Conv2D(2, 3, padding=1), ReLU()]
    assert [node.name for node in Network(layers, IMAGE).nodes] == ["conv1", "conv2", "conv3", "relu1"]


def test_a_graph_reads_what_its_inputs_name() -> None:
    net = residual()
    assert net.by_name["joined"].sources == ("first", "bent")
    assert net.output == "dense1"
    assert net.output_shape == (2,)
    run = net.run(np.ones((1, *IMAGE)), dtype=np.float64)
    assert np.array_equal(run["joined"], run["first"] + run["bent"])


def test_shared_parameters_belong_to_the_first_and_have_one_gradient() -> None:
    layers = [
        Dense(3, name="a"),
        Tanh(),
        Dense(3, shares="a", name="b"),
        Tanh(),
        Dense(3, shares="b", name="c"),
    ]
    net = Network(layers, (3,))
    assert list(net.parameter_shapes) == ["a.weight", "a.bias"]
    assert net.check().passed


def test_parameters_have_pytorchs_names_and_shapes() -> None:
    net = Network([Conv2D(6, (3, 2), groups=3), Flatten(), Dense(5)], IMAGE)
    assert net.parameter_shapes == {
        "conv1.weight": (6, 1, 3, 2),
        "conv1.bias": (6,),
        "dense1.weight": (5, 6 * 6 * 7),
        "dense1.bias": (5,),
    }


def test_equal_descriptions_are_equal_networks() -> None:
    assert residual() == residual()
    assert hash(residual()) == hash(residual())
    assert residual() != Network(residual().layers, IMAGE)
    assert residual() != Network(residual().layers, (3, 8, 9), SoftmaxCrossEntropy())
    assert Network([ReLU()], (4,)) == Network([ReLU(name="relu1", inputs=("input",))], (4,))
    assert Network([ReLU()], (4,)) != "network"


def test_a_network_says_what_it_is() -> None:
    assert repr(Network([Dense(3)], (4,), name="tiny")) == "<Network 'tiny': (4,) dense1 (3,), 15 parameters>"
    assert str(residual()) == str(residual().summary())
    assert residual()._repr_html_() == residual().summary()._repr_html_()


# --- first values -----------------------------------------------------------------------------------------


def test_first_values_depend_on_seed_and_name_alone() -> None:
    one = Network([Conv2D(4, 3), ReLU(), Flatten(), Dense(5)], IMAGE)
    longer = Network([Conv2D(4, 3), ReLU(), Flatten(), Dense(5), Tanh()], IMAGE)
    first, second = one.initial_parameters(3, np.float64), longer.initial_parameters(3, np.float64)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["conv1.weight"], one.initial_parameters(4, np.float64)["conv1.weight"])
    assert one.initial_parameters(3)["conv1.weight"].dtype == np.float32


def test_first_values_are_he_normal_before_relu_and_glorot_uniform_elsewhere() -> None:
    net = Network([Conv2D(64, 3), ReLU(), Flatten(), Dense(50)], (16, 6, 6))
    values = net.initial_parameters(1, np.float64)
    weight = values["conv1.weight"]
    assert weight.std() == pytest.approx(math.sqrt(2 / (16 * 9)), rel=0.03)
    assert np.abs(weight).max() > 3 * weight.std()
    limit = math.sqrt(6 / (64 * 16 + 50))
    assert 0.99 * limit < np.abs(values["dense1.weight"]).max() <= limit
    assert not values["conv1.bias"].any()
    assert not values["dense1.bias"].any()


def test_fans_are_counted_as_pytorch_counts_them() -> None:
    net = Network([Conv2D(6, (3, 2), groups=3), Flatten(), Dense(5)], IMAGE)
    assert fans(net.by_name["conv1"], "w") == (1 * 3 * 2, 6 * 3 * 2)
    assert fans(net.by_name["dense1"], "w") == (252, 5)


def test_a_number_as_first_value_is_taken_as_it_is() -> None:
    scale = FormulaLayer(
        "y[n,d] = a[d] * x[n,d] + b", parameters={"a": Parameter("d", 0.5), "b": Parameter("", 2)}
    )
    net = Network([scale], (3,))
    assert net.parameter_shapes == {"formula1.a": (3,), "formula1.b": ()}
    assert net.run(np.ones((1, 3)), dtype=np.float64).output.tolist() == [[2.5, 2.5, 2.5]]


# --- what cannot be joined --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Headless(Layer):
    """Its output does not begin with the images' index."""

    kind: ClassVar[str] = "headless"

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        return Formula.parse("y[d] = sum[n] x[n,d]")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no layers": ({"layers": []}, r"a network is a list of layers, at least one, not \[\]"),
    "one layer": ({"layers": ReLU()}, "a network is a list of layers"),
    "a class": ({"layers": [ReLU]}, "layer 1 is <class .*ReLU'>, a layer such as ReLU"),
    "a flat shape of two": ({"input_shape": (3, -8)}, r"an input shape is \(C, H, W\), .* not \(3, -8\)"),
    "no channels": ({"input_shape": (0, 8, 8)}, "all at least 1"),
    "a fraction of a pixel": ({"input_shape": (3, 8, 7.5)}, "an input shape"),
    "a word as shape": ({"input_shape": "3x8x8"}, "an input shape"),
    "a number as shape": ({"input_shape": 8}, "an input shape"),
    "a word as loss": ({"loss": "SoftmaxCrossEntropy"}, "the loss is 'SoftmaxCrossEntropy', one such as"),
    "no name": ({"name": ""}, "a network's name has 1 to 100 printable characters"),
    "a name of two lines": ({"name": "a\nb"}, "a network's name"),
    "a name twice": ({"layers": [ReLU(name="a"), ReLU(name="a")]}, "two layers are named 'a'"),
    "a name with a dot": ({"layers": [ReLU(name="a.b")]}, "up to 100 letters, digits .* 'a.b'"),
    "a name that is empty": ({"layers": [ReLU(name="")]}, "unlike ''"),
    "a name that is a number": ({"layers": [ReLU(name=3)]}, "unlike 3"),
    "the input's name": ({"layers": [ReLU(name="input")]}, "a layer cannot be named 'input'"),
    "the loss's name": ({"layers": [ReLU(name="loss")]}, "a layer cannot be named 'loss'"),
    "an unknown input": (
        {"layers": [ReLU(name="a"), ReLU(inputs=("b",))]},
        "layer relu1: its input 'b' is no earlier layer; there are input, a$",
    ),
    "a later input": (
        {"layers": [ReLU(inputs=("a",)), ReLU(name="a")]},
        r"'a' is no earlier layer \(it comes later\)",
    ),
    "itself as input": ({"layers": [ReLU(name="a", inputs=("a",))]}, "'a' is no earlier layer"),
    "a word as inputs": ({"layers": [ReLU(inputs="input")]}, "its inputs are a tuple of names, not 'input'"),
    "too many inputs": (
        {"layers": [ReLU(inputs=("input", "input"))]},
        "it reads 1 input, but 2 are named: input, input",
    ),
    "nothing reads it": (
        {"layers": [ReLU(name="a"), ReLU(inputs=("input",))]},
        "layer a: nothing reads its output",
    ),
    "shapes that cannot be added": (
        {"layers": [Conv2D(4, 3, name="a"), Add(inputs=("input", "a"))]},
        "layer add1: c takes 3 values by axis 1 of x1",
    ),
    "a kernel larger than the image": ({"layers": [Conv2D(4, 9)]}, "layer conv1: a window of 9 x 9 "),
    "a window larger than the image": ({"layers": [MaxPool2D(9)]}, "layer maxpool1: a window of 9 x "),
    "a window in the padding": (
        {"layers": [MaxPool2D(2, padding=2)]},
        "layer maxpool1: MaxPool2D: a padding of 2 lets a window of 2 see nothing but padding",
    ),
    "an average of padding": ({"layers": [AveragePool2D(2, padding=(0, 2))]}, "see nothing but padding"),
    "groups that do not divide": ({"layers": [Conv2D(4, 3, groups=2)]}, "3 input channels cannot be divided"),
    "dense on images": ({"layers": [Dense(3)]}, r"dense1: Dense \(put a Flatten before it\) takes inputs of"),
    "convolution of features": ({"layers": [Conv2D(3, 3)], "input_shape": (8,)}, "Conv2D takes inputs of"),
    "softmax twice": (
        {"layers": [Flatten(), Dense(3), Softmax()], "loss": SoftmaxCrossEntropy()},
        "layer softmax1: SoftmaxCrossEntropy applies softmax itself; remove the Softmax layer at the end",
    ),
    "a loss of images": (
        {"layers": [Conv2D(3, 3)], "loss": SoftmaxCrossEntropy()},
        "loss after layer conv1: SoftmaxCrossEntropy takes inputs of shape",
    ),
    "parameters of nobody": ({"layers": [Conv2D(4, 3, shares="a")]}, "shares the parameters of 'a', which"),
    "parameters of another kind": (
        {"layers": [ReLU(name="a"), Conv2D(4, 3, shares="a")]},
        "it shares the parameters of 'a', which is no earlier layer with the same ones",
    ),
    "parameters of another shape": (
        {"layers": [Conv2D(4, 3, name="a"), Conv2D(4, 3, shares="a")]},
        r"layer conv1: a.weight would have the shape \(4, 4, 3, 3\), but it has \(4, 3, 3, 3\)",
    ),
    "images mixed up": ({"layers": [Flatten(), Headless()]}, "the first axis of its output must be"),
    "too much": ({"layers": [Flatten(), Dense(2**30)]}, "would have 206,158,430,208 elements; 1,073"),
    "two parameters of one name": (
        {
            "layers": [
                Flatten(),
                FormulaLayer(
                    "y[n,d] = a[d] * x[n,d] + b[d]",
                    parameters={"a": Parameter("d", name="w"), "b": Parameter("d", name="w")},
                ),
            ]
        },
        "layer formula1: two of its parameters have the same name",
    ),
    "a formula that does not fit": (
        {"layers": [FormulaLayer("y[n,d] = x[n,d]^2")]},
        "layer formula1: .*has 2 indices, but x has shape",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_joined_is_one_sentence(case: str) -> None:
    changes, sentence = WRONG[case]
    arguments = {"layers": [ReLU()], "input_shape": IMAGE, "loss": None, "name": "network"} | changes
    with pytest.raises(NetworkError, match=sentence) as caught:
        Network(**arguments)
    assert "\n" not in str(caught.value)


def test_an_error_knows_its_place() -> None:
    with pytest.raises(NetworkError) as caught:
        Network([ReLU(), Conv2D(4, 9)], IMAGE)
    assert caught.value.place == ("layer", 1)


LAYERS_THAT_CANNOT_BE = {
    "filters": (lambda: Conv2D(0, 3), "filters is an integer from 1"),
    "filters as text": (lambda: Conv2D("8", 3), "filters is an integer from 1 to 2,147,483,648, not '8'"),
    "filters as truth": (lambda: Conv2D(True, 3), "filters is an integer from 1"),
    "too many filters": (lambda: Conv2D(10**30, 3), "filters is an integer from 1"),
    "kernel": (lambda: Conv2D(8, (3, 3, 3)), "kernel is an integer of at least 1 or a pair of them, not"),
    "stride": (lambda: Conv2D(8, 3, stride=0), "stride is an integer of at least 1 or a pair"),
    "dilation": (lambda: Conv2D(8, 3, dilation=1.5), "dilation is an integer"),
    "padding": (lambda: Conv2D(8, 3, padding=-1), "padding is an integer of at least 0, a pair"),
    "padding in words": (lambda: Conv2D(8, 3, padding="full"), "padding is .* or \"valid\", not 'full'"),
    "three paddings": (lambda: Conv2D(8, 3, padding=(1, 1, 1)), "padding is"),
    "groups": (lambda: Conv2D(8, 3, groups=3), "groups is a divisor of the 8 filters, not 3"),
    "bias": (lambda: Conv2D(8, 3, bias="no"), "bias is true or false, not 'no'"),
    "window": (lambda: MaxPool2D(0), "window is an integer"),
    "counting": (lambda: AveragePool2D(2, count_include_pad=1), "count_include_pad is true or false"),
    "units": (lambda: Dense(2.5), "units is an integer from 1"),
    "order": (lambda: Flatten("WHC"), "order is \"CHW\" or \"HWC\", not 'WHC'"),
    "rate": (lambda: Dropout(1.0), "rate is a number of at least 0 and less than 1, not 1.0"),
    "no rate": (lambda: Dropout(float("nan")), "rate is a number"),
    "smoothing": (lambda: SoftmaxCrossEntropy(label_smoothing=-0.1), "label_smoothing is a number"),
    "one input": (lambda: Add(inputs=("a",)), "Add joins at least two named inputs"),
    "first value": (lambda: Parameter("c", init="xavier"), "init is a number, \"auto\", \"he\""),
    "axes": (lambda: Parameter(3), "axes is index letters"),
    "a parameter's name": (lambda: Parameter("c", name="a b"), "name is made of letters"),
    "formula": (lambda: FormulaLayer(3), "source is the text of a formula"),
    "parameters": (
        lambda: FormulaLayer("y[n,d] = a[d] * x[n,d]", parameters={"a": "d"}),
        "parameters is a mapping from names to Parameter",
    ),
    "constants": (lambda: FormulaLayer("y[n,d] = a * x[n,d]", constants={"a": "2"}), "constants is a map"),
    "paddings": (lambda: FormulaLayer("y[n,i] = x[n,i]", padding={"x": {1: (1, 2, 3)}}), "padding is a map"),
    "a parameter that is not read": (
        lambda: FormulaLayer("y[n,d] = x[n,d]", parameters={"a": Parameter("d")}),
        "the formula does not read its parameter 'a'",
    ),
    "a formula without input": (
        lambda: FormulaLayer("y[n,d] = a[n,d]", parameters={"a": Parameter("n,d")}),
        "the formula reads no input",
    ),
    "an extent by its letter": (
        lambda: FormulaLayer("y[n,k] = sum[d] x[n,d+k]", constants={"k": 3}),
        "'k' is an index letter of the formula, so it cannot be a constant; .* is the constant K",
    ),
    "a product of letters": (
        lambda: FormulaLayer("y[n,i,j] = x[n,i*j]"),
        r"x\[n,i\*j\] multiplies the letters 'i' and 'j'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYERS_THAT_CANNOT_BE)
def test_options_that_cannot_be_are_one_sentence(case: str) -> None:
    make, sentence = LAYERS_THAT_CANNOT_BE[case]
    with pytest.raises((UsageError, FormulaError), match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_layers_are_values() -> None:
    assert Conv2D(8, 3) == Conv2D(np.int64(8), (3, 3), padding=[0, 0])
    formula = FormulaLayer("y[n,d] = a[d] * x[n,d]", parameters={"a": Parameter(("d",))})
    assert {formula, FormulaLayer("y[n,d] = a[d] * x[n,d]", parameters={"a": Parameter("d")})} == {formula}


# --- doors ------------------------------------------------------------------------------------------------


def test_run_gives_every_value_and_gradient_by_name() -> None:
    run = residual().run(np.ones((2, *IMAGE)), [0, 1], dtype=np.float64)
    assert {"input", "first", "bent", "joined", "dense1", "first.weight"} <= set(run)
    assert set(run.grad) >= {"input", "first", "bent", "first.weight", "first.bias", "dense1.bias"}
    assert run.grad["input"].shape == (2, *IMAGE)
    assert np.isfinite(run.loss)
    assert "nothing" not in run
    assert run.grad.get("nothing") is None
    with pytest.raises(KeyError, match=r"^there is no gradient of 'nothing'; there are input,"):
        _ = run.grad["nothing"]


def test_run_takes_a_gradient_from_above_where_there_is_no_loss() -> None:
    net = Network([Dense(2, name="d")], (3,))
    above = np.array([[1.0, 0.0]])
    run = net.run(np.ones((1, 3)), upstream={"d": above}, dtype=np.float64)
    assert run.grad["d.bias"].tolist() == [1.0, 0.0]
    with pytest.raises(UsageError, match="the run has no loss"):
        _ = run.loss


def test_wrong_arguments_of_a_run_are_one_sentence() -> None:
    net = residual()
    x = np.ones((2, *IMAGE))
    with pytest.raises(DataError, match=r"inputs of shape \(N, 3, 8, 8\)"):
        net.run(x[0])
    with pytest.raises(DataError, match="image 1 has a value that is not finite"):
        net.run(np.where(np.arange(2)[:, None, None, None] == 1, np.nan, x))
    with pytest.raises(DataError, match="label 2 of image 0 is not one of the classes 0 to 1"):
        net.run(x, [2, 0])
    with pytest.raises(NetworkError, match=r"parameters of network: 'first\.weight' is missing"):
        net.run(x, parameters={})
    with pytest.raises(UsageError, match="there is no engine 'abacus'"):
        net.run(x, engine="abacus")
    values = net.initial_parameters()
    with pytest.raises(NetworkError, match=r"dense1.bias has the shape \(2,\), not \(3,\)"):
        net.run(x, parameters={**values, "dense1.bias": np.zeros(3)})
    with pytest.raises(NetworkError, match=r"'extra' is none of them; they are first\.weight"):
        net.run(x, parameters={**values, "extra": np.zeros(3)})


def test_regression_trains_on_squared_errors() -> None:
    net = Network([Dense(1)], (3,), MeanSquaredError())
    run = net.run(np.ones((4, 3)), np.zeros((4, 1)), dtype=np.float64)
    assert run.loss == pytest.approx(float(np.mean(run.output**2)))
