"""The ONNX file of a model: what it reads, what it gives, what it says about itself, and how it fails."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from pellucid.errors import MissingPackageError, ResourceError, UsageError
from pellucid.interop import from_onnx
from pellucid.interop.exporting.onnx_file import onnx_model
from pellucid.layers import (
    Conv2D,
    Dense,
    Flatten,
    FormulaLayer,
    MeanSquaredError,
    Softmax,
    SoftmaxCrossEntropy,
)
from pellucid.model import Model, Normalisation
from pellucid.network import Network
from tests.cli.invoke import events, failed, invoke
from tests.interop.exported import BOUND, error, reference

onnx = pytest.importorskip("onnx")

SCALING = Normalisation(np.array([0.4, 0.5]), np.array([0.2, 0.3]), 1 / 255)


def model(*, scaling: Normalisation | None = SCALING, dtype: type = np.float32) -> Model:
    layers = [Conv2D(3, 3), Flatten(), Dense(2)]
    network = Network(layers, (2, 5, 4), SoftmaxCrossEntropy(), name="little")
    return Model(network, network.initial_parameters(1, dtype), ("cat", "dög"), scaling)


def pixels(count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 2, 5, 4), np.uint8)


def test_pixels_are_normalised_inside_the_graph():
    exported = onnx_model(model())
    assert exported.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert error(reference(exported, {"input": pixels()}), model().outputs(pixels(), engine="numpy")) <= BOUND


def test_fractions_are_on_the_scale_of_the_mean():
    exported = onnx_model(model(), preprocessing="float")
    x = (pixels() / 255).astype(np.float32)
    assert error(reference(exported, {"input": x}), model().outputs(x, engine="numpy")) <= BOUND
    assert [node.op_type for node in exported.graph.node][:3] == ["Unsqueeze", "Sub", "Unsqueeze"]


def test_without_preprocessing_the_network_s_own_input_is_read():
    exported = onnx_model(model(), preprocessing="none")
    x = np.random.default_rng(0).standard_normal((2, 2, 5, 4)).astype(np.float32)
    expected = model(scaling=None).outputs(x, engine="numpy")
    assert error(reference(exported, {"input": x}), expected) <= BOUND
    assert exported.graph.node[0].op_type == "Conv"
    plain = onnx_model(model(scaling=None))
    assert [i.type.tensor_type.elem_type for i in plain.graph.input] == [onnx.TensorProto.FLOAT]


def test_probabilities_end_with_softmax():
    exported = onnx_model(model(), probabilities=True)
    got = reference(exported, {"input": pixels()})
    assert error(got, model().predict_proba(pixels(), engine="numpy")) <= BOUND
    assert exported.graph.output[0].name == "probabilities"
    network = Network([Flatten(), Dense(2), Softmax()], (2, 5, 4))
    ended = Model(network, network.initial_parameters())
    assert onnx_model(ended, probabilities=True).graph.output[0].name == "softmax1"


def test_a_model_that_does_not_classify_has_no_probabilities():
    network = Network([Dense(2)], (3,), MeanSquaredError())
    with pytest.raises(UsageError, match=r"network does not classify, so it has no probabilities"):
        onnx_model(Model(network, network.initial_parameters()), probabilities=True)


def test_what_a_file_says_about_itself():
    exported = onnx_model(model())
    told = {p.key: json.loads(p.value) for p in exported.metadata_props}
    assert told["classes"] == ["cat", "dög"]
    assert told["normalisation"] == {"mean": [0.4, 0.5], "deviation": [0.2, 0.3], "scale": 1 / 255}
    assert told["preprocessing"] == "uint8"
    assert told["versions"]["pellucid"] == exported.producer_version
    assert "dense1: y[n,k] = b[k] + sum[d] w[k,d]*x[n,d]" in exported.graph.doc_string
    assert [d.dim_param or d.dim_value for d in exported.graph.input[0].type.tensor_type.shape.dim] == [
        "N", 2, 5, 4,
    ]  # fmt: skip
    assert [node.output[0] for node in exported.graph.node][-3:] == ["conv1", "flatten1", "dense1"]


def test_float64_stays_float64_if_asked():
    double = model(dtype=np.float64)
    got = reference(onnx_model(double, dtype=np.float64), {"input": pixels()})
    assert got.dtype == np.float64
    assert error(got, double.outputs(pixels(), engine="numpy")) <= 1e-12


def test_equal_models_give_equal_files(tmp_path):
    for name in ("a.onnx", "b.onnx"):
        model().to_onnx(tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_a_failed_export_leaves_the_old_file(tmp_path):
    with pytest.raises(ResourceError, match="missing"):
        model().to_onnx(tmp_path / "missing" / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"old")
    with pytest.raises(UsageError, match="there is no preprocessing 'int8'"):
        model().to_onnx(tmp_path / "a.onnx", preprocessing="int8")
    with pytest.raises(UsageError, match="dtype is 'float32' or 'float64', not 'float16'"):
        model().to_onnx(tmp_path / "a.onnx", dtype="float16")
    assert (tmp_path / "a.onnx").read_bytes() == b"old"


def test_without_the_package_a_sentence_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError, match=r"^ONNX files need onnx, which is not installed; "):
        model().to_onnx(tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.onnx").write_bytes(b"what it holds is not read")
    with pytest.raises(MissingPackageError, match=r"^ONNX files need onnx, which is not installed; "):
        from_onnx(tmp_path / "a.onnx")


def test_layers_over_the_whole_batch():
    """Sums over images and their number are worked out when the graph runs."""
    layers = [
        FormulaLayer("m[c] = mean[n] x[n,c]\nq[c] = sum[n] x[n,c]^2\ny[n,c] = x[n,c] - m[c] + q[c]"),
        FormulaLayer("y[n,c] = x[n,c] + mean[m] x[m,c]^2"),
        FormulaLayer("e[n,m] = sum[c] x[n,c]*x[m,c]\ny[n,c] = sum[m] e[n,m]*x[m,c]/(sum[r] abs(e[n,r]))"),
        FormulaLayer("y[n,c] = x[n,c] + sum[m] 2 + sum[m,d] x[n,d]*x[m,d]*x[n,d]"),
        FormulaLayer("m[c] = (sum[n] x[n,c])/N\ny[n,c] = x[n,c] - m[c]/2"),
    ]
    network = Network(layers, (3,))
    exported = onnx_model(Model(network, {}))
    for images in (1, 4):
        x = np.random.default_rng(0).standard_normal((images, 3)).astype(np.float32)
        expected = network.run(x, dtype=np.float64)[network.output]
        assert error(reference(exported, {"input": x}), expected) <= BOUND


def test_a_layer_that_computes_with_places_in_the_batch_is_named():
    network = Network([FormulaLayer("y[n,c] = x[n,c] + n", name="odd")], (3,))
    with pytest.raises(UsageError, match=r"layer odd cannot be exported: n computes with the images' places"):
        onnx_model(Model(network, {}))


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model().save("m.safetensors")
    (told,) = events("export", "m.safetensors", "-o", "m.onnx")
    assert told == {"event": "export", "path": "m.onnx", "bytes": (tmp_path / "m.onnx").stat().st_size}
    assert (
        error(reference(onnx.load("m.onnx"), {"input": pixels()}), model().outputs(pixels(), engine="numpy"))
        <= BOUND
    )
    invoke("export", "m.safetensors", "-o", "p.onnx", "--probabilities", "--no-preprocessing")
    loaded = onnx.load("p.onnx")
    assert loaded.graph.output[0].name == "probabilities"
    assert loaded.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert "none.safetensors" in failed(2, "export", "none.safetensors", "-o", "m.onnx")
