"""Networks drawn at random, for Hypothesis: layers of every kind with options of every kind."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pellucid.errors import NetworkError
from pellucid.layers import (
    GELU,
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    FormulaLayer,
    GlobalAveragePool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    Parameter,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)
from pellucid.network import Network

__all__ = ["networks"]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SIDES = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))
PADDINGS = st.one_of(
    st.integers(0, 2),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.tuples(*[st.integers(0, 2)] * 4),
    st.sampled_from(["same", "valid"]),
)
NUMBERS = st.floats(-1e9, 1e9).map(lambda value: value + 0.0)


@st.composite
def formula_layers(draw: st.DrawFn) -> FormulaLayer:
    comment = draw(TEXT).replace("\n", "\n# ")
    axes = draw(st.sampled_from(["c", "c,i,j", ("c",), ("j", "i")]))
    letters = axes if isinstance(axes, str) else ",".join(axes)
    offset = draw(st.integers(0, 2))
    return FormulaLayer(
        f"# {comment}\ny[n,c,i,j] = a[{letters}] * x[n,c,i + s - p,j] * t + t",
        parameters={
            "a": Parameter(axes, draw(st.one_of(NUMBERS, st.sampled_from(["auto", "he", "glorot"]))))
        },
        constants={"s": offset, "p": offset, "t": draw(NUMBERS)},
        padding={"x": {2: draw(st.sampled_from([0, (0, 0)]))}},
    )


@st.composite
def image_layers(draw: st.DrawFn) -> Layer:
    kind = draw(st.sampled_from(["conv", "pool", "average", "formula", "plain"]))
    if kind == "conv":
        groups = draw(st.integers(1, 2))
        return Conv2D(
            2 * draw(st.integers(1, 3)),
            draw(SIDES),
            stride=draw(SIDES),
            padding=draw(PADDINGS),
            dilation=draw(SIDES),
            groups=groups,
            bias=draw(st.booleans()),
            true_convolution=draw(st.booleans()),
        )
    pool: dict[str, Any] = {"stride": draw(st.one_of(st.none(), SIDES)), "padding": draw(PADDINGS)}
    if kind == "pool":
        return MaxPool2D(draw(SIDES), **pool)
    if kind == "average":
        return AveragePool2D(draw(SIDES), **pool, count_include_pad=draw(st.booleans()))
    return draw(formula_layers()) if kind == "formula" else draw(plain_layers())


def plain_layers() -> st.SearchStrategy[Layer]:
    return st.one_of(
        st.sampled_from([GELU(), ReLU(), Sigmoid(), SiLU(), Softmax(), Tanh()]),
        st.floats(0, 0.99).map(Dropout),
        st.floats(-10, 10).map(LeakyReLU),
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A chain of layers that fit, with a sum of branches and shared parameters now and then."""
    shape = (2 * draw(st.integers(1, 2)), draw(st.integers(4, 12)), draw(st.integers(4, 12)))
    name = draw(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20))
    layers: list[Layer] = [ReLU(name="begin")]
    for layer in draw(st.lists(image_layers(), max_size=4)):
        try:
            Network([*layers, layer], shape)
        except NetworkError:
            continue
        layers.append(layer)
    if draw(st.booleans()):
        before = Network(layers, shape).output
        layers += [SiLU(name="left", inputs=(before,)), Tanh(name="right", inputs=(before,))]
        layers += [Add(inputs=("left", "right"))]
    if draw(st.booleans()):
        layers += [draw(st.sampled_from([Flatten("CHW"), Flatten("HWC"), GlobalAveragePool2D()]))]
        layers += [Dense(3, bias=draw(st.booleans())), Dense(3, name="d"), Dense(3, shares="d")]
        loss = draw(st.sampled_from([None, SoftmaxCrossEntropy(), SoftmaxCrossEntropy(label_smoothing=0.1)]))
    else:
        loss = draw(st.sampled_from([None, MeanSquaredError()]))
    return Network(layers, shape, loss, name=name)
