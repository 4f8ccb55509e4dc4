"""A network with branches that PyTorch trained and exported: the same logits and gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import pellucid as pl

pytest.importorskip("onnx")

FOLDER = Path(__file__).parents[1] / "fixtures"
EXPECTED = np.load(FOLDER / "branched_model.npz")
ENGINES = ("numpy", "compiled")
# Batch normalisation is folded into one factor and one summand, whose gradients are of another kind.
FOLDED = {"norm.weight"}


def imported() -> pl.Model:
    return pl.from_onnx(FOLDER / "branched_model.onnx", loss=pl.SoftmaxCrossEntropy())


def run(model: pl.Model, engine: str) -> pl.Run:
    return model.network.run(
        EXPECTED["images"], EXPECTED["labels"], model.parameters, dtype=np.float64, engine=engine
    )


def close(found: NDArray[np.float64], expected: NDArray[np.float64], bound: float = 1e-6) -> bool:
    return bool(np.abs(found - expected).max() <= bound * np.abs(expected).max())


@pytest.mark.parametrize("engine", ENGINES)
def test_logits_and_gradients_are_pytorchs(engine: str) -> None:
    model = imported()
    assert close(model.outputs(EXPECTED["images"], engine=engine), EXPECTED["logits"], 1e-5)
    found = run(model, engine)
    assert close(found[model.network.output], EXPECTED["logits"])
    assert close(found.grad["input"], EXPECTED["grad.image"])
    compared = {key.removeprefix("grad.") for key in EXPECTED.files if key.startswith("grad.")} - {"image"}
    assert compared == {*model.parameters}
    for name in compared - FOLDED:
        assert close(found.grad[name].reshape(EXPECTED[f"grad.{name}"].shape), EXPECTED[f"grad.{name}"]), name


def test_branches_are_the_layers_of_their_names() -> None:
    layers = {node.name: type(node.layer).__name__ for node in imported().network.nodes}
    named = {
        "stem": "Conv2D",
        "norm": "FormulaLayer",
        "left": "Conv2D",
        "act": "FormulaLayer",
        "head": "Dense",
    }
    assert named.items() <= layers.items()
    assert {"Add", "AveragePool2D", "GlobalAveragePool2D"} <= {*layers.values()}


def test_a_logit_is_explained_and_its_gradient_is_autograds() -> None:
    model = imported()
    output = model.network.output
    upstream = np.zeros((3, 10))
    upstream[0, 7] = 1
    found = model.network.run(
        EXPECTED["images"], parameters=model.parameters, upstream={output: upstream}, dtype=np.float64
    )
    assert close(found.grad["input"], EXPECTED["logit.image"])
    logit = found.explain(f"{output}[0,7]")
    assert abs(logit.total - EXPECTED["logits"][0, 7]) < 1e-6
    assert sum(term.value for term in logit.terms) + logit.rest[1] == pytest.approx(logit.total, abs=1e-12)


def test_every_gradient_is_derived() -> None:
    network = imported().network
    for name in ("stem.weight", "norm.weight", "act.weight", "input"):
        assert network.derive(name).steps


def test_it_is_saved_as_our_own(tmp_path: Path) -> None:
    model = imported()
    model.save(tmp_path / "branched.safetensors")
    again = pl.load(tmp_path / "branched.safetensors")
    assert again.network == model.network
    assert np.array_equal(again.outputs(EXPECTED["images"]), model.outputs(EXPECTED["images"]))
