"""Nodes that do not depend on the image: worked out once, while importing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.interop.importing.assembly import Assembly
from pellucid.interop.importing.node import Node
from pellucid.interop.importing.values import Known, Value
from pellucid.network import Network

__all__ = ["constant", "folded", "shape_of"]

Integers = NDArray[np.int64]
MOST = 64  # integers in a shape, with room
EFFORT = 2**13  # of working out anything at all, in numbers
ARITHMETIC: Mapping[str, Callable[[Integers, Integers], NDArray[Any]]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.floor_divide, "Equal": np.equal,
}  # fmt: skip


def constant(node: Node) -> Known:
    """What a Constant node holds."""
    found = node.tensor("value")
    if found is not None:
        node.assembly.room.give(found.array.size)
        return found
    for name, kind in (("value_float", 1), ("value_int", 2), ("value_floats", 6), ("value_ints", 7)):
        if name in node.operation.attributes:
            attribute = node.attribute(name, kind)
            numbers = getattr(attribute, {1: "f", 2: "i", 6: "floats", 7: "ints"}[kind])
            return Known(np.array(numbers, np.float32 if kind in (1, 6) else np.int64), node.operation.name)
    raise ValueError("it holds neither an array nor numbers")


def shape_of(node: Node) -> Known:
    """The shape of something; 0 for the number of images, as Reshape has it."""
    found = node.value(0)
    if isinstance(found, Known):
        return Known(np.array(found.array.shape, np.int64))
    images = [node.assembly.batch or 0] * node.assembly.images
    sizes = [*images, *found.shape]
    first, last = node.whole("start", 0), node.whole("end", len(sizes))
    return Known(np.array(sizes[first:last], np.int64))


def folded(node: Node, operators: Mapping[str, Callable[[Node], Value]]) -> Known:
    """The value of a node that reads only what is known.

    Numbers go through the operator's own equations; integers, which sizes are made of, through the few
    functions with which exporters write a shape.
    """
    values = [node.value(place) if v is not None else None for place, v in enumerate(node.values)]
    first = values[0] if values else None
    if not isinstance(first, Known):
        raise ValueError("it reads nothing")
    if first.array.dtype.kind in "iu" and node.op in INTEGERS:
        result = np.asarray(INTEGERS[node.op](node), np.int64)
        if result.size > MOST:
            raise ValueError(f"it computes {result.size:,} integers; sizes have up to {MOST}")
        return Known(result)
    if node.op == "Cast":
        return _cast(node, first)
    if node.op not in operators:
        raise ValueError(f"pellucid has no equations for the operator {node.op}")
    if first.array.dtype.kind != "f" or first.array.size == 0:
        raise ValueError(
            f"pellucid does not compute it with {first.array.dtype} of shape {first.array.shape}"
        )
    return _evaluated(node, first, operators[node.op])


def _evaluated(node: Node, first: Known, operator: Callable[[Node], Value]) -> Known:
    """The operator's equations with the first array in the place of one image."""
    shape = first.array.shape or (1,)
    assembly = Assembly(shape, 0, None, first.array.dtype, node.assembly.room)
    data = assembly.reshaped(assembly.input, first.array.shape)
    inner = replace(node, values=[data, *node.values[1:]], assembly=assembly)
    found = operator(inner)
    node.asked |= inner.asked
    if isinstance(found, Known):
        return found
    name = assembly.read(found)
    if not assembly.layers:
        return first
    network = Network(assembly.layers, shape)
    assembly.room.take(EFFORT + sum(prod(layer.shape) for layer in network.nodes))
    run = network.run(
        first.array.reshape(1, *shape), parameters=assembly.parameters, dtype=first.array.dtype
    )
    return Known(np.asarray(run[name])[0], first.name)


def _cast(node: Node, known: Known) -> Known:
    kind = {1: np.float32, 6: np.int64, 7: np.int64, 11: np.float64}.get(node.whole("to", 0))
    if kind is None:
        raise ValueError("it casts to a type other than float32, float64, int32 and int64")
    return replace(known, array=known.array.astype(kind))


def _gather(node: Node) -> Integers:
    values, places = _list(node, 0), node.known(1).array
    if node.whole("axis", 0) != 0 or places.dtype.kind not in "iu":
        raise ValueError("it gathers from something other than a list of integers")
    if places.size and (places.min() < -len(values) or places.max() >= len(values)):
        raise ValueError(f"it gathers at {places.reshape(-1)[:5].tolist()} of {len(values)}")
    return values[places]


def _list(node: Node, place: int) -> Integers:
    return np.array(node.whole_numbers(place) or [], np.int64)


def _slice(node: Node) -> Integers:
    values = _few(node)
    if node.opset < 10:
        starts, ends, axes = (node.wholes(name) or [] for name in ("starts", "ends", "axes"))
        steps = [1] * len(starts)
    else:
        starts, ends = (node.far(place) or [] for place in (1, 2))
        axes, steps = node.whole_numbers(3) or [], node.whole_numbers(4) or [1] * len(starts)
    axes = axes or list(range(len(starts)))
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise ValueError("its starts, ends, axes and steps are not as many of each, with no step of 0")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not -values.ndim <= axis < values.ndim:
            raise ValueError(f"it has no axis {axis}: there are {values.ndim}")
        kept = range(*slice(start, end, step).indices(values.shape[axis]))
        values = np.take(values, list(kept), axis)
    return values


def _few(node: Node) -> Integers:
    """The integers that the node reads, if they are as few as those of a shape."""
    values: Integers = node.known(0).array
    if values.size > MOST:
        raise ValueError(f"it computes with {values.size:,} integers; sizes have up to {MOST}")
    return values


def _reshaped(node: Node) -> Integers:
    sizes = node.whole_numbers(1) or []
    node.flag("allowzero")
    if sizes.count(-1) > 1 or min([0, *sizes]) < -1:
        raise ValueError(f"the shape {sizes} is none")
    return _few(node).reshape(sizes)


def _transposed(node: Node) -> Integers:
    values = _few(node)
    order = node.wholes("perm") or list(range(values.ndim))[::-1]
    if sorted(order) != list(range(values.ndim)):
        raise ValueError(f"its perm {order} is not an order of {values.ndim} axes")
    return values.transpose(order)


def _repeated(node: Node) -> Integers:
    """ConstantOfShape: one number as often as a list says."""
    sizes, value = node.whole_numbers(0) or [], node.tensor("value")
    count = int(np.prod(sizes, dtype=object))
    if min([0, *sizes]) < 0 or count > MOST or value is None or value.array.size != 1:
        raise ValueError(f"it makes {count:,} integers; sizes have up to {MOST}")
    return np.full(sizes, value.array.reshape(()), np.int64)


def _joined(node: Node) -> Integers:
    node.whole("axis", 0)
    return np.concatenate([_list(node, place) for place in range(len(node.values))])


def _one_axis(node: Node) -> Integers:
    if node.opset < 13:
        node.wholes("axes")
    else:
        node.whole_numbers(1)
    found = node.known(0).array
    return found.reshape(-1) if node.op == "Unsqueeze" or found.size != 1 else found.reshape(())


def _arithmetic(node: Node) -> Integers:
    a, b = node.known(0).array, node.known(1).array
    if b.dtype.kind not in "iu" or max(a.size, b.size) > MOST or (node.op == "Div" and (b == 0).any()):
        raise ValueError("it computes with something other than sizes")
    return np.asarray(ARITHMETIC[node.op](a, b), np.int64)


def _chosen(node: Node) -> Integers:
    condition, one, other = (node.known(place).array for place in range(3))
    if max(v.size for v in (condition, one, other)) > MOST or {one.dtype.kind, other.dtype.kind} - {*"iu"}:
        raise ValueError("it chooses between something other than sizes")
    return np.where(condition != 0, one, other)


INTEGERS: Mapping[str, Callable[[Node], Integers]] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Equal"), _arithmetic),
    "Concat": _joined, "ConstantOfShape": _repeated, "Gather": _gather,
    "Identity": lambda node: node.known(0).array, "Reshape": _reshaped, "Slice": _slice,
    "Squeeze": _one_axis, "Transpose": _transposed, "Unsqueeze": _one_axis, "Where": _chosen,
}  # fmt: skip
