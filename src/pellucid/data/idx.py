"""IDX files, the format of MNIST: a magic number, the extents, then the values.

    0 0 TYPE NDIM   extent (4 bytes, most significant first) for each dimension   values, one byte each

Source: Y. LeCun's description at the home of MNIST.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.data.image_set import ImageSet
from pellucid.data.limits import Limits
from pellucid.data.source import opened, printable
from pellucid.data.unpack import ByteStream, unpacked
from pellucid.errors import FileFormatError

__all__ = ["idx_set", "read_idx"]

_UINT8 = 0x08


def read_idx(path: Path, dimensions: int, limits: Limits) -> NDArray[np.uint8]:
    """The values of one IDX file, packed with gzip or not.

    Args:
        path: of the file.
        dimensions: that the file has to have: 3 for images (N, H, W), 1 for labels (N,).
        limits: what is too large.

    Returns:
        An array of that many dimensions.

    Raises:
        FileFormatError: a header that is none of such a file, or more or fewer values than it promises.
        ResourceError: a file that cannot be read.
    """
    with opened(path) as file:
        stream = unpacked(file, printable(str(path)), limits)
        shape = _shape(stream, dimensions)
        count = math.prod(shape)
        promise = f"the header promises {' x '.join(map(str, shape))} = {count} values of one byte"
        if stream.size is not None and stream.offset + count != stream.size:
            raise stream.error(f"{promise}, {stream.size - stream.offset} follow")
        if stream.offset + count > stream.limit:
            raise stream.error(f"{promise}, {stream.limit - stream.offset} are allowed")
        values = stream.exactly(count, "values")
        stream.end("the header promises")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _shape(stream: ByteStream, dimensions: int) -> tuple[int, ...]:
    """The extents that the header gives."""
    magic = bytes(stream.exactly(4, "the magic number"))
    expected = bytes([0, 0, _UINT8, dimensions])
    if magic != expected:
        raise FileFormatError(
            f"{stream.where}: at byte 0: the magic number is {magic.hex(' ')}, {expected.hex(' ')} "
            f"was expected (IDX with {dimensions} dimension{'s' * (dimensions > 1)} of unsigned bytes)"
        )
    return struct.unpack(f">{dimensions}I", stream.exactly(4 * dimensions, "the extents"))


def idx_set(images: Path, labels: Path, *, classes: tuple[str, ...], name: str, limits: Limits) -> ImageSet:
    """The image set of two IDX files.

    Args:
        images: file of shape (N, H, W).
        labels: file of shape (N,), values 0 ... len(classes) - 1.
        classes: what the labels mean.
        name: of the set.
        limits: what is too large.

    Raises:
        DataError: counts that differ or labels out of range.
        FileFormatError, ResourceError: as `read_idx`.
    """
    numbers = read_idx(labels, 1, limits)
    pixels = read_idx(images, 3, limits)
    if 0 in pixels.shape or len(pixels) != len(numbers):
        raise FileFormatError(
            f"{printable(str(images))} has {len(pixels)} images of {pixels.shape[1]} x {pixels.shape[2]} "
            f"pixels at byte 4, {printable(str(labels))} has {len(numbers)} labels; "
            f"as many of both were expected"
        )
    wrong = np.flatnonzero(numbers >= len(classes))
    if len(wrong):
        raise FileFormatError(
            f"{printable(str(labels))}: at byte {8 + wrong[0]}: the label is {numbers[wrong[0]]}, "
            f"0 to {len(classes) - 1} were expected"
        )
    return ImageSet(pixels[:, np.newaxis], numbers.astype(np.int64), classes, name)
