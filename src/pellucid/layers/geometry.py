"""Options that say where windows lie: kernel, stride, dilation, padding."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from pellucid.errors import GeometryError
from pellucid.layers.options import OptionError, is_whole

__all__ = ["Padding", "Pair", "check_windows", "margins", "padding_option", "pair"]

Pair = tuple[int, int]
Padding = str | int | Sequence[int]


def pair(value: int | Sequence[int], what: str) -> Pair:
    """An integer for both axes, or one for rows and one for columns.

    >>> pair(3, "stride")
    (3, 3)
    """
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2 or not all(is_whole(v, 1) for v in both):
        raise OptionError(what, "an integer of at least 1 or a pair of them", value)
    return int(both[0]), int(both[1])


def padding_option(value: Padding) -> str | tuple[int, int, int, int]:
    """(top, bottom, left, right), or "same"; "valid" is 0.

    >>> padding_option((1, 2))
    (1, 1, 2, 2)
    """
    if isinstance(value, str) and value in ("same", "valid"):
        return "same" if value == "same" else (0, 0, 0, 0)
    given = tuple(value) if isinstance(value, Sequence) else (value,) * 4
    amounts = [operator.index(v) for v in given if is_whole(v, 0)]
    if len(given) != len(amounts) or len(given) not in (2, 4):
        ways = 'an integer of at least 0, a pair, (top, bottom, left, right), "same" or "valid"'
        raise OptionError("padding", ways, value)
    if len(amounts) == 2:
        return amounts[0], amounts[0], amounts[1], amounts[1]
    return amounts[0], amounts[1], amounts[2], amounts[3]


def margins(
    padding: str | tuple[int, int, int, int], size: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> tuple[Pair, Pair]:
    """(top, bottom) and (left, right) for an image of this size.

    "same" keeps ``ceil(size / stride)`` positions; an odd total puts the extra row and column at the bottom
    and right.

    Raises:
        GeometryError: the kernel is larger than the image with its padding.

    >>> margins("same", (5, 6), (2, 3), (1, 2))
    ((0, 1), (0, 1))
    """
    if isinstance(padding, str):
        (a, b), (c, d) = (_same(*each) for each in zip(size, kernel, stride, dilation, strict=True))
        return (a, b), (c, d)
    top, bottom, left, right = padding
    rows, columns = (e * (k - 1) + 1 for e, k in zip(dilation, kernel, strict=True))
    height, width = size[0] + top + bottom, size[1] + left + right
    if rows > height or columns > width:
        padded = ", padding included" if any(padding) else ""
        raise GeometryError(
            f"a window of {rows} x {columns} pixels does not fit into an image of {height} x {width}{padded}"
        )
    return (top, bottom), (left, right)


def _same(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def check_windows(sides: tuple[Pair, Pair], size: Pair, window: Pair, stride: Pair, layer: str) -> None:
    """Raises a GeometryError if the first or the last window of an axis lies in the padding alone."""
    for (low, high), pixels, extent, step in zip(sides, size, window, stride, strict=True):
        last = (pixels + low + high - extent) // step * step - low
        if low >= extent or last >= pixels:
            amount = low if low >= extent else high
            raise GeometryError(
                f"{layer}: a padding of {amount} lets a window of {extent} see nothing but padding"
            )
