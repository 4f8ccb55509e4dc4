"""Networks as ONNX models."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.inputs import float_type
from pellucid.errors import PellucidError, UsageError, unknown
from pellucid.files import write_atomically
from pellucid.formula.expression import Num, with_reads
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from pellucid.interop.exporting.graph import Graph, Tensor
from pellucid.interop.exporting.lowering import lowered
from pellucid.interop.exporting.proto import finished
from pellucid.layers import Softmax
from pellucid.layers.preparation import normalisation
from pellucid.model import Model
from pellucid.network import INPUT, Network, Node

__all__ = ["PREPROCESSING", "onnx_model", "to_onnx"]

Array = NDArray[Any]
# What the exported model reads: what suits it, pixels as they lie in a file, fractions, or network inputs.
PREPROCESSING = ("auto", "uint8", "float", "none")
PROBABILITIES = "probabilities"


def to_onnx(
    model: Model,
    path: str | os.PathLike[str],
    *,
    preprocessing: str = "auto",
    probabilities: bool = False,
    dtype: DTypeLike = np.float32,
) -> None:
    """Writes a model as an ONNX file, atomically; see `Model.to_onnx`."""
    exported = onnx_model(model, preprocessing=preprocessing, probabilities=probabilities, dtype=dtype)
    data = exported.SerializeToString(deterministic=True)
    write_atomically(path, lambda stream: stream.write(data))


def onnx_model(
    model: Model,
    *,
    preprocessing: str = "auto",
    probabilities: bool = False,
    dtype: DTypeLike = np.float32,
) -> Any:
    """The ``onnx.ModelProto`` of a model, checked by ONNX's own checker; arguments as for `Model.to_onnx`."""
    given = _preprocessing(model, preprocessing)
    if probabilities and not model.classifies:
        raise UsageError(f"{model.network.name} does not classify, so it has no probabilities to export")
    graph = Graph(float_type(dtype))
    values = {INPUT: _prepared(graph, model, given)}
    for name, array in model.parameters.items():
        graph.parameter(name, array)
    for node in model.network.nodes:
        values[node.name] = _layer(graph, node, values, model.parameters)
    output = values[model.network.output]
    if probabilities and not isinstance(model.network.nodes[-1].layer, Softmax):
        output = _softmax(graph, output, model.network)
    network = model.network
    return finished(graph, output, network.name, about=_equations(network), metadata=_metadata(model, given))


def _preprocessing(model: Model, given: str) -> str:
    if given not in PREPROCESSING:
        raise unknown("preprocessing", given, PREPROCESSING)
    if given != "auto":
        return given
    if model.normalisation is None:
        return "none"
    return "float" if model.normalisation.scale == 1 else "uint8"


def _prepared(graph: Graph, model: Model, given: str) -> Tensor:
    """The network's input, made of what the exported model reads."""
    images = graph.input(INPUT, (None, *model.network.input_shape), np.uint8 if given == "uint8" else None)
    scaling = model.normalisation
    if given == "none":
        return images
    graph.begin(INPUT)
    if given == "uint8":
        images = replace(images, name=graph.float(images.name))
    if scaling is None:
        return images
    scale = Num(scaling.scale if given == "uint8" else 1)
    equation = normalisation(len(images.shape)).equations[0]
    value = with_reads(equation.value, lambda r: scale if r.tensor == "scale" else r)
    operands = {"image": images}
    for operand, name, array in (
        ("average", "mean", scaling.mean),
        ("deviation", "deviation", scaling.deviation),
    ):
        graph.parameter(f"{INPUT}.{name}", array)
        operands[operand] = Tensor(f"{INPUT}.{name}", array.shape)
    return _lowered(graph, Formula((replace(equation, value=value),)), operands)


def _layer(graph: Graph, node: Node, values: Mapping[str, Tensor], parameters: Mapping[str, Array]) -> Tensor:
    graph.begin(node.name)
    operands = {o: values[s] for o, s in zip(node.layer.operands, node.sources, strict=True)}
    operands |= {o: Tensor(name, parameters[name].shape) for o, (name, _) in node.parameters.items()}
    try:
        result = _lowered(graph, node.formula, operands)
    except PellucidError as error:
        raise UsageError(f"layer {node.name} cannot be exported: {error}") from None
    return replace(result, name=graph.called(node.name, result.name))


def _softmax(graph: Graph, logits: Tensor, network: Network) -> Tensor:
    name = PROBABILITIES
    while name in network.by_name:
        name += "_"
    graph.begin(name)
    result = _lowered(graph, Softmax().formula(((1, *network.output_shape),)), {"x": logits})
    return replace(result, name=graph.called(name, result.name))


def _lowered(graph: Graph, formula: Formula, operands: Mapping[str, Tensor]) -> Tensor:
    """The formula's output for any number of images."""
    few, more = (
        solve(formula, {o: tuple(count if d is None else d for d in t.shape) for o, t in operands.items()})
        for count in (2, 3)
    )
    varying = {s for s, value in few.symbols.items() if more.symbols[s] != value}
    if any((few.symbols[s], more.symbols[s]) != (2, 3) for s in varying):
        raise UsageError("a size in it depends on the number of images, but is not this number")
    return lowered(graph, formula, more, operands, frozenset(varying))


def _equations(network: Network) -> str:
    return "\n".join(f"{node.name}: {'; '.join(map(repr, node.formula.equations))}" for node in network.nodes)


def _metadata(model: Model, given: str) -> dict[str, str]:
    """What a model knows besides its numbers, each in JSON."""
    scaling = model.normalisation
    numbers = scaling and {
        "mean": scaling.mean.tolist(), "deviation": scaling.deviation.tolist(), "scale": scaling.scale
    }  # fmt: skip
    found = {
        "classes": list(model.classes),
        "normalisation": numbers,
        "preprocessing": given,
        "versions": model.metadata.get("versions", {}),
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in found.items()}
