"""Networks that PyTorch trained and exported: the same logits and gradients, and training that goes on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import pellucid as pl

HERE = Path(__file__).parent
EXPECTED = np.load(HERE / "torch_models.npz")
ENGINES = ("numpy", "compiled")


def imported(name: str) -> pl.Model:
    return pl.from_onnx(HERE / f"torch_{name}.onnx", loss=pl.SoftmaxCrossEntropy())


def run(model: pl.Model, engine: str) -> pl.Run:
    return model.network.run(
        EXPECTED["images"], EXPECTED["labels"], model.parameters, dtype=np.float64, engine=engine
    )


def close(found: NDArray[np.float64], expected: NDArray[np.float64], bound: float = 1e-6) -> bool:
    return bool(np.abs(found - expected).max() <= bound * np.abs(expected).max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["sequential", "branched"])
def test_logits_are_pytorchs(name: str, engine: str) -> None:
    model = imported(name)
    expected = EXPECTED[f"{name}/logits"]
    assert close(model.outputs(EXPECTED["images"], engine=engine), expected, 1e-5)
    # The weights are those of float32; batch normalisation's are folded, and rounded, at import.
    assert close(run(model, engine)[model.network.output], expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["sequential", "branched"])
def test_gradients_are_autograds(name: str, engine: str) -> None:
    found = run(imported(name), engine)
    assert close(found.grad["input"], EXPECTED[f"{name}/grad.image"])
    compared = [key for key in EXPECTED.files if key.startswith(f"{name}/grad.") and "norm" not in key]
    for key in compared:
        parameter = key.removeprefix(f"{name}/grad.")
        if parameter in found.grad:
            assert close(found.grad[parameter].reshape(EXPECTED[key].shape), EXPECTED[key]), parameter
    if name == "sequential":
        assert {key.removeprefix("sequential/grad.") for key in compared} == {
            "image",
            *found.network.parameter_shapes,
        }


def test_names_are_pytorchs() -> None:
    assert list(imported("sequential").parameters) == [
        f"{layer}.{part}" for layer in ("conv1", "conv2", "dense1") for part in ("weight", "bias")
    ]
    layers = [node.name for node in imported("branched").network.nodes]
    assert {"stem", "norm", "left", "right", "act", "head"} <= {*layers}


@pytest.mark.parametrize("name", ["sequential", "branched"])
def test_a_logit_is_explained_and_its_gradient_is_autograds(name: str) -> None:
    model = imported(name)
    output = model.network.output
    upstream = np.zeros((3, 10))
    upstream[0, 7] = 1
    found = model.network.run(
        EXPECTED["images"], parameters=model.parameters, upstream={output: upstream}, dtype=np.float64
    )
    assert close(found.grad["input"], EXPECTED[f"{name}/logit.image"])
    logit = found.explain(f"{output}[0,7]")
    assert abs(logit.total - EXPECTED[f"{name}/logits"][0, 7]) < 1e-6
    assert sum(term.value for term in logit.terms) + logit.rest[1] == pytest.approx(logit.total, abs=1e-12)


def test_the_gradient_of_one_weight_is_explained() -> None:
    found = run(imported("sequential"), "numpy").explain("conv1.weight.grad[2,0,1,3]")
    assert found.equation.startswith("dw[k,c,u,v] = sum[n,i,j] dy[n,k,i,j]*x")
    assert found.total == pytest.approx(EXPECTED["sequential/grad.conv1.weight"][2, 0, 1, 3], rel=1e-5)


def test_every_gradient_is_derived() -> None:
    network = imported("branched").network
    for name in ("stem.weight", "norm.weight", "act.weight", "input"):
        assert network.derive(name).steps


def test_it_is_saved_as_our_own(tmp_path: Path) -> None:
    model = imported("branched")
    model.save(tmp_path / "branched.safetensors")
    again = pl.load(tmp_path / "branched.safetensors")
    assert again.network == model.network
    assert np.array_equal(again.outputs(EXPECTED["images"]), model.outputs(EXPECTED["images"]))


@pytest.mark.skipif("PELLUCID_DATA_DIR" not in os.environ, reason="PELLUCID_DATA_DIR names no image sets")
def test_training_goes_on_where_pytorch_stopped() -> None:
    model = imported("sequential")
    splits = pl.data.load("mnist")
    assert splits.test is not None
    images, labels = splits.test.images[:2000] / np.float32(255), splits.test.labels[:2000]
    before = model.evaluate(images, labels).accuracy
    more = (splits.train.images[10_000:18_000] / np.float32(255), splits.train.labels[10_000:18_000])
    trained = pl.train(
        model.network, more, parameters=model.parameters, normalisation=False, epochs=1, progress=False
    )
    after = trained.evaluate(images, labels).accuracy
    assert before is not None
    assert after is not None
    assert 0.7 < before < after - 0.01
