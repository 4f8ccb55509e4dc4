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
    "Abs": "abs({x})", "Not": "1 - {x}", "Erf": "erf({x})", "Exp": "exp({x})", "Log": "log({x})",
    "Neg": "-{x}", "Reciprocal": "1 / {x}",
    "Softplus": "where({x} > 0, {x} + log(1 + exp(-maximum({x}, 0))), log(1 + exp(minimum({x}, 0))))",
    "Softsign": "{x} / (1 + abs({x}))", "Sqrt": "sqrt({x})",
}  # fmt: skip
BINARY: Mapping[str, str] = {
    "Add": "{a} + {b}", "Sub": "{a} - {b}", "Mul": "{a} * {b}", "Div": "{a} / {b}", "Pow": "{a}^{b}",
    "Max": "maximum({a}, {b})", "Min": "minimum({a}, {b})", "Sum": "{a} + {b}",
    "PRelu": "where({a} > 0, {a}, {b} * {a})",
    # Conditions are numbers too: 1 where they hold, 0 elsewhere.
    "Equal": "[{a} == {b}]", "Greater": "[{a} > {b}]", "GreaterOrEqual": "[{a} >= {b}]",
    "Less": "[{a} < {b}]", "LessOrEqual": "[{a} <= {b}]",
    "And": "{a} * {b}", "Or": "maximum({a}, {b})",
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
        result = _broadcast(node, BINARY[node.op], {"a": result, "b": _placed(node, value, result)})
    return result


def choice(node: Node) -> Value:
    """Where a condition holds one value, elsewhere another."""
    names = ("c", "a", "b")
    return _broadcast(node, "where({c} != 0, {a}, {b})", {n: node.value(i) for i, n in enumerate(names)})


def cast(node: Node) -> Value:
    """Between types of numbers, which are all the same to a network; but nothing is rounded."""
    kind = node.whole("to", 0) if node.op == "Cast" else 1
    node.optional(1)
    node.whole("saturate", 1)
    if kind not in (1, 10, 11):
        raise ValueError("it casts what depends on the image to a type other than floating-point numbers")
    return node.value(0)


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


def _broadcast(node: Node, pattern: str, values: Mapping[str, Value]) -> Data:
    """A function of elements, each read where its array has it."""
    ranks = {len(v.shape) for v in values.values() if isinstance(v, Data)}
    if node.assembly.images and len(ranks) > 1:
        raise ValueError("its inputs have different numbers of axes, so that images would not meet images")
    rank = max(ranks)
    shapes = {n: v.shape if isinstance(v, Data) else node.aligned(v, rank) for n, v in values.items()}
    shape = _common(*shapes.values())
    counted = {kind: sum(isinstance(v, kind) for v in values.values()) for kind in (Data, Known)}
    data: dict[str, Data] = {}
    weights: dict[str, tuple[str, Known, str]] = {}
    # Along these axes no image tells how many elements there are.
    held = _common(*(v.shape for v in values.values() if isinstance(v, Data)))
    held = (1,) * (len(shape) - len(held)) + held
    constants: dict[str, int | float] = {
        x.upper(): size for x, size, own in zip(letters(len(shape)), shape, held, strict=True) if own == 1
    }
    texts: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Data):
            word = "x" if counted[Data] == 1 else f"x{len(data) + 1}"
            data[word] = value
            texts[name] = f"{word}[{_index(shapes[name], shape)}]"
        elif value.array.size == 1 and node.op != "PRelu":
            texts[name] = "value" if counted[Known] == 1 else f"value_{name}"
            constants[texts[name]] = float(value.array.reshape(()))
        else:
            word = "w" if counted[Known] == 1 else f"w_{name}"
            axes = _axes(shapes[name], shape)
            default = WORDS.get(node.op, "weight") if counted[Known] == 1 else word
            weights[word] = (axes, replace(value, array=value.array.squeeze()), default)
            texts[name] = f"{word}[{axes}]" if axes else word
    target = ",".join(["n", *letters(len(shape))])
    return node.formula(f"y[{target}] = {pattern.format(**texts)}", data, weights, constants)


def _common(*shapes: Shape) -> Shape:
    """The shape to which all are broadcast."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"the shapes {', '.join(map(str, shapes))} do not fit together") from None


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
    "Cast": cast, "CastLike": cast, "Clip": clip, "Dropout": dropout, "Elu": elu, "Gelu": gelu,
    "HardSigmoid": hard_sigmoid, "Identity": identity, "LeakyRelu": leaky_relu, "Selu": selu, "Where": choice,
}  # fmt: skip
