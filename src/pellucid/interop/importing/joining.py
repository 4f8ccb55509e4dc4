"""Nodes that belong together: a matrix product and its bias, a softmax that is written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pellucid.interop.importing.graph import Graph, Operation, array, needed

__all__ = ["joined"]


def joined(graph: Graph) -> Graph:
    """The graph with each bias as a third input of its MatMul, and each softmax as one node."""
    return _with_softmax(_with_bias(graph))


def _with_bias(graph: Graph) -> Graph:
    products = {
        o.outputs[0]: o for o in graph.operations if o.op == "MatMul" and len(o.inputs) == 2 and o.outputs
    }
    changed: dict[int, Operation] = {}
    gone: set[int] = set()
    for operation in graph.operations:
        for product, bias in (operation.inputs, operation.inputs[::-1]) if _is_sum(operation) else ():
            found = products.get(product)
            if (
                found
                and graph.uses.get(product) == 1
                and _is_vector(graph, bias)
                and found.inputs[1] in graph.tensors
            ):
                gone.add(found.position)
                changed[operation.position] = replace(
                    found, inputs=(*found.inputs, bias), outputs=operation.outputs
                )
                break
    operations = [changed.get(o.position, o) for o in graph.operations if o.position not in gone]
    return replace(graph, operations=tuple(operations))


def _is_sum(operation: Operation) -> bool:
    return operation.op == "Add" and len(operation.inputs) == 2 and not operation.attributes


def _is_vector(graph: Graph, name: str) -> bool:
    """Whether this is an array with one axis that has more than one element, the last."""
    tensor = graph.tensors.get(name)
    dims = list(tensor.dims) if tensor is not None else []
    return bool(dims) and all(size == 1 for size in dims[:-1]) and dims[-1] > 1


def _with_softmax(graph: Graph) -> Graph:
    """The graph with ``exp(x - max x) / sum exp(x - max x)`` along one axis as a Softmax."""
    givers = {name: o for o in graph.operations for name in o.outputs if name}
    operations = [_softmax(graph, givers, o) if o.op == "Div" else o for o in graph.operations]
    return replace(graph, operations=needed(operations, graph.output))


def _softmax(graph: Graph, givers: Mapping[str, Operation], division: Operation) -> Operation:
    """The Softmax that a division is the last node of, or the division."""
    above, total = (givers.get(name) for name in (*division.inputs, "", "")[:2])
    shifted = givers.get(above.inputs[0]) if above and above.op == "Exp" and above.inputs else None
    if not above or not shifted or shifted.op != "Sub" or len(shifted.inputs) != 2:
        return division
    x, largest = shifted.inputs[0], givers.get(shifted.inputs[1])
    axes = [
        _reduced(graph, givers, total, "ReduceSum", above.outputs[0]),
        _reduced(graph, givers, largest, "ReduceMax", x),
    ]
    if axes[0] is None or axes[0] != axes[1] or graph.opset < 13:
        return division
    from onnx.helper import make_attribute

    axis = {"axis": make_attribute("axis", axes[0])}
    return replace(division, op="Softmax", inputs=(x,), attributes=axis)


def _reduced(
    graph: Graph, givers: Mapping[str, Operation], found: Operation | None, op: str, of: str
) -> int | None:
    """The one axis over which a node reduces a value, and which it keeps or puts back; else None."""
    put_back = None
    if found and found.op == "Unsqueeze" and len(found.inputs) == 2:
        put_back = _numbers(graph, found.inputs[1])
        found = givers.get(found.inputs[0])
    if not found or found.op != op or not found.inputs or found.inputs[0] != of:
        return None
    given = found.attributes.get("axes")
    axes = list(given.ints) if given is not None else _numbers(graph, *found.inputs[1:2])
    kept = found.attributes.get("keepdims")
    keeps = kept is None or bool(kept.i)
    if not axes or len(axes) != 1 or axes[0] < 0 or (put_back != axes if not keeps else put_back is not None):
        return None
    return int(axes[0])


def _numbers(graph: Graph, name: str = "") -> list[int] | None:
    """A short list of integers that the file holds."""
    tensor = graph.tensors.get(name)
    if tensor is None or tensor.data_type != 7 or list(tensor.dims) not in ([], [1]):
        return None
    return [int(v) for v in array(tensor).reshape(-1)]
