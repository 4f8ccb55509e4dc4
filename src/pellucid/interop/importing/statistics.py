"""Sums over axes: means, normalisation, softmax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pellucid.interop.importing.node import Node, letters
from pellucid.interop.importing.values import Value
from pellucid.layers import GlobalAveragePool2D, Softmax

__all__ = ["OPERATORS"]

REDUCTIONS = {"ReduceMax": "max", "ReduceMean": "mean", "ReduceMin": "min", "ReduceSum": "sum"}
# From which version on the axes are an input and no attribute.
AXES_AS_INPUT = {"ReduceSum": 13}


def _read(rank: int) -> str:
    return ",".join(["n", *letters(rank)])


def reduction(node: Node) -> Value:
    data = node.data()
    rank, images = node.rank(data), node.assembly.images
    given = node.whole_numbers(1) if node.opset >= AXES_AS_INPUT.get(node.op, 18) else node.wholes("axes")
    keep, untouched = node.flag("keepdims", default=True), node.flag("noop_with_empty_axes")
    if not given and untouched:
        return data
    axes = sorted({node.axis(a, rank) for a in given or range(rank)})
    kept = [i for i in range(len(data.shape)) if i not in axes]
    if REDUCTIONS[node.op] == "mean" and images and len(data.shape) == 3 and axes == [1, 2]:
        found = node.layer(GlobalAveragePool2D())
    else:
        named = letters(len(data.shape))
        target, over = ",".join(["n", *(named[i] for i in kept)]), ",".join(named[i] for i in axes)
        found = node.formula(
            f"y[{target}] = {REDUCTIONS[node.op]}[{over}] x[{_read(len(named))}]", {"x": data}
        )
    shape = tuple(1 if i in axes else n for i, n in enumerate(data.shape)) if keep else found.shape
    return node.assembly.reshaped(found, shape)


def batch_normalization(node: Node) -> Value:
    """In use, not in training: an affine function of each channel.

    Its statistics are constants of the file, and so it is ``weight * x + bias``, with both worked out here.
    """
    data, epsilon = node.data(), node.real("epsilon", 1e-5)
    if node.flag("training_mode") or not node.flag("is_test", default=True) or node.gives_more:
        raise ValueError("it is meant for training: its statistics would depend on all images of a batch")
    scale, bias, mean, variance = (node.known(place) for place in (1, 2, 3, 4))
    channels = data.shape[:1]
    if (
        not node.assembly.images
        or not channels
        or any(k.array.shape != channels for k in (scale, bias, mean, variance))
    ):
        raise ValueError(f"its arrays do not have a number for each of the channels, {channels or 'none'}")
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance.array.astype(np.float64) + epsilon)
        factor = scale.array / deviation
        shift = bias.array - mean.array * factor
    if not (np.isfinite(factor).all() and np.isfinite(shift).all()):
        raise ValueError("its statistics give numbers that are not finite")
    read = _read(len(data.shape))
    channel = letters(len(data.shape))[0]
    weights = {
        "w": (channel, replace(scale, array=factor), "weight"),
        "b": (channel, replace(bias, array=shift), "bias"),
    }
    return node.formula(f"y[{read}] = w[{channel}] * x[{read}] + b[{channel}]", weights=weights)


def instance_normalization(node: Node) -> Value:
    data = node.data()
    rank = len(data.shape)
    if rank < 2 or not node.assembly.images:
        raise ValueError("it takes images (N, C, ...)")
    read, pixels = _read(rank), ",".join(letters(rank)[1:])
    source = f"""
        m[n,c] = mean[{pixels}] x[{read}]
        v[n,c] = mean[{pixels}] (x[{read}] - m[n,c])^2
        y[{read}] = w[c] * (x[{read}] - m[n,c]) / sqrt(v[n,c] + epsilon) + b[c]"""
    weights = {"w": ("c", node.known(1), "weight"), "b": ("c", node.known(2), "bias")}
    return node.formula(source, weights=weights, constants={"epsilon": node.real("epsilon", 1e-5)})


def local_response(node: Node) -> Value:
    """LRN: divided by a power of the sum of squares over neighbouring channels."""
    data, size = node.data(), node.whole("size", 0)
    rank = len(data.shape)
    if size < 1 or rank < 1 or not node.assembly.images:
        raise ValueError("it takes images (N, C, ...) and a size of at least 1")
    names, read = letters(rank), _read(rank)
    c, rest = names[0], "".join(f",{x}" for x in names[1:])
    source = f"""
        t[{read}] = sum[u] x[n,{c} + u - p{rest}]^2
        y[{read}] = x[{read}] / (bias + alpha / {size} * t[{read}])^beta"""
    constants = {
        "alpha": node.real("alpha", 1e-4),
        "beta": node.real("beta", 0.75),
        "bias": node.real("bias", 1.0),
    }
    return node.formula(
        source, constants={**constants, "U": size, "p": (size - 1) // 2},
        padding={"x": {1: ((size - 1) // 2, size // 2)}},
    )  # fmt: skip


def softmax(node: Node) -> Value:
    """Softmax or its logarithm; versions before 13 take all axes from the one that is named."""
    data = node.data()
    rank = node.rank(data)
    first = node.axis(node.whole("axis", -1 if node.opset >= 13 else 1), rank)
    axes = [first] if node.opset >= 13 else list(range(first, len(data.shape)))
    logarithm = node.op == "LogSoftmax"
    if axes == [0] and node.assembly.images and not logarithm and len(data.shape) <= 3:
        return node.layer(Softmax())
    named, read = letters(len(data.shape)), _read(len(data.shape))
    over = ",".join(named[a] for a in axes)
    fixed = ",".join(["n", *(x for i, x in enumerate(named) if i not in axes)])
    result = f"x[{read}] - m[{fixed}] - log(t[{fixed}])" if logarithm else f"z[{read}] / t[{fixed}]"
    return node.formula(f"""
        shift m[{fixed}] = max[{over}] x[{read}]
        z[{read}] = exp(x[{read}] - m[{fixed}])
        t[{fixed}] = sum[{over}] z[{read}]
        y[{read}] = {result}""")


OPERATORS: Mapping[str, Callable[[Node], Value]] = {
    **dict.fromkeys(REDUCTIONS, reduction),
    "BatchNormalization": batch_normalization, "InstanceNormalization": instance_normalization,
    "LRN": local_response, "LogSoftmax": softmax, "Softmax": softmax,
}  # fmt: skip
