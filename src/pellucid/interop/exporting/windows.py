"""Reads that slide a window over an image, or spread one out, recognised from their index expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from pellucid.formula.expression import Read
from pellucid.formula.index import Index, Quotient
from pellucid.interop.exporting.graph import Dim

__all__ = ["Slide", "Windows", "windows"]


@dataclass(frozen=True)
class Slide:
    """One axis, read at ``stride*place + dilation*offset - low``.

    `offset` is None, and `kernel` 1, where there is no window along the axis; `low` and `high` are the
    zeros that ONNX is to put before and behind it.

    Of a transposed convolution it is the other way round: the axis is read at
    ``(place - dilation*offset + low)/stride`` where that is whole, `low` and `high` are what ONNX is to cut
    off, and `extra` how much further the result reaches.
    """

    place: str
    offset: str | None
    stride: int
    dilation: int
    kernel: int
    size: int
    low: int
    high: int
    extra: int = 0


@dataclass(frozen=True)
class Windows:
    """The letters of a read such as ``x[n, (g,c), s*i + a*u - p, t*j + e*v - q]``."""

    read: Read
    image: str
    channels: tuple[str, ...]
    slides: tuple[Slide, ...]
    transposed: bool = False

    @property
    def offsets(self) -> tuple[str, ...]:
        return tuple(s.offset for s in self.slides if s.offset is not None)

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(s.place for s in self.slides)

    def attributes(self) -> dict[str, int | Sequence[int]]:
        """As ONNX's Conv and pools name them; those are left out that say nothing."""
        pads = [s.low for s in self.slides] + [s.high for s in self.slides]
        extra = [s.extra for s in self.slides]
        strides, dilations = [s.stride for s in self.slides], [s.dilation for s in self.slides]
        return {
            "kernel_shape": [s.kernel for s in self.slides],
            **({"pads": pads} if any(pads) else {}),
            **({"strides": strides} if set(strides) != {1} else {}),
            **({"dilations": dilations} if set(dilations) != {1} else {}),
            **({"output_padding": extra} if any(extra) else {}),
        }


def windows(
    read: Read,
    bound: Set[str],
    extents: Mapping[str, Dim],
    shape: Sequence[Dim],
    padding: Sequence[tuple[int, int]],
) -> Windows | None:
    """The windows that a read slides over images (n, channels, rows, …); None if it is of another kind.

    Args:
        read: with numbers in place of sizes and constants.
        bound: letters that are summed, or over which a maximum is taken.
        extents: of the letters.
        shape: of what is read.
        padding: how far each axis may be read beyond its ends.
    """
    if len(read.indices) < 3:
        return None
    image, channel = read.indices[0].letter, read.indices[1]
    channels = _digits(channel, bound, extents, shape[1])
    if image is None or image in bound or not channels:
        return None
    axes = list(zip(read.indices[2:], shape[2:], padding[2:], strict=True))
    found = [_slide(index, bound, extents, size or 0, sides[1]) for index, size, sides in axes]
    slides = [s for s in found if s is not None]
    transposed = len(slides) < len(axes)
    if transposed:
        spreads = [_spread(index, bound, extents, size or 0) for index, size, _ in axes]
        slides = [s for s in spreads if s is not None]
    letters = [image, *channels, *(x for s in slides for x in (s.place, s.offset) if x is not None)]
    plain = transposed and all(s.stride == 1 for s in slides)  # a convolution with its kernel turned round
    if len(slides) < len(axes) or len(set(letters)) < len(letters) or plain:
        return None
    return Windows(read, image, channels, tuple(slides), transposed)


def _digits(index: Index, bound: Set[str], extents: Mapping[str, Dim], size: Dim) -> tuple[str, ...]:
    """The letters of a flattened index, outermost first, that takes every place of its axis; else none."""
    coefficients = _coefficients(index)
    if coefficients is None or "" in coefficients:
        return ()
    letters = sorted(coefficients, key=lambda s: (-coefficients[s], s in bound))
    weight = 1
    for letter in reversed(letters):
        extent = extents.get(letter)
        if extent is None or (extent > 1 and coefficients[letter] != weight):
            return ()
        weight *= extent
    return tuple(letters) if weight == size else ()


def _coefficients(index: Index) -> dict[str, int] | None:
    """What each letter is multiplied by, and the constant under the empty name; None if it is not affine."""
    found: dict[str, int] = {}
    for monomial, coefficient in index.terms:
        if len(monomial) > 1 or not all(isinstance(atom, str) for atom in monomial):
            return None
        found[str(monomial[0]) if monomial else ""] = coefficient
    return found


def _slide(
    index: Index, bound: Set[str], extents: Mapping[str, Dim], size: int, declared: int
) -> Slide | None:
    coefficients = _coefficients(index)
    if not coefficients:
        return None
    low = -coefficients.pop("", 0)
    names = _names(coefficients, bound)
    if names is None or low < 0 or min(coefficients.values()) < 1:
        return None
    place, offset = names
    count, kernel = extents[place], extents[offset] if offset else 1
    if count is None or kernel is None:
        return None
    stride, dilation = coefficients[place], coefficients[offset] if offset else 1
    reach = dilation * (kernel - 1) + 1
    # As many zeros behind the end as are declared, or, if that says nothing, as the last window needs.
    needed = max(0, (count - 1) * stride - low + reach - size)
    for high in (declared, needed):
        if high < max(reach, 1) and (size + low + high - reach) // stride + 1 == count:
            return Slide(place, offset, stride, dilation, kernel, size, low, high)
    return None


def _spread(index: Index, bound: Set[str], extents: Mapping[str, Dim], size: int) -> Slide | None:
    """One axis of a transposed convolution."""
    whole = [m[0] for m, c in index.terms if len(m) == 1 and c == 1 and isinstance(m[0], Quotient)]
    stride = 1
    if len(whole) == 1 and isinstance(whole[0], Quotient) and whole[0].exact:
        stride = whole[0].divisor.constant or 0
        index = (index - Index((((whole[0],), 1),))) * stride + whole[0].numerator
    coefficients = _coefficients(index)
    if not coefficients or stride < 1:
        return None
    low = coefficients.pop("", 0)
    names = _names(coefficients, bound)
    if names is None or low < 0 or coefficients[names[0]] != 1:
        return None
    place, offset = names
    dilation = -coefficients[offset] if offset else 1
    count, kernel = extents[place], extents[offset] if offset else 1
    if count is None or kernel is None or dilation < 1:
        return None
    surplus = stride * (size - 1) + dilation * (kernel - 1) + 1 - low - count
    if -surplus >= stride:  # as ONNX Runtime wants it
        return None
    return Slide(place, offset, stride, dilation, kernel, size, low, max(0, surplus), max(0, -surplus))


def _names(coefficients: Mapping[str, int], bound: Set[str]) -> tuple[str, str | None] | None:
    """The letter of the place and, if there is one, that of the window."""
    offsets = [s for s in coefficients if s in bound]
    places = [s for s in coefficients if s not in bound]
    if len(places) != 1 or len(offsets) > 1:
        return None
    return places[0], offsets[0] if offsets else None
