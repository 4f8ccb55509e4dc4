"""Matrix products: Gemm and MatMul."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pellucid.formula.ranges import Shape
from pellucid.interop.importing.node import Node
from pellucid.interop.importing.values import Data, Known, Value
from pellucid.layers import Dense

__all__ = ["OPERATORS"]


def gemm(node: Node) -> Value:
    """``alpha * A B + beta * C``; a `Dense` layer where A holds rows of features, and nothing is scaled."""
    alpha, beta = node.real("alpha", 1.0), node.real("beta", 1.0)
    first, second = node.flag("transA"), node.flag("transB")
    if node.opset < 7:
        node.flag("broadcast")
    data, w = node.data(), node.known(1)
    b = node.optional(2)
    if node.rank(data) != 2 or w.array.ndim != 2:
        raise ValueError(f"it takes two matrices, not arrays of {node.rank(data)} and {w.array.ndim} axes")
    weight = w if second else _turned(w)
    units = weight.array.shape[0]
    if node.assembly.images and first:
        raise ValueError("it sums over the images; each image must be by itself")
    if node.assembly.images and alpha == beta == 1 and not isinstance(b, Data):
        bias = None if b is None else replace(b, array=np.broadcast_to(_row(node, b), (units,)))
        return _dense(node, data, weight, bias)
    rows = "" if node.assembly.images else "i,"
    read = "d,i" if first else f"{rows}d"
    text, weights = f"alpha * sum[d] w[k,d] * x[n,{read}]", {"w": ("k,d", weight, "weight")}
    inputs = {"x": data}
    if isinstance(b, Data):
        inputs["z"] = b
        text += f" + beta * z[n,{rows}k]"
    elif b is not None:
        shape = node.aligned(b, 1 if node.assembly.images else 2)
        axes = [x for x, size in zip(("i", "k")[2 - len(shape) :], shape, strict=True) if size > 1]
        weights["b"] = (",".join(axes), replace(b, array=b.array.squeeze()), "bias")
        text += f" + beta * b[{','.join(axes)}]" if axes else " + beta * b"
    constants = {"alpha": alpha, "K": units} | ({"beta": beta} if b is not None else {})
    return node.formula(f"y[n,{rows}k] = {text}", inputs, weights, constants)


def _row(node: Node, bias: Known) -> np.ndarray:
    shape = node.aligned(bias, 1)
    return bias.array.reshape(shape)


def matmul(node: Node) -> Value:
    """NumPy's matmul; a third input, which a following Add gave, is a bias."""
    a, b = node.value(0), node.value(1)
    bias = node.known(2) if node.optional(2) is not None else None
    plain = isinstance(a, Data) and len(a.shape) == node.assembly.images == 1
    if plain and isinstance(a, Data) and isinstance(b, Known) and b.array.ndim == 2:
        return _dense(node, a, _turned(b), bias)
    return _product(node, a, b, bias)


def _dense(node: Node, data: Data, weight: Known, bias: Known | None) -> Data:
    units, features = weight.array.shape
    if (features,) != data.shape:
        raise ValueError(f"{data.shape[0]} features do not fit a matrix for {features}")
    weights = {"w": weight} | ({"b": bias} if bias is not None else {})
    return node.layer(Dense(units, bias=bias is not None), [data], weights)


def _turned(matrix: Known) -> Known:
    return replace(matrix, array=np.ascontiguousarray(matrix.array.T))


def _product(node: Node, a: Value, b: Value, bias: Known | None) -> Data:
    """Sums over the last axis of the one and the last but one of the other, the axes before them matched."""
    one, other = _extents(node, a, b)
    before = np.broadcast_shapes(one[:-2], other[:-2])
    rows, columns = one[-2:-1], other[1:][-1:]
    names = [*"cfghij"][: len(before) + len(rows)]
    named = dict(zip(names, (*before, *rows), strict=True)) | dict.fromkeys("k" * len(columns), other[-1])
    data: dict[str, Data] = {}
    weights: dict[str, tuple[str, Known, str]] = {}
    factors = []
    for value, own, last in ((a, one, [*names[len(before) :], "d"]), (b, other, ["d", *"k" * len(columns)])):
        batch = list(zip(names[len(before) - len(own[:-2]) : len(before)], own[:-2], strict=True))
        if isinstance(value, Data):
            word = f"x{1 + len(data)}"
            data[word] = value
            factors.append(
                f"{word}[{','.join(['n', *(x if size == named[x] else '0' for x, size in batch), *last])}]"
            )
        else:
            kept = [x for x, size in batch if size > 1]
            array = value.array.reshape([*(named[x] for x in kept), *own[-2:]])
            weights["w"] = (",".join([*kept, *last]), replace(value, array=array), "weight")
            factors.append(f"w[{','.join([*kept, *last])}]")
    if bias is not None:
        if bias.array.size != named.get("k"):
            raise ValueError(f"a bias of {bias.array.size} elements does not fit an array of shape {other}")
        weights["b"] = ("k", replace(bias, array=bias.array.reshape(-1)), "bias")
    tail = " + b[k]" if bias is not None else ""
    source = f"y[{','.join(['n', *named])}] = sum[d] {' * '.join(factors)}{tail}"
    return node.formula(
        source, data, weights, {x.upper(): size for x, size in named.items()} | {"D": one[-1]}
    )


def _extents(node: Node, a: Value, b: Value) -> tuple[Shape, Shape]:
    """The shapes of both for one image, once it is sure that images meet only themselves."""
    images = node.assembly.images
    ranks = [len(v.shape) + images if isinstance(v, Data) else v.array.ndim for v in (a, b)]
    whole = max(ranks)
    shapes: list[Shape] = []
    for place, (value, rank) in enumerate(zip((a, b), ranks, strict=True)):
        if isinstance(value, Data):
            # The images' axis is the first of all; among matrices it can only be the rows' of the left one.
            apart = not images or (rank == whole and (whole > 2 or place == 0))
            shapes.append(value.shape)
        else:
            beside = bool(images) and rank == whole > 2
            apart = not beside or value.array.shape[0] == 1
            shapes.append(value.array.shape[1:] if beside else value.array.shape)
        if not apart:
            raise ValueError("it works along the images' axis; each image must be by itself")
    one, other = shapes
    if not one or not other or one[-1] != other[-2:][0]:
        raise ValueError(f"arrays of shapes {one} and {other} cannot be multiplied")
    return one, other


OPERATORS: Mapping[str, Callable[[Node], Value]] = {"Gemm": gemm, "MatMul": matmul}
