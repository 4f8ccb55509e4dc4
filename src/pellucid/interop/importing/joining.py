"""Nodes that belong together: a matrix product and the bias that is added to it."""

from __future__ import annotations

from dataclasses import replace

from pellucid.interop.importing.graph import Graph, Operation

__all__ = ["joined"]


def joined(graph: Graph) -> Graph:
    """The graph with each bias as a third input of its MatMul."""
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
