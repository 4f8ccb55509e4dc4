"""A network that PyTorch trained, imported: the same numbers, explained, and trained further."""

from __future__ import annotations

import os

import numpy as np
import pytest

from pellucid import data, engine
from pellucid.interop.exporting.onnx_file import onnx_model
from pellucid.model import Normalisation
from pellucid.training.train import train
from tests.interop.exported import BOUND, error, reference
from tests.interop.torch_model import explained, from_state_dict, imported, results, strays

pytest.importorskip("onnx")

EXACT = 1e-12
WAYS = {"ONNX": imported, "state dict": from_state_dict}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", engine.available())
def test_values_and_gradients_are_autograd_s(way, name):
    compared = dict(strays(WAYS[way](), name))
    assert len(compared) == 9
    assert max(compared.values()) <= EXACT, compared


@pytest.mark.parametrize("name", engine.available())
def test_a_logit_and_a_weight_s_gradient_are_explained(name):
    compared = dict(explained(imported(), name))
    assert len(compared) == 3
    assert max(compared.values()) <= EXACT, compared


def test_it_goes_back_as_the_same_operators():
    model = onnx_model(imported())
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["Conv", "Relu", "Conv", "Relu", "MaxPool", "Reshape", "Gemm"]
    frozen = results()
    assert error(reference(model, {"input": frozen["images"].astype(np.float32)}), frozen["logits"]) <= BOUND


@pytest.mark.skipif("PELLUCID_DATA_DIR" not in os.environ, reason="PELLUCID_DATA_DIR names no folder of data")
def test_it_learns_on():
    model, mnist = imported(), data.load("mnist")
    assert mnist.test is not None
    images, labels = mnist.test.images[:1000], mnist.test.labels[:1000]
    scaling = Normalisation(np.zeros(1), np.ones(1), 1 / 255)
    part = slice(10_000, 13_000)
    further = train(
        model.network, (mnist.train.images[part], mnist.train.labels[part]), epochs=1, lr=0.001,
        normalisation=scaling, parameters=model.parameters, progress=False,
    )  # fmt: skip
    before = np.mean(model.predict(images / np.float32(255)) == labels)
    after = np.mean(further.predict(images) == labels)
    assert after > before + 0.02
