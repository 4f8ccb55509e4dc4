"""Matrix products: Gemm and MatMul."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pellucid.interop.importing.node import Node, letters
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
    b = node.known(2) if node.optional(2) is not None else None
    if node.rank(data) != 2 or w.array.ndim != 2:
        raise ValueError(f"it takes two matrices, not arrays of {node.rank(data)} and {w.array.ndim} axes")
    weight = w if second else _turned(w)
    units = weight.array.shape[0]
    if node.assembly.images and first:
        raise ValueError("it sums over the images; each image must be by itself")
    if node.assembly.images and alpha == beta == 1:
        bias = None if b is None else replace(b, array=np.broadcast_to(_row(node, b), (units,)))
        return _dense(node, data, weight, bias)
    rows = "" if node.assembly.images else "i,"
    read = "d,i" if first else f"{rows}d"
    text, weights = "alpha * sum[d] w[k,d] * x[n,{read}]", {"w": ("k,d", weight, "weight")}
    if b is not None:
        shape = node.aligned(b, 1 if node.assembly.images else 2)
        axes = [x for x, size in zip(("i", "k")[2 - len(shape) :], shape, strict=True) if size > 1]
        weights["b"] = (",".join(axes), replace(b, array=b.array.squeeze()), "bias")
        text += f" + beta * b[{','.join(axes)}]" if axes else " + beta * b"
    constants = {"alpha": alpha, "K": units} | ({"beta": beta} if b is not None else {})
    return node.formula(f"y[n,{rows}k] = {text.format(read=read)}", weights=weights, constants=constants)


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
    images = node.assembly.images
    if (isinstance(a, Known) and images and a.array.ndim > 1) or _rank(node, a) == 0 or _rank(node, b) == 0:
        raise ValueError("it works along the images' axis; each image must be by itself")
    if isinstance(b, Data) and images and len(b.shape) < 2:
        raise ValueError("it works along the images' axis; each image must be by itself")
    if isinstance(a, Data) and isinstance(b, Data) and images and len(a.shape) != len(b.shape):
        raise ValueError("its inputs have different numbers of axes, so that images would not meet images")
    one, other = list(_shape(node, a)), list(_shape(node, b))
    rows = [one[-2]] if len(one) > 1 else []
    columns = [other[-1]] if len(other) > 1 else []
    before = np.broadcast_shapes(tuple(one[:-2]), tuple(other[:-2]))
    batch = letters(len(before) + 2)[: len(before)] if before else []
    row, column = ["r"] * len(rows), ["k"] * len(columns)

    def read(value: Value, name: str, own: list[int], last: list[str]) -> str:
        axes = [
            x if size > 1 or full == 1 else "0"
            for x, size, full in zip(
                batch[len(batch) - len(own[:-2]) :],
                own[:-2],
                before[len(before) - len(own[:-2]) :],
                strict=True,
            )
        ]
        return f"{name}[{','.join((['n'] if isinstance(value, Data) else []) + axes + last)}]"

    data: dict[str, Data] = {}
    weights: dict[str, tuple[str, Known, str]] = {}
    texts = []
    for value, own, last, word in ((a, one, [*row, "d"], "x1"), (b, other, ["d", *column], "x2")):
        if isinstance(value, Data):
            data[word] = value
            texts.append(read(value, word, own, last))
        else:
            known = replace(value, array=value.array.reshape(own))
            text = read(value, "w", own, last)
            weights["w"] = (text[2:-1], known, "weight")
            texts.append(text)
    target = ",".join(["n", *batch, *row, *column])
    tail = ""
    if bias is not None:
        if not columns or bias.array.size != columns[0]:
            raise ValueError(f"a bias of {bias.array.size} elements does not fit {columns or 'a vector'}")
        weights["b"] = ("k", replace(bias, array=bias.array.reshape(-1)), "bias")
        tail = " + b[k]"
    sizes = {x.upper(): n for x, n in zip((*batch, *row, *column), (*before, *rows, *columns), strict=True)}
    return node.formula(
        f"y[{target}] = sum[d] {' * '.join(texts)}{tail}", data, weights, {**sizes, "D": one[-1]}
    )


def _shape(node: Node, value: Value) -> tuple[int, ...]:
    if isinstance(value, Data):
        return value.shape
    shape = value.array.shape
    return shape[1:] if node.assembly.images and len(shape) > 2 and shape[0] == 1 else shape


def _rank(node: Node, value: Value) -> int:
    return len(_shape(node, value))


OPERATORS: Mapping[str, Callable[[Node], Value]] = {"Gemm": gemm, "MatMul": matmul}
