"""Convolution.  Source: seeds 000, 001, 002 ("Convolution Operation"), 003, 004 §2.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid.errors import GeometryError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.geometry import Padding, margins, padding_option, pair
from pellucid.layers.layer import Layer, Parameter, rank_checked
from pellucid.layers.options import OptionError, flag, whole

__all__ = ["Conv2D"]


@dataclass(frozen=True)
class Conv2D(Layer):
    """Slides filters over images: (N, C, H, W) to (N, filters, rows, columns).

    Args:
        filters: number K of output channels.
        kernel: rows and columns of a filter, pixels.
        stride: pixels between neighbouring positions.
        padding: pixels of zeros around the image: an integer, (rows, columns), (top, bottom, left, right),
            "valid" (none), or "same" (``ceil(size / stride)`` positions).
        dilation: pixels between neighbouring elements of a filter.
        groups: the channels fall into this many groups that do not see each other.
        bias: whether each filter adds a number of its own.
        true_convolution: whether the filter is flipped, as in mathematics; if not, this is cross-correlation.

    Seed 001's worked example, at the top left of the image:

    >>> import numpy as np
    >>> from pellucid.formula.evaluate import evaluate
    >>> x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    >>> w = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
    >>> y = evaluate(Conv2D(1, 2, bias=False).formula(((1, 1, 3, 3),)), {"x": x, "w": w})["y"]
    >>> float(y[0, 0, 0, 0])
    -4.0
    """

    kind: ClassVar[str] = "conv"

    filters: int
    kernel: int | Sequence[int]
    stride: int | Sequence[int] = 1
    padding: Padding = 0
    dilation: int | Sequence[int] = 1
    groups: int = 1
    bias: bool = True
    true_convolution: bool = False

    def __post_init__(self) -> None:
        for what in ("kernel", "stride", "dilation"):
            object.__setattr__(self, what, pair(getattr(self, what), what))
        object.__setattr__(self, "padding", padding_option(self.padding))
        for what in ("filters", "groups"):
            object.__setattr__(self, what, whole(getattr(self, what), what))
        for what in ("bias", "true_convolution"):
            flag(getattr(self, what), what)
        if self.filters % self.groups:
            raise OptionError("groups", f"a divisor of the {self.filters} filters", self.groups)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        k = "(g,k)" if self.groups > 1 else "k"
        bias = {"b": Parameter(k, 0.0, "bias")} if self.bias else {}
        return {"w": Parameter(f"{k},c,u,v", name="weight"), **bias}

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        (shape,) = shapes
        rank_checked(shape, 4, "Conv2D")
        if shape[1] % self.groups:
            raise GeometryError(f"{shape[1]} input channels cannot be divided into {self.groups} groups")
        (s, t), (a, e) = pair(self.stride, "stride"), pair(self.dilation, "dilation")
        rows, columns = pair(self.kernel, "kernel")
        top, left = margins(
            padding_option(self.padding), (shape[2], shape[3]), (rows, columns), (s, t), (a, e)
        )
        k, c = ("(g,k)", "(g,c)") if self.groups > 1 else ("k", "c")
        u, v = ("(U-1-u)", "(V-1-v)") if self.true_convolution else ("u", "v")
        t_, e_ = "s" if s == t else "t", "a" if a == e else "e"
        source = (
            f"y[n,{k},i,j] = {f'b[{k}] + ' if self.bias else ''}"
            f"sum[c,u,v] w[{k},c,u,v] * x[n, {c}, s*i + a*{u} - p, {t_}*j + {e_}*{v} - q]"
        )
        constants = {"K": self.filters // self.groups, "U": rows, "V": columns}
        constants |= {"s": s, "a": a, "p": top[0], "q": left[0]}
        constants |= ({"t": t} if s != t else {}) | ({"e": e} if a != e else {})
        constants |= {"G": self.groups} if self.groups > 1 else {}
        return Formula.parse(
            source,
            constants=constants,
            padding={"x": {2: ("p", top[1]), 3: ("q", left[1])}},
            axes={"x": f"n,{c},h,l"} | {o: p.letters for o, p in self.parameters.items()},
        )
