"""Operators that move a window over images of any number of axes: convolutions and pooling.

One axis of an image has an index i of the output, an index u of the window, a stride s, a dilation a and so
many pixels of padding before and after: element u of the window i is the pixel ``s*i + a*u - p``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from pellucid.formula.ranges import Shape
from pellucid.interop.importing.node import Node
from pellucid.interop.importing.values import Data, Known, Value
from pellucid.layers import AveragePool2D, Conv2D, GlobalAveragePool2D, MaxPool2D

__all__ = ["OPERATORS"]

# For each axis of an image: its index in the output, in the window, and its constants.
OUT, WINDOW, STRIDE, DILATION, PADDING = "ijl", "uvz", "str", "aem", "pqo"
WAYS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


@dataclass(frozen=True)
class Windows:
    """Where the windows of a node lie, a number for each axis.

    Attributes:
        sizes: of the image.
        kernel, strides, dilations: elements of the window, pixels between windows and between elements.
        low, high: pixels of padding before and after.
        beyond: pixels after these, into which the last window reaches if the number of windows is rounded up.
    """

    sizes: Shape
    kernel: Shape
    strides: Shape
    dilations: Shape
    low: Shape
    high: Shape
    beyond: Shape

    @property
    def axes(self) -> range:
        return range(len(self.sizes))

    def place(self, axis: int) -> str:
        """The pixel of element u of window i."""
        return f"{STRIDE[axis]}*{OUT[axis]} + {DILATION[axis]}*{WINDOW[axis]} - {PADDING[axis]}"

    @property
    def places(self) -> str:
        return ", ".join(map(self.place, self.axes))

    @property
    def constants(self) -> dict[str, int]:
        named = (
            (WINDOW.upper(), self.kernel), (STRIDE, self.strides),
            (DILATION, self.dilations), (PADDING, self.low),
        )  # fmt: skip
        return {letters[axis]: numbers[axis] for letters, numbers in named for axis in self.axes}

    @property
    def padding(self) -> dict[str, Mapping[int, object]]:
        sides = zip(self.low, self.high, self.beyond, strict=True)
        return {"x": {axis + 2: (low, high + more) for axis, (low, high, more) in enumerate(sides)}}

    @property
    def sides(self) -> tuple[int, ...]:
        """(top, bottom, left, right), what is beyond included."""
        return tuple(v for a in self.axes for v in (self.low[a], self.high[a] + self.beyond[a]))

    @property
    def flat(self) -> bool:
        return len(self.sizes) == 2


def windows(node: Node, sizes: Shape, kernel: Shape, *, ceil: bool = False, dilated: bool = True) -> Windows:
    """Where a node's windows lie on an image of this size."""
    count = len(sizes)
    strides = _each(node, "strides", count, 1)
    dilations = _each(node, "dilations", count, 1) if dilated else (1,) * count
    pads = node.wholes("pads") or [0] * (2 * count)
    way = node.word("auto_pad", "NOTSET", WAYS)
    if len(pads) != 2 * count or min(pads) < 0:
        raise ValueError(f"its pads are {2 * count} numbers of at least 0, not {pads}")
    low, high = tuple(pads[:count]), tuple(pads[count:])
    extents = tuple(a * (k - 1) + 1 for a, k in zip(dilations, kernel, strict=True))
    if way.startswith("SAME"):
        whole = zip(sizes, extents, strides, strict=True)
        total = tuple(max((-(-size // s) - 1) * s + e - size, 0) for size, e, s in whole)
        less, more = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
        low, high = (less, more) if way == "SAME_UPPER" else (more, less)
    elif way == "VALID":
        low = high = (0,) * count
    beyond = (0,) * count
    if ceil:
        every = zip(sizes, extents, strides, low, high, strict=True)
        beyond = tuple(_beyond(*axis) for axis in every)
    return Windows(sizes, kernel, strides, dilations, low, high, beyond)


def _beyond(size: int, extent: int, stride: int, low: int, high: int) -> int:
    """How far the last window reaches beyond the padding if the number of windows is rounded up.

    A window that would begin behind the image and the padding before it is none.
    """
    last = -(-(size + low + high - extent) // stride) * stride
    if last >= size + low:
        last -= stride
    return max(last + extent - (size + low + high), 0)


def _each(node: Node, name: str, count: int, default: int) -> Shape:
    """An attribute with a number of at least 1 for each axis."""
    given = node.wholes(name)
    numbers = tuple([default] * count if given is None else given)
    if len(numbers) != count or min(numbers) < 1:
        raise ValueError(f"its {name} are {count} numbers of at least 1, not {list(numbers)}")
    return numbers


def _spatial(node: Node) -> tuple[Data, Shape]:
    """The image and the sizes of its axes but for the channels."""
    data = node.data()
    if not node.assembly.images or not 2 <= len(data.shape) <= 4:
        raise ValueError("it takes images (N, C, ...) with one to three axes of pixels")
    return data, data.shape[1:]


def _filters(node: Node, count: int) -> tuple[Known, Known | None]:
    """The weight of a convolution over so many axes of pixels, and its bias if it has one."""
    weight, bias = node.known(1), node.known(2) if node.optional(2) is not None else None
    shape = weight.array.shape
    kernel = _each(node, "kernel_shape", count, 1) if node.wholes("kernel_shape") else shape[2:]
    if len(shape) != count + 2 or shape[2:] != kernel:
        raise ValueError(f"its weight has the shape {shape}, its image {count} axes, its kernel {kernel}")
    return weight, bias


def conv(node: Node) -> Value:
    data, sizes = _spatial(node)
    w, b = _filters(node, len(sizes))
    groups, shape = node.whole("group", 1), w.array.shape
    at = windows(node, sizes, shape[2:])
    if groups < 1 or shape[0] % groups or data.shape[0] != shape[1] * groups:
        raise ValueError(
            f"{data.shape[0]} channels, a weight of shape {shape} and {groups} groups do not fit"
        )
    weights = {"w": w} | ({"b": b} if b is not None else {})
    if at.flat:
        layer = Conv2D(shape[0], at.kernel, at.strides, at.sides, at.dilations, groups, bias=b is not None)
        return node.layer(layer, weights=weights)
    k, c, g = ("(g,k)", "(g,c)", {"G": groups}) if groups > 1 else ("k", "c", {})
    inner = ",".join(WINDOW[: len(sizes)])
    source = (
        f"y[n,{k},{','.join(OUT[: len(sizes)])}] = {f'b[{k}] + ' if b is not None else ''}"
        f"sum[c,{inner}] w[{k},c,{inner}] * x[n, {c}, {at.places}]"
    )
    named = {"w": (f"{k},c,{inner}", w, "weight")} | ({"b": (k, b, "bias")} if b is not None else {})
    constants = at.constants | g | {"K": shape[0] // groups, "C": shape[1]}
    return node.formula(source, weights=named, constants=constants, padding=at.padding)


def conv_transpose(node: Node) -> Value:
    """The gradient of a convolution by its input: a pixel gets what the windows that cover it give it."""
    data, sizes = _spatial(node)
    w, b = _filters(node, len(sizes))
    groups, count, shape = node.whole("group", 1), len(sizes), w.array.shape
    if groups < 1 or shape[0] % groups or data.shape[0] != shape[0]:
        raise ValueError(
            f"{data.shape[0]} channels, a weight of shape {shape} and {groups} groups do not fit"
        )
    outputs, low = _transposed(node, sizes, shape[2:])
    at = windows(node, sizes, shape[2:])
    k, c, g = ("(g,k)", "(g,c)", {"G": groups}) if groups > 1 else ("k", "c", {})
    reads = [f"({OUT[a]} + {PADDING[a]} - {DILATION[a]}*{WINDOW[a]})" for a in range(count)]
    there = " and ".join(
        f"{STRIDE[a]} | {read[1:-1]} and 0 <= {read}/{STRIDE[a]} < {sizes[a]}" for a, read in enumerate(reads)
    )
    inner = ",".join(WINDOW[:count])
    source = (
        f"y[n,{k},{','.join(OUT[:count])}] = {f'b[{k}] + ' if b is not None else ''}"
        f"sum[c,{inner} : {there}] "
        f"w[{c},k,{inner}] * x[n, {c}, {', '.join(f'{r}/{STRIDE[a]}' for a, r in enumerate(reads))}]"
    )
    named = {"w": (f"{c},k,{inner}", w, "weight")} | ({"b": (k, b, "bias")} if b is not None else {})
    constants = at.constants | g | {"K": shape[1], "C": shape[0] // groups}
    constants |= {OUT[a].upper(): outputs[a] for a in range(count)} | {
        PADDING[a]: low[a] for a in range(count)
    }
    return node.formula(source, weights=named, constants=constants)


def _transposed(node: Node, sizes: Shape, kernel: Shape) -> tuple[Shape, Shape]:
    """Sizes of the result, and how many pixels of it are cut off before its first."""
    count = len(sizes)
    strides, dilations = _each(node, "strides", count, 1), _each(node, "dilations", count, 1)
    more = node.wholes("output_padding") or [0] * count
    wanted = node.wholes("output_shape")
    pads = node.wholes("pads") or [0] * (2 * count)
    way = node.word("auto_pad", "NOTSET", WAYS)
    if len(more) != count or len(pads) != 2 * count or min(*more, *pads) < 0 or len(wanted or more) != count:
        raise ValueError(f"its pads, output_padding and output_shape are not numbers for {count} axes")
    extents = [a * (k - 1) + 1 for a, k in zip(dilations, kernel, strict=True)]
    whole = [s * (n - 1) + e + m for s, n, e, m in zip(strides, sizes, extents, more, strict=True)]
    if wanted is None and way.startswith("SAME"):
        wanted = [n * s for n, s in zip(sizes, strides, strict=True)]
    if wanted is None:
        cut = [0] * (2 * count) if way == "VALID" else pads
        low = cut[:count]
        outputs = [w - a - b for w, a, b in zip(whole, low, cut[count:], strict=True)]
    else:
        outputs = wanted
        total = [max(w - o, 0) for w, o in zip(whole, outputs, strict=True)]
        low = [t // 2 if way == "SAME_UPPER" else t - t // 2 for t in total]
    if min(outputs) < 1:
        raise ValueError(f"its result would have the sizes {outputs}")
    return tuple(outputs), tuple(low)


def max_pool(node: Node) -> Value:
    _, sizes = _spatial(node)
    at = windows(node, sizes, _kernel(node, sizes), ceil=node.flag("ceil_mode"))
    if at.flat and prod(at.dilations) == 1:
        return node.layer(MaxPool2D(at.kernel, at.strides, at.sides))
    _check_seen(at)
    count = len(sizes)
    source = f"y[n,c,{','.join(OUT[:count])}] = max[{','.join(WINDOW[:count])}] x[n, c, {at.places}]"
    return node.formula(source, constants=at.constants, padding=at.padding)


def average_pool(node: Node) -> Value:
    _, sizes = _spatial(node)
    at = windows(node, sizes, _kernel(node, sizes), ceil=node.flag("ceil_mode"))
    counted = node.flag("count_include_pad")
    if at.flat and prod(at.dilations) == 1 and not (counted and any(at.beyond)):
        padded = any(at.sides)
        return node.layer(
            AveragePool2D(at.kernel, at.strides, at.sides, count_include_pad=counted or not padded)
        )
    _check_seen(at)
    count = len(sizes)
    inner = ",".join(WINDOW[:count])
    if (counted and not any(at.beyond)) or not any(at.sides):
        value = f"mean[{inner}] x[n, c, {at.places}]"
    else:
        # A mean over what is counted: the image, and its padding but for what is beyond.
        seen = (
            f"(sum[{WINDOW[a]}] [{at.place(a)} < {sizes[a] + at.high[a]}])" if counted
            else f"(sum[{WINDOW[a]}] [0 <= {at.place(a)} < {sizes[a]}])"
            for a in at.axes
        )  # fmt: skip
        value = f"(sum[{inner}] x[n, c, {at.places}]) / ({' * '.join(seen)})"
    source = f"y[n,c,{','.join(OUT[:count])}] = {value}"
    return node.formula(source, constants=at.constants, padding=at.padding)


def _kernel(node: Node, sizes: Shape) -> Shape:
    if node.wholes("kernel_shape") is None:
        raise ValueError("its attribute 'kernel_shape' is missing")
    return _each(node, "kernel_shape", len(sizes), 1)


def _check_seen(at: Windows) -> None:
    """Raises a ValueError if a window sees nothing but padding."""
    for axis in at.axes:
        extent = at.dilations[axis] * (at.kernel[axis] - 1) + 1
        if at.low[axis] >= extent or at.high[axis] >= extent:
            raise ValueError(f"a window of {extent} pixels would see nothing but padding")


def global_pool(node: Node) -> Value:
    """The mean or maximum of each channel; what reads it sees one pixel."""
    data, sizes = _spatial(node)
    if node.op == "GlobalAveragePool" and len(sizes) == 2:
        found = node.layer(GlobalAveragePool2D())
    else:
        pixels = ",".join(OUT[: len(sizes)])
        how = "mean" if node.op == "GlobalAveragePool" else "max"
        found = node.formula(f"y[n,c] = {how}[{pixels}] x[n,c,{pixels}]")
    return node.assembly.reshaped(found, (data.shape[0], *(1 for _ in sizes)))


OPERATORS: Mapping[str, Callable[[Node], Value]] = {
    "AveragePool": average_pool, "Conv": conv, "ConvTranspose": conv_transpose,
    "GlobalAveragePool": global_pool, "GlobalMaxPool": global_pool, "MaxPool": max_pool,
}  # fmt: skip
