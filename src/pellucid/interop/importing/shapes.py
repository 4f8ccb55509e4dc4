"""Operators that only move elements: reshaping, transposing, joining and padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod

import numpy as np

from pellucid.interop.importing.node import Node, letters
from pellucid.interop.importing.values import Data, Known, Value

__all__ = ["OPERATORS"]

# Letters of the joined axis for arrays that the file holds.
OWN = "opqrst"


def flatten(node: Node) -> Value:
    """Two axes: those before the one that is named, and the rest."""
    data, first = node.data(), node.whole("axis", 1)
    rank, images = node.rank(data), node.assembly.images
    first = first + rank if first < 0 else first
    if not 0 <= first <= rank or (images and first != 1):
        raise ValueError(f"axis {first} would join images; each image must be by itself")
    shape = data.shape
    if images:
        return node.assembly.reshaped(data, (prod(shape),))
    return node.assembly.reshaped(data, (prod(shape[:first]), prod(shape[first:])))


def reshape(node: Node) -> Value:
    data = node.data()
    wanted = node.wholes("shape") if node.opset < 5 else node.whole_numbers(1)
    zero = node.flag("allowzero")
    if wanted is None:
        raise ValueError("its shape is missing")
    if node.assembly.images:
        if not wanted or wanted[0] not in (0, -1, 1, node.assembly.batch):
            raise ValueError(f"the shape {wanted} would join images; each image must be by itself")
        # A -1 for the images' axis stands for their number, as long as the others hold one image.
        wanted = wanted[1:]
    whole = [
        data.shape[i] if size == 0 and not zero and i < len(data.shape) else size
        for i, size in enumerate(wanted)
    ]
    if whole.count(-1) > 1 or min([1, *(s for s in whole if s != -1)]) < 1:
        raise ValueError(f"the shape {wanted} is none; its sizes are at least 1, but for one that is -1")
    rest = prod(s for s in whole if s != -1)
    shape = tuple(prod(data.shape) // rest if s == -1 else s for s in whole)
    return node.assembly.reshaped(data, shape)


def squeeze(node: Node) -> Value:
    data = node.data()
    axes = node.wholes("axes") if node.opset < 13 else node.whole_numbers(1)
    rank = node.rank(data)
    gone = (
        [i for i, n in enumerate(data.shape) if n == 1]
        if axes is None
        else [node.axis(a, rank) for a in axes]
    )
    if any(data.shape[i] != 1 for i in gone):
        raise ValueError(f"it takes axes {axes} away, which have more than one element")
    return node.assembly.reshaped(data, tuple(n for i, n in enumerate(data.shape) if i not in gone))


def unsqueeze(node: Node) -> Value:
    data = node.data()
    axes = (node.wholes("axes") if node.opset < 13 else node.whole_numbers(1)) or []
    rank = node.rank(data) + len(axes)
    new = {node.axis(a, rank) for a in axes}
    if len(new) < len(axes):
        raise ValueError(f"its axes {axes} name one twice")
    old = iter(data.shape)
    shape = tuple(1 if i in new else next(old) for i in range(len(data.shape) + len(new)))
    return node.assembly.reshaped(data, shape)


def transpose(node: Node) -> Value:
    data = node.data()
    rank, images = node.rank(data), node.assembly.images
    order = node.wholes("perm")
    order = list(range(rank))[::-1] if order is None else order
    if sorted(order) != list(range(rank)):
        raise ValueError(f"its perm {order} is not an order of {rank} axes")
    if images and order[0] != 0:
        raise ValueError("it moves the images' axis; each image must be by itself")
    moved = [place - images for place in order[images:]]
    if moved == sorted(moved):
        return data
    named = letters(len(data.shape))
    target = ",".join(["n", *(named[place] for place in moved)])
    return node.formula(f"y[{target}] = x[{','.join(['n', *named])}]", {"x": data})


def concat(node: Node) -> Value:
    """Several arrays one behind the other along an axis."""
    values = [node.value(place) for place in range(len(node.values))]
    data = [v for v in values if isinstance(v, Data)]
    rank = node.rank(data[0])
    axis = node.axis(node.whole("axis", 1), rank)
    shapes = [
        v.shape if isinstance(v, Data) else node.aligned(v, rank - node.assembly.images) for v in values
    ]
    others = {(*s[:axis], *s[axis + 1 :]) for s in shapes}
    if len({len(s) for s in shapes}) > 1 or len(others) > 1:
        raise ValueError(f"arrays of shapes {shapes[:5]} cannot be joined along axis {axis}")
    if len(values) == 1:
        return values[0]
    named = letters(rank - node.assembly.images)
    letter, start, terms = named[axis], 0, []
    weights: dict[str, tuple[str, Known, str]] = {}
    constants: dict[str, int] = {}
    for number, (value, shape) in enumerate(zip(values, shapes, strict=True), 1):
        place = [*named]
        place[axis] = f"{letter} - {start}" if start else letter
        if isinstance(value, Data):
            read = f"x{number}[{','.join(['n', *place])}]"
        else:
            # An array of the file's has a letter of its own along this axis.
            own = [*named]
            own[axis] = OWN[len(weights) % len(OWN)]
            constants[own[axis].upper()] = shape[axis]
            weights[f"w{number}"] = (
                ",".join(own),
                replace(value, array=value.array.reshape(shape)),
                f"part{number}",
            )
            read = f"w{number}[{','.join(place)}]"
        terms.append(f"where(0 <= {place[axis]} < {shape[axis]}, {read}, 0)")
        start += shape[axis]
    if len(weights) > len(OWN):
        raise ValueError(f"more than {len(OWN)} of its inputs do not depend on the image")
    target = ",".join(["n", *named])
    inputs = {f"x{number}": v for number, v in enumerate(values, 1) if isinstance(v, Data)}
    constants[letter.upper()] = start
    return node.formula(f"y[{target}] = {' + '.join(terms)}", inputs, weights, constants)


def pad(node: Node) -> Value:
    data = node.data()
    old = node.opset < 11
    amounts = node.wholes("pads") if old else node.whole_numbers(1)
    value = node.real("value", 0.0) if old else node.number(2) or 0.0
    axes = None if node.opset < 18 else node.whole_numbers(3)
    mode = node.word("mode", "constant", ("constant", "reflect", "edge", "wrap"))
    rank, images = node.rank(data), node.assembly.images
    places = list(range(rank)) if axes is None else [a + rank if a < 0 else a for a in axes]
    if amounts is None or len(amounts) != 2 * len(places):
        raise ValueError(f"its pads are {2 * len(places)} numbers, two for each axis, not {amounts}")
    before, after = amounts[: len(places)], amounts[len(places) :]
    sides = {p: both for p, *both in zip(places, before, after, strict=True) if any(both)}
    if any(node.axis(p, rank) < 0 for p in sides):
        raise ValueError("it pads the images' axis")
    result = data
    whole = {p - images: (low, high) for p, (low, high) in sides.items()}
    if mode == "constant":
        return _constant(node, data, whole, value)
    for axis, (low, high) in whole.items():
        result = _mirrored(node, result, axis, (low, high), mode)
    return result


def _constant(node: Node, data: Data, sides: Mapping[int, tuple[int, int]], value: float) -> Data:
    if not sides:
        return data
    named, constants = letters(len(data.shape)), {}
    place, inside = list(named), []
    for axis, (low, high) in sides.items():
        letter, size = named[axis], data.shape[axis]
        place[axis] = f"{letter} - {low}" if low > 0 else f"{letter} + {-low}" if low else letter
        constants[letter.upper()] = size + low + high
        inside.append(f"0 <= {place[axis]} < {min(size, size + low + high) if low == 0 else size}")
    read = f"x[{','.join(['n', *place])}]"
    target = ",".join(["n", *named])
    text = f"where({' and '.join(inside)}, {read}, value)"
    return node.formula(f"y[{target}] = {text}", {"x": data}, constants={**constants, "value": value})


def _mirrored(node: Node, data: Data, axis: int, sides: tuple[int, int], mode: str) -> Data:
    """One axis, padded with what lies within: its ends, its mirror image, or the other side."""
    low, high = sides
    named, size = letters(len(data.shape)), data.shape[axis]
    letter = named[axis]
    most = {"reflect": size - 1, "wrap": size}.get(mode, max(low, high))
    if min(low, high) < 0 or max(low, high) > most:
        raise ValueError(
            f"pads of {low} and {high} for {size} elements are not supported in the mode {mode!r}"
        )
    end = size + low
    left = {"edge": "0", "reflect": f"{low} - {letter}", "wrap": f"{letter} + {size - low}"}[mode]
    right = {
        "edge": f"{size - 1}",
        "reflect": f"{2 * size - 2 + low} - {letter}",
        "wrap": f"{letter} - {end}",
    }[mode]

    def read(index: str) -> str:
        return f"x[{','.join(['n', *named[:axis], index, *named[axis + 1 :]])}]"

    parts = [
        f"where({letter} < {low}, {read(left)}, 0)" if low else "",
        f"where({low} <= {letter} and {letter} < {end}, {read(f'{letter} - {low}')}, 0)",
        f"where({letter} >= {end}, {read(right)}, 0)" if high else "",
    ]
    target = ",".join(["n", *named])
    source = f"y[{target}] = {' + '.join(filter(None, parts))}"
    return node.formula(source, {"x": data}, constants={letter.upper(): size + low + high})


def sliced(node: Node) -> Value:
    """Every so many elements along some axes, from the end with a negative step."""
    data = node.data()
    rank = node.rank(data)
    old = node.opset < 10
    starts, ends = (node.wholes("starts"), node.wholes("ends")) if old else (node.far(1), node.far(2))
    axes = node.wholes("axes") if old else node.whole_numbers(3)
    steps = None if old else node.whole_numbers(4)
    first, last = starts or [], ends or []
    places = axes or list(range(len(first)))
    strides = steps or [1] * len(first)
    if not len(first) == len(last) == len(places) == len(strides) or 0 in strides:
        raise ValueError("its starts, ends, axes and steps are not as many of each, with no step of 0")
    index, constants = letters(len(data.shape)), {}
    named, inside = list(index), list[str]()
    for start, end, place, step in zip(first, last, places, strides, strict=True):
        axis = node.axis(place, rank)
        taken = range(*slice(start, end, step).indices(data.shape[axis]))
        if not taken:
            raise ValueError(f"it takes nothing along axis {place}")
        letter = named[axis]
        constants[letter.upper()] = len(taken)
        times = {1: letter, -1: f"-{letter}"}.get(step, f"{step}*{letter}")
        index[axis] = f"{times} + {taken[0]}" if taken[0] else times
        if index[axis] == letter:
            # A letter alone would range over the whole axis.
            inside.append(f"0 <= {letter} < {len(taken)}")
    if all(data.shape[named.index(x.lower())] == size for x, size in constants.items()) and min(strides) > 0:
        return data
    read = f"x[{','.join(['n', *index])}]"
    value = f"where({' and '.join(inside)}, {read}, 0)" if inside else read
    return node.formula(f"y[{','.join(['n', *named])}] = {value}", {"x": data}, constants=constants)


def expanded(node: Node) -> Value:
    """Repeated along axes with a single element."""
    data, wanted = node.data(), node.whole_numbers(1) or []
    images = node.assembly.images
    if images and len(wanted) == node.rank(data) and wanted[0] in (0, 1, node.assembly.batch):
        wanted = wanted[1:]
    shape = np.broadcast_shapes(data.shape, tuple(wanted))
    if len(shape) != len(data.shape) or len(wanted) > len(data.shape):
        raise ValueError(f"the shape {wanted} has other axes than {data.shape}")
    if shape == data.shape:
        return data
    named = letters(len(shape))
    index = ["0" if own < size else x for x, own, size in zip(named, data.shape, shape, strict=True)]
    constants = {x.upper(): size for x, size in zip(named, shape, strict=True)}
    source = f"y[{','.join(['n', *named])}] = x[{','.join(['n', *index])}]"
    return node.formula(source, {"x": data}, constants=constants)


OPERATORS: Mapping[str, Callable[[Node], Value]] = {
    "Concat": concat, "Expand": expanded, "Flatten": flatten, "Pad": pad, "Reshape": reshape,
    "Slice": sliced, "Squeeze": squeeze, "Transpose": transpose, "Unsqueeze": unsqueeze,
}  # fmt: skip
