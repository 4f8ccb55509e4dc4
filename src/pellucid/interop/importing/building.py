"""A model from a graph: its nodes in order, each by its operator's description."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from pellucid.errors import ModelFileError, PellucidError, ResourceError
from pellucid.formula.ranges import Shape
from pellucid.interop.importing.assembly import Assembly
from pellucid.interop.importing.graph import Graph, array, read
from pellucid.interop.importing.joining import joined
from pellucid.interop.importing.node import Node
from pellucid.interop.importing.notes import classes, normalised
from pellucid.interop.importing.static import constant, folded, shape_of
from pellucid.interop.importing.table import OPERATORS
from pellucid.interop.importing.values import Data, Known, Value
from pellucid.layers import FormulaLayer, Layer, Loss, Softmax, SoftmaxCrossEntropy
from pellucid.model import Model, Normalisation
from pellucid.model.model import versions
from pellucid.network import Network

__all__ = ["from_onnx"]


def from_onnx(
    path: str | os.PathLike[str],
    *,
    input_shape: Sequence[int] | None = None,
    output: str | None = None,
    loss: Loss | None = None,
    one_image: bool = False,
) -> Model:
    """The model that an ONNX file holds, as layers and equations: to be run, explained and trained further.

    Each operator becomes the layer that says the same, or a `FormulaLayer` with its equations.  A Softmax at
    the end becomes the network's probability: the network gives the logits, and its loss is softmax
    cross-entropy.  Batch normalisation becomes the affine function that it is in use.

    Args:
        path: the file.
        input_shape: (C, H, W) of an image, where the file leaves sizes open.
        output: name of the one to import, if the graph has several.
        loss: what training minimises; if it is not given, softmax cross-entropy where the file ends in a
            Softmax or names its classes.
        one_image: whether the graph's whole input is one image; otherwise its first axis counts images.

    Raises:
        ModelFileError: the file is damaged, no ONNX model, or has an operator for which there are no
            equations; the sentence names the node.
        ResourceError: the file cannot be read.
        MissingPackageError: the package onnx is not installed.
    """
    found = read(path, output)
    try:
        return model(found, input_shape, loss, one_image)
    except ModelFileError:
        raise
    except (PellucidError, ValueError) as error:
        raise ModelFileError(f"{os.fspath(path)}: {_first_line(error)}") from None
    except MemoryError:
        raise ResourceError(f"cannot read {os.fspath(path)}: there is not enough memory for it") from None


def model(graph: Graph, input_shape: Sequence[int] | None, loss: Loss | None, one_image: bool) -> Model:
    """The model of a graph; a ValueError or PellucidError says why there is none."""
    scaling, rest = normalised(joined(graph), lambda part: _model(part, input_shape, None, one_image, None))
    found = _model(rest, input_shape, loss, one_image, scaling)
    _check_promise(graph, found.network.output_shape, 0 if one_image else 1)
    return found


def _model(
    graph: Graph,
    input_shape: Sequence[int] | None,
    loss: Loss | None,
    one_image: bool,
    scaling: Normalisation | None,
) -> Model:
    images = 0 if one_image else 1
    shape = _image_shape(graph, input_shape, images)
    batch = graph.axes[0] if images and graph.axes else None
    assembly = Assembly(shape, images, batch, np.dtype(graph.dtype))
    layers = _layers(graph, assembly)
    if isinstance(layers[-1], Softmax) and len(layers) > 1 and loss is None:
        layers, loss = layers[:-1], SoftmaxCrossEntropy()
    network = Network(layers, shape, loss, name=graph.name)
    names = classes(graph, network.output_shape[-1] if len(network.output_shape) == 1 else 0)
    if names and network.loss is None:
        network = Network(layers, shape, SoftmaxCrossEntropy(), name=graph.name)
    parameters = {name: assembly.parameters[name] for name in network.parameter_shapes}
    return Model(network, parameters, names, scaling, metadata={"versions": versions()})


def _image_shape(graph: Graph, given: Sequence[int] | None, images: int) -> Shape:
    """The shape of one image: what is given where the file leaves it open."""
    said = graph.axes[images:]
    if given is None:
        if not said or None in said or 0 in said:
            raise ValueError(
                f"its input {graph.input!r} has the shape {_shown(graph.axes)}; "
                "give the shape of one image as input_shape"
            )
        return tuple(size for size in said if size is not None)
    shape = tuple(given)
    if len(shape) != len(said) or any(b not in (None, a) for a, b in zip(shape, said, strict=True)):
        raise ValueError(f"images of shape {shape} do not fit its input of shape {_shown(graph.axes)}")
    return shape


def _check_promise(graph: Graph, shape: Shape, images: int) -> None:
    """Whether the output has the shape that the file says; how many images there are may have changed."""
    if graph.promised is None:
        return
    said = graph.promised[images:]
    if len(said) != len(shape) or any(a not in (None, b) for a, b in zip(said, shape, strict=True)):
        found, lie = _shown((None,) * images + shape), _shown(graph.promised)
        raise ValueError(f"its output {graph.output[:50]!r} has the shape {found}, not {lie} as it says")


def _shown(axes: Sequence[int | None]) -> str:
    return f"({', '.join('?' if size is None else str(size) for size in axes)})"


def _layers(graph: Graph, assembly: Assembly) -> list[Layer]:
    """The layers that the output needs, in order."""
    values: dict[str, Value] = {graph.input: assembly.input}

    def value(name: str) -> Value | None:
        if name and name not in values:
            held = array(graph.tensors[name])
            assembly.room.give(held.size)
            values[name] = Known(held, name)
        return values.get(name)

    for operation in graph.operations:
        try:
            node = Node(operation, [value(name) for name in operation.inputs], assembly, graph.opset)
            values[operation.outputs[0]] = _result(node)
        except (PellucidError, ValueError) as error:
            raise ValueError(f"{operation}: {_first_line(error)}") from None
        except OverflowError:
            raise ValueError(f"{operation}: its numbers are too large") from None
    found = values[graph.output]
    if isinstance(found, Known):
        raise ValueError("its output does not depend on its input")
    output = assembly.read(found)
    if not assembly.layers:
        output = assembly.add(FormulaLayer("y[...] = x[...]"), [found], {}, "", "identity").layer
    return _reachable(assembly.layers, output)


def _result(node: Node) -> Value:
    operation = node.operation
    if not operation.outputs or not operation.outputs[0]:
        raise ValueError("only its first output is supported")
    if operation.op == "Constant":
        found: Value = constant(node)
    elif operation.op == "Shape":
        found = shape_of(node)
    elif not any(isinstance(v, Data) for v in node.values):
        found = folded(node, OPERATORS)
    elif operation.op in OPERATORS:
        found = OPERATORS[operation.op](node)
    else:
        raise ValueError(f"pellucid has no equations for the operator {operation.op}")
    node.check_asked()
    return found


def _reachable(layers: Sequence[Layer], output: str) -> list[Layer]:
    """The layers without which there is no output."""
    wanted, kept = {output}, []
    for layer in reversed(layers):
        if layer.name in wanted:
            wanted |= {*(layer.inputs or ()), *([layer.shares] if layer.shares else [])}
            kept.append(layer)
    return kept[::-1]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
