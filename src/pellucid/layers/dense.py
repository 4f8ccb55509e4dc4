"""Fully connected layer.  Source: seed 000 step 7, seed 001, seed 003, seed 004 §2.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import Layer, Parameter, rank_checked
from pellucid.layers.options import flag, whole

__all__ = ["Dense"]


@dataclass(frozen=True)
class Dense(Layer):
    """Connects every feature to every unit: (N, features) to (N, units).  The weight is (units, features).

    Args:
        units: number of outputs.
        bias: whether each unit adds a number of its own.

    >>> print(Dense(10).formula(((1, 50),)))
    y[n,k] = b[k] + sum[d] w[k,d]*x[n,d]
    """

    kind: ClassVar[str] = "dense"

    units: int
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", whole(self.units, "units"))
        flag(self.bias, "bias")

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        return {"w": Parameter("k,d", name="weight")} | (
            {"b": Parameter("k", 0.0, "bias")} if self.bias else {}
        )

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        rank_checked(shapes[0], 2, "Dense (put a Flatten before it)")
        return Formula.parse(
            f"y[n,k] = {'b[k] + ' if self.bias else ''}sum[d] w[k,d] * x[n,d]",
            constants={"K": self.units},
            axes={o: p.letters for o, p in self.parameters.items()},
        )
