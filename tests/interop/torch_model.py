"""A network trained by PyTorch: its files, what autograd says, and how far we are from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from pellucid.engine.run import Run
from pellucid.interop import from_onnx, import_weights
from pellucid.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU, SoftmaxCrossEntropy
from pellucid.model import Model
from pellucid.network import Network
from tests.fixtures.cases import relative_error

__all__ = ["FOLDER", "LABEL", "explained", "from_state_dict", "imported", "results", "strays"]

FOLDER = Path(__file__).parents[1] / "fixtures"
# Of the first image.
LABEL = 3


def results() -> dict[str, np.ndarray]:
    """PyTorch's: images, labels, logits, loss and gradients, in float64."""
    return load_file(FOLDER / "torch_model_results.safetensors")


def imported() -> Model:
    """From the ONNX file that PyTorch wrote."""
    return from_onnx(FOLDER / "torch_model.onnx", loss=SoftmaxCrossEntropy())


def from_state_dict() -> Model:
    """From the state dict, for the same layers written down anew."""
    layers = [
        Conv2D(6, 5, stride=2, padding=2), ReLU(), Conv2D(12, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(10)
    ]  # fmt: skip
    network = Network(layers, (1, 28, 28), SoftmaxCrossEntropy())
    return Model(network, import_weights(network, FOLDER / "torch_model.safetensors"))


def run(model: Model, engine: str) -> Run:
    frozen = results()
    return model.network.run(
        frozen["images"], frozen["labels"], model.parameters, dtype=np.float64, engine=engine
    )


def strays(model: Model, engine: str) -> Iterator[tuple[str, float]]:
    """What is compared with PyTorch, and the largest difference, relative to the largest element."""
    frozen, found = results(), run(model, engine)
    yield "logits", relative_error(found[model.network.output], frozen["logits"])
    yield "loss", abs(float(found.loss or 0) / float(frozen["loss"].item()) - 1)
    yield "gradient of the images", relative_error(found.grad["input"], frozen["grad.images"])
    modules = [("0", "weight"), ("0", "bias"), ("2", "weight"), ("2", "bias"), ("6", "weight"), ("6", "bias")]
    for ours, (module, leaf) in zip(model.network.parameter_shapes, modules, strict=True):
        theirs = frozen[f"grad.{module}.{leaf}"]
        yield f"gradient of {module}.{leaf}", relative_error(found.grad[ours], theirs)


def explained(model: Model, engine: str) -> Iterator[tuple[str, float]]:
    """Numbers explained term by term, and how far the sum of the terms is from PyTorch's number."""
    frozen, found = results(), run(model, engine)
    first = next(iter(model.network.parameter_shapes))
    logit = found.explain(f"{model.network.output}[0,{LABEL}]")
    assert logit.agrees
    assert len(logit.terms) > 1
    yield "logit of the first image", abs(logit.total / float(frozen["logits"][0, LABEL]) - 1)
    gradients = frozen["grad.0.weight"]
    place = np.unravel_index(np.abs(gradients).argmax(), gradients.shape)
    weight = found.explain(f"{first}.grad[{','.join(map(str, place))}]")
    assert weight.agrees
    assert len(weight.terms) > 1
    yield "largest gradient of the first kernel", abs(weight.total / float(gradients[place]) - 1)
    upstream = np.eye(10)[[LABEL]]
    alone = model.network.run(
        frozen["images"][:1], parameters=model.parameters, upstream={model.network.output: upstream},
        dtype=np.float64, engine=engine,
    )  # fmt: skip
    yield "what each pixel does to the logit", relative_error(alone.grad["input"], frozen["grad.logit"][:1])
