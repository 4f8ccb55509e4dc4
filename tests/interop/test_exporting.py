"""What ONNX files compute is what the equations say."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import zoo
from pellucid.interop import from_onnx
from pellucid.interop.exporting.onnx_file import onnx_model
from pellucid.layers import (
    Add,
    AveragePool2D,
    Conv2D,
    Dropout,
    FormulaLayer,
    GlobalAveragePool2D,
    LeakyReLU,
    Parameter,
    Softmax,
    Tanh,
)
from pellucid.model import Model
from pellucid.network import Network
from tests.drawn_networks import draw_network
from tests.engine.custom_layers import CUSTOM
from tests.formula.formulas import FORMULAS
from tests.interop.exported import BOUND, error, formula_model, network_error, reference, values

pytest.importorskip("onnx")

NATURAL = {
    "mnist-maxpool": "Conv Relu MaxPool Reshape Gemm",
    "mnist-avgpool": "Conv Relu AveragePool Transpose Reshape Gemm",
    "mnist-one-conv": "Conv Relu Transpose Reshape Gemm",
    "cifar-two-conv": "Conv Relu MaxPool Conv Relu Reshape Gemm",
    "lenet5": "Conv Tanh AveragePool Conv Tanh AveragePool Reshape Gemm Tanh Gemm Tanh Gemm",
}


@pytest.mark.parametrize("case", FORMULAS, ids=lambda case: case.name)
def test_any_formula_becomes_standard_operators(case):
    operands, expected = values(case)
    assert error(reference(formula_model(case), operands), expected) <= BOUND


@pytest.mark.parametrize("name", CUSTOM)
def test_layers_of_one_s_own_take_any_number_of_images(name):
    network = CUSTOM[name].classifier()
    assert max(network_error(network, images) for images in (1, 3)) <= BOUND


@pytest.mark.parametrize("seed", range(20))
def test_networks_drawn_at_random(seed):
    assert network_error(draw_network(seed), 1 + seed % 3, seed=seed) <= BOUND


@pytest.mark.parametrize("name", NATURAL)
def test_well_known_layers_become_the_operators_of_their_names(name):
    network = zoo.load(name)
    model = onnx_model(Model(network, network.initial_parameters()))
    assert " ".join(node.op_type for node in model.graph.node) == NATURAL[name]
    held = {i.name: tuple(i.dims) for i in model.graph.initializer}
    assert {n: s for n, s in held.items() if not n.startswith("constants/")} == network.parameter_shapes
    x = np.random.default_rng(0).random((2, *network.input_shape), np.float32)
    expected = network.run(x, parameters=network.initial_parameters(), dtype=np.float64)[network.output]
    assert error(reference(model, {"input": x}), expected) <= BOUND


TRANSPOSED = (
    "y[n,(g,k),i,j] = b[(g,k)] + sum[c,u,v : s | i + p - a*u and t | j - v and 0 <= (i + p - a*u)/s < 3 "
    "and 0 <= (j - v)/t < 4] w[(g,c),k,u,v]*x[n,(g,c),(i + p - a*u)/s,(j - v)/t]"
)


@pytest.mark.parametrize("s", [1, 2, 3])
@pytest.mark.parametrize("t", [1, 2])
@pytest.mark.parametrize(("g", "a", "p", "more"), [(1, 1, 0, 0), (1, 2, 1, 0), (2, 1, 1, 0), (1, 1, 0, 1)])
def test_transposed_convolutions(s, t, g, a, p, more):
    sizes = {"I": 2 * s + 2 * a + 1 - 2 * p + (more if s > 1 else 0), "J": 3 * t + 2}
    layer = FormulaLayer(
        TRANSPOSED,
        parameters={"w": Parameter("(g,c),k,u,v"), "b": Parameter("(g,k)", 0.5)},
        constants={"s": s, "t": t, "a": a, "p": p, "G": g, "K": 3, "U": 3, "V": 2, **sizes},
    )
    network = Network([layer], (2 * g, 3, 4))
    kinds = [n.op_type for n in onnx_model(Model(network, network.initial_parameters())).graph.node]
    if s == t == 1:  # a convolution with its kernel turned round
        assert kinds[-1] == "Conv"
    else:
        assert kinds == ["ConvTranspose"]
    if g == 1:  # ONNX's reference implementation fails for groups
        assert network_error(network, 2) <= BOUND


SEVERAL = [
    Conv2D(4, 3, padding="same", groups=2, name="first"),
    LeakyReLU(0.3),
    AveragePool2D(3, 2, 1, count_include_pad=False),
    Conv2D(4, 3, padding=1, name="side"),
    Tanh(name="other", inputs=("avgpool1",)),
    Add(inputs=("side", "other")),
    Dropout(0.5),
    GlobalAveragePool2D(),
    Softmax(),
]


def test_options_and_branches_become_attributes_and_edges():
    network = Network(SEVERAL, (2, 9, 8))
    model = onnx_model(Model(network, network.initial_parameters()))
    assert " ".join(node.op_type for node in model.graph.node) == (
        "Conv LeakyRelu AveragePool Conv Tanh Add Identity ReduceMean Softmax"
    )
    assert network_error(network, 3) <= BOUND


@pytest.mark.parametrize("name", [*NATURAL, "several"])
def test_what_goes_out_comes_back(name, tmp_path):
    network = Network(SEVERAL, (2, 9, 8)) if name == "several" else zoo.load(name)
    model = Model(network, network.initial_parameters(), tuple("0123456789"[: network.output_shape[0]]))
    model.to_onnx(tmp_path / "model.onnx", probabilities=True)
    back = from_onnx(tmp_path / "model.onnx")
    assert back.classes == model.classes
    x = np.random.default_rng(0).standard_normal((3, *network.input_shape)).astype(np.float32)
    expected = model.predict_proba(x, engine="numpy")
    assert error(back.predict_proba(x, engine="numpy"), expected) <= BOUND
    weights = sorted(array.tobytes() for array in model.parameters.values())
    assert sorted(array.tobytes() for array in back.parameters.values()) == weights
