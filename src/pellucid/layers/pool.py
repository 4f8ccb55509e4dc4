"""Pooling.  Source: seed 000 step 3, seed 002, seed 003 "Max Pooling", seed 004 §2.3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Shape
from pellucid.layers.geometry import Padding, check_windows, margins, padding_option, pair
from pellucid.layers.layer import Layer, rank_checked
from pellucid.layers.options import flag

__all__ = ["AveragePool2D", "GlobalAveragePool2D", "MaxPool2D"]

PLACE = "n, c, s*i + u - p, {t}*j + v - q"


@dataclass(frozen=True)
class _Pool2D(Layer):
    window: int | Sequence[int]
    stride: int | Sequence[int] | None = None
    padding: Padding = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", pair(self.window, "window"))
        object.__setattr__(
            self, "stride", pair(self.window if self.stride is None else self.stride, "stride")
        )
        object.__setattr__(self, "padding", padding_option(self.padding))

    def windowed(self, value: str, shape: Shape) -> Formula:
        """An equation ``y[n,c,i,j] = value``; ``{place}`` in it is the element at window position (u, v)."""
        rank_checked(shape, 4, type(self).__name__)
        window, (s, t) = pair(self.window, "window"), pair(self.stride or self.window, "stride")
        sides = margins(padding_option(self.padding), (shape[2], shape[3]), window, (s, t))
        check_windows(sides, (shape[2], shape[3]), window, (s, t), type(self).__name__)
        top, left = sides
        place = PLACE.format(t="s" if s == t else "t")
        constants = {"U": window[0], "V": window[1], "s": s, "p": top[0], "q": left[0]} | (
            {"t": t} if s != t else {}
        )
        return Formula.parse(
            f"y[n,c,i,j] = {value.format(place=place)}",
            constants=constants,
            padding={"x": {2: ("p", top[1]), 3: ("q", left[1])}},
            axes={"x": "n,c,h,l"},
        )


@dataclass(frozen=True)
class MaxPool2D(_Pool2D):
    """The largest element under each window, channel by channel: (N, C, H, W) to (N, C, rows, columns).

    Padding never wins; of equal elements the first in row-major order is the maximum and gets the gradient.

    Args:
        window: rows and columns, pixels.
        stride: pixels between neighbouring windows; the window's own size if None.
        padding: as `Conv2D`'s; a window that would see nothing but padding is an error.

    >>> print(MaxPool2D(2).formula(((1, 3, 8, 8),)))
    y[n,c,i,j] = max[u,v] x[n,c,s*i + u - p,s*j + v - q]
    """

    kind: ClassVar[str] = "maxpool"

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        return self.windowed("max[u,v] x[{place}]", shapes[0])


@dataclass(frozen=True)
class AveragePool2D(_Pool2D):
    """The mean under each window, channel by channel: (N, C, H, W) to (N, C, rows, columns).

    Args:
        window, stride, padding: as `MaxPool2D`'s.
        count_include_pad: whether the mean counts padding; if not, it is over the pixels in the window.

    >>> print(AveragePool2D(2).formula(((1, 3, 8, 8),)))
    y[n,c,i,j] = mean[u,v] x[n,c,s*i + u - p,s*j + v - q]
    """

    kind: ClassVar[str] = "avgpool"

    count_include_pad: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        flag(self.count_include_pad, "count_include_pad")

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        if self.count_include_pad:
            return self.windowed("mean[u,v] x[{place}]", shapes[0])
        column = PLACE.format(
            t="s" if len({*pair(self.stride or self.window, "stride")}) == 1 else "t"
        ).split(", ", 3)[3]
        seen = f"sum[u] [0 <= s*i + u - p < H] * sum[v] [0 <= {column} < L]"
        return self.windowed(f"(sum[u,v] x[{{place}}]) / ({seen})", shapes[0])


@dataclass(frozen=True)
class GlobalAveragePool2D(Layer):
    """The mean of each channel over the whole image: (N, C, H, W) to (N, C).

    >>> print(GlobalAveragePool2D().formula(((1, 3, 8, 8),)))
    y[n,c] = mean[i,j] x[n,c,i,j]
    """

    kind: ClassVar[str] = "globalavgpool"

    def formula(self, shapes: tuple[Shape, ...], *, training: bool = False) -> Formula:
        rank_checked(shapes[0], 4, "GlobalAveragePool2D")
        return Formula.parse("y[n,c] = mean[i,j] x[n,c,i,j]")
