"""Functions of single elements, and softmax.  Source: seeds 000, 001, 003, 004 §2.2 and §2.6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import Layer, letters_for
from pellucid.layers.options import number

__all__ = ["GELU", "LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Softmax", "Tanh"]


@dataclass(frozen=True)
class _Elementwise(Layer):
    source: ClassVar[str]

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        return Formula.parse(
            self.source, ellipsis=letters_for(shapes[0], type(self).__name__), constants=self.constants()
        )

    def constants(self) -> dict[str, float]:
        return {}


@dataclass(frozen=True)
class ReLU(_Elementwise):
    """``max(0, x)``; its derivative at 0 is 0.  Source: seed 004 §2.2, §3.5.

    >>> print(ReLU().formula(((1, 3, 8, 8),)))
    y[n,c,i,j] = relu(x[n,c,i,j])
    """

    kind: ClassVar[str] = "relu"
    rectifies: ClassVar[bool] = True
    source: ClassVar[str] = "y[...] = relu(x[...])"


@dataclass(frozen=True)
class LeakyReLU(_Elementwise):
    """``x`` above 0, ``slope * x`` elsewhere."""

    kind: ClassVar[str] = "leakyrelu"
    rectifies: ClassVar[bool] = True
    source: ClassVar[str] = "y[...] = where(x[...] > 0, x[...], slope * x[...])"

    slope: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", number(self.slope, "slope"))

    def constants(self) -> dict[str, float]:
        return {"slope": self.slope}


@dataclass(frozen=True)
class Sigmoid(_Elementwise):
    """``1 / (1 + exp(-x))``."""

    kind: ClassVar[str] = "sigmoid"
    source: ClassVar[str] = "y[...] = sigmoid(x[...])"


@dataclass(frozen=True)
class Tanh(_Elementwise):
    """The hyperbolic tangent."""

    kind: ClassVar[str] = "tanh"
    source: ClassVar[str] = "y[...] = tanh(x[...])"


@dataclass(frozen=True)
class GELU(_Elementwise):
    """``x`` times the probability that a standard normal number is below it (exact, by erf)."""

    kind: ClassVar[str] = "gelu"
    source: ClassVar[str] = "y[...] = x[...] / 2 * (1 + erf(x[...] / sqrt(2)))"


@dataclass(frozen=True)
class SiLU(_Elementwise):
    """``x * sigmoid(x)``."""

    kind: ClassVar[str] = "silu"
    source: ClassVar[str] = "y[...] = x[...] * sigmoid(x[...])"


@dataclass(frozen=True)
class Softmax(Layer):
    """Exponentials divided by their sum over axis 1, shifted by the maximum so that none overflows.

    Source: seed 004 §2.6.

    >>> print(Softmax().formula(((1, 10),)))
    shift m[n] = max[k] x[n,k]
    e[n,k] = exp(x[n,k] - m[n])
    t[n] = sum[k] e[n,k]
    y[n,k] = e[n,k]/t[n]
    """

    kind: ClassVar[str] = "softmax"

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        first, _, *rest = letters_for(shapes[0], "Softmax").split(",")
        every, fixed = ",".join([first, "k", *rest]), ",".join([first, *rest])
        return Formula.parse(
            f"""
            shift m[{fixed}] = max[k] x[{every}]
            e[{every}] = exp(x[{every}] - m[{fixed}])
            t[{fixed}] = sum[k] e[{every}]
            y[{every}] = e[{every}] / t[{fixed}]
            """
        )
