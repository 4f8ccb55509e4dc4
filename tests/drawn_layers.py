"""Layers with random options, seeded: every layer and every option turns up among a few hundred."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from pellucid.errors import GeometryError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from pellucid.layers import (
    GELU,
    Add,
    AveragePool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)

__all__ = ["draw_layer"]

Shapes = dict[str, tuple[int, ...]]


def draw_layer(seed: int) -> tuple[str, Formula, Shapes]:
    """A layer's or loss's name, its formula, and shapes of its operands (parameters follow from them)."""
    random = Random(f"layer {seed}")
    while True:
        try:
            name, formula, shapes = random.choice(_DRAWS)(random)
            solve(formula, shapes)
            return name, formula, shapes
        except GeometryError:  # options that do not fit together are drawn again
            continue


def _image(random: Random, channels: int | None = None) -> tuple[int, ...]:
    c = channels or random.randint(1, 4)
    return random.randint(1, 3), c, random.randint(3, 8), random.randint(3, 8)


def _either(random: Random, low: int, high: int) -> int | tuple[int, int]:
    first, second = random.randint(low, high), random.randint(low, high)
    return first if random.random() < 0.5 else (first, second)


def _padding(random: Random, most: int) -> int | str | tuple[int, ...]:
    kind = random.randrange(5)
    if kind < 2:
        return ("same", "valid")[kind]
    count = (1, 2, 4)[kind - 2]
    amounts = tuple(random.randint(0, most) for _ in range(count))
    return amounts[0] if count == 1 else amounts


def _layer(layer: Layer, *shapes: tuple[int, ...], training: bool = False) -> tuple[str, Formula, Shapes]:
    given = dict(zip(layer.operands, shapes, strict=True))
    masks = dict.fromkeys(layer.noise if training else {}, shapes[0])
    return type(layer).__name__, layer.formula(shapes, training=training), given | masks


def _conv(random: Random) -> tuple[str, Formula, Shapes]:
    groups = random.choice((1, 1, 2, 3))
    shape = _image(random, groups * random.randint(1, 2))
    layer = Conv2D(
        groups * random.randint(1, 3),
        _either(random, 1, 3),
        stride=_either(random, 1, 3),
        padding=_padding(random, 2),
        dilation=_either(random, 1, 2),
        groups=groups,
        bias=random.random() < 0.7,
        true_convolution=random.random() < 0.3,
    )
    return _layer(layer, shape)


def _pool(random: Random) -> tuple[str, Formula, Shapes]:
    stride = random.choice((None, _either(random, 1, 3)))
    window, padding = _either(random, 2, 3), _padding(random, 1)
    if random.random() < 0.5:
        return _layer(MaxPool2D(window, stride, padding), _image(random))
    counted = random.random() < 0.5
    return _layer(AveragePool2D(window, stride, padding, count_include_pad=counted), _image(random))


def _dense(random: Random) -> tuple[str, Formula, Shapes]:
    layer = Dense(random.randint(1, 6), bias=random.random() < 0.7)
    return _layer(layer, (random.randint(1, 4), random.randint(1, 9)))


def _elementwise(random: Random) -> tuple[str, Formula, Shapes]:
    slope = random.random()
    kinds: list[Callable[[], Layer]] = [ReLU, Sigmoid, Tanh, GELU, SiLU, Softmax, lambda: LeakyReLU(slope)]
    shape = random.choice((_image(random), (random.randint(1, 4), random.randint(1, 7))))
    return _layer(random.choice(kinds)(), shape)


def _other(random: Random) -> tuple[str, Formula, Shapes]:
    shape = _image(random)
    kind = random.randrange(4)
    if kind == 0:
        return _layer(Flatten(random.choice(("CHW", "HWC"))), shape)
    if kind == 1:
        return _layer(GlobalAveragePool2D(), shape)
    if kind == 2:
        return _layer(Dropout(random.random() * 0.8), shape, training=True)
    inputs = tuple(f"a{i}" for i in range(random.randint(2, 4)))
    return _layer(Add(inputs=inputs), *(shape for _ in inputs))


def _loss(random: Random) -> tuple[str, Formula, Shapes]:
    shape, weighted = (random.randint(1, 4), random.randint(2, 6)), random.random() < 0.5
    loss = random.choice((MeanSquaredError(), SoftmaxCrossEntropy(random.choice((0.0, 0.1)))))
    given: Shapes = {"x": shape, "y": shape}
    if weighted:
        given["weight"] = shape[:1]
    return type(loss).__name__, loss.formula(shape, weighted=weighted), given


_DRAWS = (_conv, _conv, _pool, _pool, _dense, _elementwise, _other, _loss)
