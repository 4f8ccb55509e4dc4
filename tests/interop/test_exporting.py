"""What ONNX files compute is what the equations say."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import zoo
from pellucid.interop.exporting.onnx_file import onnx_model
from pellucid.model import Model
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
