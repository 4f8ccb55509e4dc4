"""Feature maps as one vector.  Source: seed 000 step 6 (channels first), 001 and 004 §2.4 (channels last)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.layer import Layer, rank_checked
from pellucid.layers.options import OptionError

__all__ = ["Flatten"]


@dataclass(frozen=True)
class Flatten(Layer):
    """(N, C, H, W) to (N, C*H*W).

    Args:
        order: "CHW", feature ``(c*H + i)*W + j``, or "HWC", feature ``(i*W + j)*C + c``.

    >>> print(Flatten("HWC").formula(((1, 3, 4, 4),)))
    y[n,(i,j,c)] = x[n,c,i,j]
    """

    kind: ClassVar[str] = "flatten"

    order: str = "CHW"

    def __post_init__(self) -> None:
        if self.order not in ("CHW", "HWC"):
            raise OptionError("order", '"CHW" or "HWC"', self.order)

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        rank_checked(shapes[0], 4, "Flatten")
        return Formula.parse(f"y[n,({'c,i,j' if self.order == 'CHW' else 'i,j,c'})] = x[n,c,i,j]")
