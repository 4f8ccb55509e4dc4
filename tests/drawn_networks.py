"""Networks drawn at random, seeded: every layer, option and shape of graph turns up among a few hundred."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

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
from tests.engine.custom_layers import CUSTOM

__all__ = ["draw_network"]

Shape = tuple[int, ...]


def draw_network(seed: int) -> Network:
    """A network of up to a dozen layers; branches, shared parameters and layers of one's own turn up."""
    random = Random(f"network {seed}")
    custom = random.choice([*CUSTOM]) if random.random() < 0.2 else None
    shape = CUSTOM[custom].small if custom else _image(random)
    drawn = _Drawn(random, shape)
    if custom:
        drawn.add(CUSTOM[custom].layer)
    for _ in range(random.randint(1, 5)):
        draw = random.choice((_window, _window, _window, _elementwise, _own, _branches))
        before = len(drawn.layers)
        for _ in range(5):  # options that do not fit are drawn again
            draw(drawn)
            if len(drawn.layers) > before:
                break
    return drawn.finished(seed)


class _Drawn:
    """A network that grows by whatever fits."""

    def __init__(self, random: Random, shape: Shape) -> None:
        self.random, self.input_shape = random, shape
        self.layers: list[Layer] = []

    @property
    def shape(self) -> Shape:
        return Network(self.layers, self.input_shape).output_shape if self.layers else self.input_shape

    @property
    def last(self) -> str:
        return Network(self.layers, self.input_shape).output if self.layers else "input"

    def add(self, *layers: Layer) -> bool:
        """Whether the layers fit, and became part of it."""
        try:
            network = Network([*self.layers, *layers], self.input_shape)
        except NetworkError:
            return False
        if max(network.output_shape) > 3000:
            return False
        self.layers += layers
        return True

    def finished(self, seed: int) -> Network:
        random = self.random
        if len(self.shape) == 3 and random.random() < 0.7:
            self.add(random.choice((Flatten("CHW"), Flatten("HWC"), GlobalAveragePool2D())))
        loss = None
        if len(self.shape) == 1:
            hidden = Dense(random.randint(2, 9), bias=random.random() < 0.7, name="hidden")
            self.add(hidden, random.choice((ReLU(), Tanh())))
            if random.random() < 0.3:
                self.add(Dense(self.shape[0], name="first"), Dense(self.shape[0], shares="first"))
            self.add(Dense(random.randint(2, 6)))
            loss = random.choice((SoftmaxCrossEntropy(), MeanSquaredError(), None))
            if loss is None:
                self.add(Softmax())
        return Network(self.layers or [ReLU()], self.input_shape, loss, name=f"drawn {seed}")


def _image(random: Random) -> Shape:
    return random.choice((1, 2, 3, 4)), random.randint(4, 11), random.randint(4, 11)


def _either(random: Random, low: int, high: int) -> int | tuple[int, int]:
    first, second = random.randint(low, high), random.randint(low, high)
    return first if random.random() < 0.5 else (first, second)


def _padding(random: Random, most: int) -> int | str | tuple[int, ...]:
    some = [random.randint(0, most) for _ in range(4)]
    return random.choice((0, some[0], (some[0], some[1]), tuple(some), "same", "valid"))


def _window(drawn: _Drawn) -> None:
    random = drawn.random
    kind = random.choice(("conv", "conv", "max", "average"))
    if kind == "conv":
        groups = random.choice((1, 1, 2, drawn.shape[0]))
        drawn.add(
            Conv2D(
                groups * random.randint(1, 3),
                _either(random, 1, 3),
                stride=_either(random, 1, 2),
                padding=_padding(random, 2),
                dilation=_either(random, 1, 2),
                groups=groups,
                bias=random.random() < 0.7,
                true_convolution=random.random() < 0.3,
            )
        )
        return
    window, stride = _either(random, 1, 3), random.choice((None, _either(random, 1, 3)))
    padding = _padding(random, 2)
    counted = random.random() < 0.5
    maximum = MaxPool2D(window, stride, padding)
    average = AveragePool2D(window, stride, padding, count_include_pad=counted)
    drawn.add(maximum if kind == "max" else average)


def _elementwise(drawn: _Drawn) -> None:
    random = drawn.random
    slope, rate = random.random(), random.random() * 0.8
    kinds: list[Callable[[], Layer]] = [ReLU, Sigmoid, Tanh, GELU, SiLU, Softmax]
    kinds += [lambda: LeakyReLU(slope), lambda: Dropout(rate)]
    drawn.add(random.choice(kinds)())


def _branches(drawn: _Drawn) -> None:
    """Two or three ways from one place to one sum."""
    random, start = drawn.random, drawn.last
    if len(drawn.shape) != 3:
        return
    number = sum(layer.name is not None for layer in drawn.layers)
    channels = drawn.shape[0]
    ways: list[Callable[[str], Layer]] = [
        lambda name: Conv2D(channels, 3, padding="same", name=name, inputs=(start,)),
        lambda name: SiLU(name=name, inputs=(start,)),
        lambda name: Tanh(name=name, inputs=(start,)),
        lambda name: MaxPool2D(3, 1, 1, name=name, inputs=(start,)),
    ]
    names = [f"way{number}_{way}" for way in range(random.randint(1, 3))]
    inputs = (*names, start) if len(names) == 1 or random.random() < 0.5 else tuple(names)
    drawn.add(*(random.choice(ways)(name) for name in names), Add(inputs=inputs))


def _own(drawn: _Drawn) -> None:
    if len(drawn.shape) == 3:
        drawn.add(drawn.random.choice(_OWN)(*drawn.shape))


def _formula(text: str, parameters: dict[str, Parameter] | None = None, **options: object) -> FormulaLayer:
    padding = options.pop("padding", {})
    return FormulaLayer(text, parameters=parameters or {}, constants=options, padding=padding)  # type: ignore[arg-type]


# Layers that nobody has a name for, or that only others have, for images of (C, H, W).
_OWN: tuple[Callable[[int, int, int], Layer], ...] = (
    lambda c, h, w: _formula(
        "y[n,c,i,j] = x[n,c,i,j] * sigmoid(beta[c] * x[n,c,i,j])", {"beta": Parameter(("c",), 1.0)}
    ),
    lambda c, h, w: _formula("y[n,c,i,j] = x[n,c,I - 1 - i,j] + x[n,c,i,J - 1 - j]", I=h, J=w),
    lambda c, h, w: _formula("y[n,c,i,j] = x[n,c,i//2,j//3]", I=2 * h, J=3 * w),
    lambda c, h, w: _formula("y[n,k,i,j] = x[n,k//4,2*i + k//2%2,2*j + k%2]", K=4 * c, I=h // 2, J=w // 2),
    lambda c, h, w: _formula("y[n,c,i,j] = sum[m : m <= j] x[n,c,i,m]", J=w),
    lambda c, h, w: _formula("y[n,c,i,j] = x[n,c,i,j] - mean[m] x[m,c,i,j]"),
    lambda c, h, w: _formula(
        "y[n,c,i,j] = max[u,v] (x[n,c,i + u - 1,j + v - 1] + w[u,v])",
        {"w": Parameter("u,v")},
        U=3,
        V=2,
        padding={"x": {2: 1, 3: 1}},
    ),
    lambda c, h, w: _formula(
        "t[n,c,i,j] = sum[r] x[n,c + r - 1,i,j]^2\ny[n,c,i,j] = x[n,c,i,j] / (2 + 0.5*t[n,c,i,j])^0.75",
        R=3,
        padding={"x": {1: 1}},
    ),
    lambda c, h, w: _formula(
        "y[n,k,h,l] = b[k] + sum[c,u,v : 2 | h - u and 2 | l - v] w[c,k,u,v]*x[n,c,(h - u)/2,(l - v)/2]",
        {"w": Parameter("c,k,u,v"), "b": Parameter("k", 0.1)},
        K=2,
        U=2,
        V=2,
        H=2 * h,
        L=2 * w,
    ),
    lambda c, h, w: _formula(
        "s[n,c] = mean[i,j] x[n,c,i,j]\ny[n,c,i,j] = x[n,c,i,j] * sigmoid(sum[d] w[c,d]*s[n,d])",
        {"w": Parameter("c,d")},
    ),
    lambda c, h, w: _formula("y[n,c,i,j] = where(i < j, x[n,c,i,j], 0.5*x[n,c,i,j] + i/I)", I=h),
    lambda c, h, w: _formula("y[n,c,i] = (max[j] x[n,c,i,j]) - (min[j] x[n,c,i,j])"),
    lambda c, h, w: _formula("y[n,c,i,j] = x[n,c,i,j] + 0.1*(argmax[u<2,v<2] x[n,c,i + u,j + v])"),
)
