"""Dropout.  Inverted, as PyTorch does it: scaled while training, the identity afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import Layer, letters_for
from pellucid.layers.options import fraction

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout(Layer):
    """Sets elements to 0 at random while training and scales the others up; shapes stay.

    Args:
        rate: probability that an element is set to 0, at least 0 and less than 1.

    >>> print(Dropout(0.2).formula(((1, 50),), training=True))
    y[n,d] = x[n,d]*mask[n,d]/(1 - rate)
    """

    kind: ClassVar[str] = "dropout"

    rate: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", fraction(self.rate, "rate"))

    @property
    def noise(self) -> Mapping[str, float]:
        return {"mask": 1 - self.rate}

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        letters = letters_for(shapes[0], "Dropout")
        source = "y[...] = x[...] * mask[...] / (1 - rate)" if training else "y[...] = x[...]"
        return Formula.parse(source, ellipsis=letters, constants={"rate": self.rate})
