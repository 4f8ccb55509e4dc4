"""One table of awkward cases for each layer and loss; a layer without a row fails the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    Loss,
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

__all__ = ["ROWS", "Row", "cases"]


@dataclass(frozen=True)
class Row:
    """A small network around one layer or loss, and the shape of what it reads, without N."""

    layers: Sequence[Layer]
    shape: tuple[int, ...]
    loss: Loss | None = None

    def network(self) -> Network:
        return Network(list(self.layers), self.shape, self.loss)


def row(layer: Layer, *shape: int) -> Row:
    return Row([layer], shape)


def joined(shape: tuple[int, ...], count: int) -> Row:
    """Branches that are added up, one of them the input itself."""
    names = [f"b{n}" for n in range(count - 1)]
    branches = [Tanh(name=name, inputs=("input",)) for name in names]
    return Row([*branches, Add(inputs=(*names, "input"))], shape)


SPATIAL = ((2, 5, 4), (1, 1, 6), (3, 1, 1))
ELEMENTWISE = (*SPATIAL, (7,), (1,))

GATED = FormulaLayer(
    """
    z[n,k,i,j] = sum[c] g[k,c] * x[n,c,i,j]
    y[n,k,i,j] = sigmoid(z[n,k,i,j]) * (sum[c] w[k,c] * x[n,c,i,j])
    """,
    parameters={"g": Parameter("k,c"), "w": Parameter("k,c")},
    constants={"K": 3},
)
LOCAL_RESPONSE = FormulaLayer(
    "t[n,c,i,j] = sum[r] x[n,c + r - p,i,j]^2; y[n,c,i,j] = x[n,c,i,j] * (k + a * t[n,c,i,j])^(-3/4)",
    constants={"R": 3, "p": 1, "k": 2.0, "a": 0.5},
    padding={"x": {1: 1}},
)
MAXOUT = FormulaLayer(
    "y[n,k] = max[m] (b[k,m] + sum[d] w[k,m,d] * x[n,d])",
    parameters={"b": Parameter("k,m", 0.1), "w": Parameter("k,m,d")},
    constants={"K": 3, "M": 2},
)
ROOT_POOL = FormulaLayer(
    "y[n,c,i,j] = sqrt(e + sum[u,v] x[n,c,s*i + u,s*j + v]^2)", constants={"U": 2, "V": 2, "s": 2, "e": 0.1}
)
LOCALLY_CONNECTED = FormulaLayer(
    "y[n,k,i,j] = sum[c,u,v] w[k,c,i,j,u,v] * x[n,c,i + u,j + v]",
    parameters={"w": Parameter("k,c,i,j,u,v")},
    constants={"K": 2, "U": 2, "V": 3},
)
BILINEAR = FormulaLayer(
    "y[n,k] = sum[d,e] w[k,d,e] * x[n,d] * x[n,e]", parameters={"w": Parameter("k,d,e")}, constants={"K": 2}
)
GROUP_NORM = FormulaLayer(
    """
    m[n,g] = mean[c,i,j] x[n,(g,c),i,j]
    v[n,g] = mean[c,i,j] (x[n,(g,c),i,j] - m[n,g])^2
    y[n,(g,c),i,j] = gamma[g,c] * (x[n,(g,c),i,j] - m[n,g]) / sqrt(v[n,g] + e) + beta[g,c]
    """,
    parameters={"gamma": Parameter("g,c", 1.0), "beta": Parameter("g,c", 0.0)},
    constants={"G": 2, "e": 1e-3},
)
SWISH = FormulaLayer(
    "y[n,c,i,j] = x[n,c,i,j] * sigmoid(beta[c] * x[n,c,i,j])", parameters={"beta": Parameter(("c",), 1.0)}
)
SCALED = FormulaLayer("y[...] = a * x[...]", parameters={"a": Parameter((), 0.5)})

ROWS: Mapping[str, Sequence[Row]] = {
    "Add": [joined((2, 3, 4), 2), joined((5,), 3)],
    "AveragePool2D": [
        row(AveragePool2D(2), 2, 5, 6),
        row(AveragePool2D((1, 3), stride=(2, 1)), 1, 4, 5),
        row(AveragePool2D(3, stride=2, padding=(1, 0, 2, 1), count_include_pad=False), 2, 4, 5),
        row(AveragePool2D(3, stride=1, padding="same", count_include_pad=False), 1, 1, 4),
        row(AveragePool2D(2, stride=3), 2, 6, 7),
    ],
    "Conv2D": [
        row(Conv2D(3, 3), 2, 5, 4),
        row(Conv2D(2, (1, 3), stride=(2, 3), bias=False), 3, 4, 8),
        row(Conv2D(4, 3, stride=2, padding="same", dilation=2), 2, 5, 6),
        row(Conv2D(4, 2, padding=(1, 0, 2, 1), groups=2), 4, 3, 5),
        row(Conv2D(6, 3, padding=1, groups=3, stride=3), 3, 7, 6),
        row(Conv2D(2, (2, 3), true_convolution=True, stride=(1, 2)), 2, 4, 5),
        row(Conv2D(1, 1), 1, 1, 1),
        row(Conv2D(3, (4, 5)), 2, 4, 5),
    ],
    "Dense": [row(Dense(3), 4), row(Dense(1, bias=False), 1), row(Dense(5), 1)],
    "Dropout": [row(Dropout(0.4), *shape) for shape in ELEMENTWISE] + [row(Dropout(0), 3)],
    "Flatten": [row(Flatten(order), *shape) for order in ("CHW", "HWC") for shape in SPATIAL],
    "FormulaLayer": [
        row(GATED, 2, 3, 3),
        row(LOCAL_RESPONSE, 4, 2, 3),
        row(MAXOUT, 4),
        row(ROOT_POOL, 2, 4, 5),
        row(LOCALLY_CONNECTED, 2, 3, 4),
        row(BILINEAR, 3),
        row(GROUP_NORM, 4, 2, 3),
        row(SWISH, 3, 2, 2),
        row(SCALED, 3),
        row(SCALED, 2, 2, 3),
    ],
    "GELU": [row(GELU(), *shape) for shape in ELEMENTWISE],
    "GlobalAveragePool2D": [row(GlobalAveragePool2D(), *shape) for shape in SPATIAL],
    "LeakyReLU": [row(LeakyReLU(0.2), *shape) for shape in ELEMENTWISE] + [row(LeakyReLU(-1.5), 4)],
    "MaxPool2D": [
        row(MaxPool2D(2), 2, 5, 6),
        row(MaxPool2D((1, 3), stride=(2, 1)), 1, 4, 5),
        row(MaxPool2D(3, stride=2, padding=(1, 0, 2, 1)), 2, 4, 5),
        row(MaxPool2D(3, stride=1, padding="same"), 1, 1, 4),
        row(MaxPool2D(2, stride=3), 2, 6, 7),
        row(MaxPool2D((4, 5)), 2, 4, 5),
    ],
    "ReLU": [row(ReLU(), *shape) for shape in ELEMENTWISE],
    "SiLU": [row(SiLU(), *shape) for shape in ELEMENTWISE],
    "Sigmoid": [row(Sigmoid(), *shape) for shape in ELEMENTWISE],
    "Softmax": [row(Softmax(), *shape) for shape in ((5,), (3, 2, 2))],
    "Tanh": [row(Tanh(), *shape) for shape in ELEMENTWISE],
    "SoftmaxCrossEntropy": [
        Row([Dense(4)], (3,), SoftmaxCrossEntropy()),
        Row([Dense(2)], (1,), SoftmaxCrossEntropy(label_smoothing=0.3)),
    ],
    "MeanSquaredError": [
        Row([Dense(1)], (3,), MeanSquaredError()),
        Row([Conv2D(2, 2)], (2, 3, 4), MeanSquaredError()),
    ],
}


def cases() -> dict[str, Row]:
    """Every row by a name for reports."""
    return {f"{name}-{number}": case for name, rows in ROWS.items() for number, case in enumerate(rows)}
