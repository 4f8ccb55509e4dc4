"""Functions of single elements, and arithmetic of two or more arrays with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pellucid.formula.ranges import Shape
from pellucid.interop.importing.node import Node, letters
from pellucid.interop.importing.values import Data, Known, Value
from pellucid.layers import GELU, Add, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, Tanh

__all__ = ["OPERATORS"]

# One element of the result from elements of the operands.
UNARY: Mapping[str, str] = {
    "Abs": "abs({x})", "Erf": "erf({x})", "Exp": "exp({x})", "Log": "log({x})", "Neg": "-{x}",
    "Reciprocal": "1 / {x}", "Softplus": "maximum({x}, 0) + log(1 + exp(-abs({x})))",
    "Softsign": "{x} / (1 + abs({x}))", "Sqrt": "sqrt({x})",
}  # fmt: skip
BINARY: Mapping[str, str] = {
    "Add": "{a} + {b}", "Sub": "{a} - {b}", "Mul": "{a} * {b}", "Div": "{a} / {b}", "Pow": "{a}^{b}",
    "Max": "maximum({a}, {b})", "Min": "minimum({a}, {b})", "Sum": "{a} + {b}",
    "PRelu": "where({a} > 0, {a}, {b} * {a})",
}  # fmt: skip
# What an array is called that the file does not name.
WORDS = {"Add": "bias", "Sub": "bias", "Sum": "bias", "PRelu": "slope"}
LAYERS: Mapping[str, type[Layer]] = {"Relu": ReLU, "Sigmoid": Sigmoid, "Tanh": Tanh}


def unary(node: Node) -> Value:
    return node.formula(f"y[...] = {UNARY[node.op].format(x='x[...]')}")


def plain_layer(node: Node) -> Value:
    return node.layer(LAYERS[node.op]())


def leaky_relu(node: Node) -> Value:
    return node.layer(LeakyReLU(node.real("alpha", 0.01)))


def elu(node: Node) -> Value:
    # The exponential of what is not chosen stays finite.
    source = "y[...] = where(x[...] > 0, x[...], alpha * (exp(minimum(x[...], 0)) - 1))"
    return node.formula(source, constants={"alpha": node.real("alpha", 1.0)})


def selu(node: Node) -> Value:
    source = "y[...] = gamma * where(x[...] > 0, x[...], alpha * (exp(minimum(x[...], 0)) - 1))"
    alpha, gamma = (
        node.real("alpha", 1.67326319217681884765625),
        node.real("gamma", 1.05070102214813232421875),
    )
    return node.formula(source, constants={"alpha": alpha, "gamma": gamma})


def hard_sigmoid(node: Node) -> Value:
    source = "y[...] = maximum(0, minimum(1, alpha * x[...] + beta))"
    return node.formula(source, constants={"alpha": node.real("alpha", 0.2), "beta": node.real("beta", 0.5)})


def gelu(node: Node) -> Value:
    if node.word("approximate", "none", ("none", "tanh")) == "none":
        return node.layer(GELU())
    inner = "sqrt(2 / pi) * (x[...] + 0.044715 * x[...]^3)"
    return node.formula(f"y[...] = x[...] / 2 * (1 + tanh({inner}))")


def clip(node: Node) -> Value:
    old = node.opset < 11
    low = node.bound("min") if old else node.number(1)
    high = node.bound("max") if old else node.number(2)
    text = "x[...]" if low is None else "maximum(x[...], low)"
    text = text if high is None else f"minimum({text}, high)"
    given = {"low": low, "high": high}
    return node.formula(f"y[...] = {text}", constants={k: v for k, v in given.items() if v is not None})


def dropout(node: Node) -> Value:
    ratio = node.number(1) if node.opset >= 12 else node.real("ratio", 0.5)
    at_work = node.number(2) if node.opset >= 12 else float(not node.flag("is_test", default=True))
    if at_work and ratio != 0:
        raise ValueError("it drops elements out at random also after training, which is not supported")
    rate = 0.5 if ratio is None else ratio
    return node.layer(Dropout(rate)) if rate else node.value(0)


def identity(node: Node) -> Value:
    return node.value(0)


def arithmetic(node: Node) -> Value:
    """Two operands or, for some operators, any number."""
    several = node.op in ("Max", "Min", "Sum")
    values = [node.value(place) for place in range(len(node.values) if several else 2)]
    data = [v for v in values if isinstance(v, Data)]
    if node.op in ("Add", "Sum") and 1 < len(values) == len(data) and len({d.shape for d in data}) == 1:
        return node.layer(Add(inputs=tuple(d.layer for d in data)), data)
    result = values[0]
    for value in values[1:]:
        result = _broadcast(node, BINARY[node.op], result, _placed(node, value, result))
    return result


def _placed(node: Node, value: Value, beside: Value) -> Value:
    """The second operand with its axes at the end, where versions before 7 named their place."""
    if node.opset >= 7:
        return value
    node.flag("broadcast")
    node.whole("axis", 0)
    rank = node.rank(beside) if isinstance(beside, Data) else beside.array.ndim
    if not isinstance(value, Known) or value.array.ndim in (0, rank):
        return value
    first = node.whole("axis", 1 if node.op == "PRelu" else rank - value.array.ndim)
    if node.op == "PRelu" and value.array.size == 1:
        return value
    missing = rank - first - value.array.ndim
    if first < 0 or missing < 0:
        raise ValueError(f"an array of shape {value.array.shape} has no place at axis {first} of {rank}")
    return replace(value, array=value.array.reshape(value.array.shape + (1,) * missing))


def _broadcast(node: Node, pattern: str, a: Value, b: Value) -> Data:
    """A function of two elements, each read where its array has it."""
    data = {name: v for name, v in (("x1", a), ("x2", b)) if isinstance(v, Data)}
    ranks = {len(d.shape) for d in data.values()}
    if node.assembly.images and len(ranks) > 1:
        raise ValueError("its inputs have different numbers of axes, so that images would not meet images")
    rank = max(ranks)
    shapes = [v.shape if isinstance(v, Data) else node.aligned(v, rank) for v in (a, b)]
    shape = _common(*shapes)
    text, weights, constants = [], {}, {}
    for value, own, word in ((a, shapes[0], "x1"), (b, shapes[1], "x2")):
        if isinstance(value, Data):
            text.append(f"{word}[{_index(own, shape)}]")
        elif value.array.size == 1 and node.op != "PRelu":
            constants["value"] = float(value.array.reshape(()))
            text.append("value")
        else:
            axes = _axes(own, shape)
            weights["w"] = (axes, replace(value, array=value.array.squeeze()), WORDS.get(node.op, "weight"))
            text.append(f"w[{axes}]" if axes else "w")
    if len(data) == 1:
        (word,) = data
        text = [part.replace(word, "x") for part in text]
        data = {"x": data[word]}
    target = ",".join(["n", *letters(len(shape))])
    sizes = {x.upper(): size for x, size in zip(letters(len(shape)), shape, strict=True) if size == 1}
    source = f"y[{target}] = {pattern.format(a=text[0], b=text[1])}"
    return node.formula(source, data, weights, constants | sizes)


def _common(a: Shape, b: Shape) -> Shape:
    """The shape to which two are broadcast."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise ValueError(f"the shapes {a} and {b} do not fit together") from None


def _index(own: Shape, shape: Shape) -> str:
    """The indices at which an array is read: 0 along an axis with a single element, where there are more."""
    named = zip(
        own, shape[len(shape) - len(own) :], letters(len(shape))[len(shape) - len(own) :], strict=True
    )
    return ",".join(["n", *("0" if mine < size else letter for mine, size, letter in named)])


def _axes(own: Shape, shape: Shape) -> str:
    """The letters of an array's axes that have more than one element."""
    return ",".join(
        x for x, size in zip(letters(len(shape))[len(shape) - len(own) :], own, strict=True) if size > 1
    )


OPERATORS: Mapping[str, Callable[[Node], Value]] = {
    **dict.fromkeys(UNARY, unary), **dict.fromkeys(BINARY, arithmetic), **dict.fromkeys(LAYERS, plain_layer),
    "Clip": clip, "Dropout": dropout, "Elu": elu, "Gelu": gelu, "HardSigmoid": hard_sigmoid,
    "Identity": identity, "LeakyRelu": leaky_relu, "Selu": selu,
}  # fmt: skip
