"""NumPy's .npz archives, read without `numpy.load`: no pickle can run, no header is believed unchecked.

Either `images` and `labels` (and `classes`, names), or `x_train`, `y_train` and perhaps `x_test`, `y_test`.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.checks import check_images
from pellucid.data.image_set import ImageSet, Splits
from pellucid.data.limits import Limits
from pellucid.data.source import opened, printable
from pellucid.data.unpack import ByteStream
from pellucid.data.zip import ZipMember, zip_directory
from pellucid.errors import DataError, FileFormatError

__all__ = ["npz_set"]

_NAMES = ("images", "labels", "classes", "x_train", "y_train", "x_test", "y_test")
_HEADER = 10_000  # bytes that NumPy's own reader allows by default
_LONGEST_CLASS = 200


def npz_set(path: Path, *, channels_last: bool | None, limits: Limits) -> Splits:
    """The image set of one file.

    Args:
        path: of the file.
        channels_last: whether arrays of four dimensions are (N, H, W, C) and not (N, C, H, W); None refuses
            those that look like it.
        limits: what is too large.

    Raises:
        DataError: arrays that do not fit together, or of types that are no images or labels.
        FileFormatError: a damaged or hostile file.
        ResourceError: a file that cannot be read.
    """
    where = printable(str(path))
    with opened(path) as file:
        arrays = _arrays(file, where, limits)
    if "images" in arrays:
        pairs = [("images", "labels")]
    else:
        pairs = [("x_train", "y_train")] + [("x_test", "y_test")] * ("x_test" in arrays)
    missing = [name for pair in pairs for name in pair if name not in arrays]
    if missing:
        raise FileFormatError(
            f"{where}: the array {missing[0]} is missing; images and labels, or x_train, y_train "
            f"(and x_test, y_test), were expected"
        )
    images = [_images(arrays[x], f"{where}: {x}", channels_last) for x, _ in pairs]
    labels = [_labels(arrays[y], f"{where}: {y}") for _, y in pairs]
    classes = _classes(arrays.get("classes"), max(int(row.max(initial=0)) for row in labels), where, limits)
    sets = [ImageSet(x, y, classes, printable(path.stem)) for x, y in zip(images, labels, strict=True)]
    for part, (x, _) in zip(sets, pairs, strict=True):
        try:
            check_images(part.images, part.labels, len(classes))
        except DataError as error:
            raise DataError(f"{where}: {x}: {error}") from error
        if part.shape != sets[0].shape:
            raise DataError(f"{where}: x_train has images of {sets[0].shape}, x_test of {part.shape}")
    return Splits(*sets)


def _arrays(file: io.BufferedIOBase, where: str, limits: Limits) -> dict[str, NDArray[Any]]:
    """The arrays that the set is made of; others are passed over."""
    members: dict[str, ZipMember] = {}
    for member in zip_directory(file, where, limits):
        name = member.name.decode("ascii", "replace").removesuffix(".npy")
        if name in members:
            raise FileFormatError(f"{member.where}: there are two of this name")
        if name in _NAMES:
            members[name] = member
    total = sum(member.size for member in members.values())
    allowed = limits.unpacked(sum(member.packed for member in members.values()))
    if total > allowed:
        raise FileFormatError(f"{where}: its arrays have {total} bytes, {allowed} are allowed")
    return {name: _array(member.open(file)) for name, member in members.items()}


def _array(stream: ByteStream) -> NDArray[Any]:
    """One array in the .npy format; its header has to account for each byte."""
    shape, fortran, dtype = _header(stream)
    if dtype.kind not in "biufU":
        raise stream.error(f"an array of the type {dtype}; numbers or text were expected")
    if len(shape) > 4 or any(extent < 1 for extent in shape) or dtype.itemsize == 0:
        raise stream.error(f"an array of the shape {shape}; 1 to 4 dimensions of at least 1 were expected")
    count = math.prod(shape) * dtype.itemsize
    if stream.size is None or stream.offset + count != stream.size:
        raise stream.error(
            f"{shape} values of {dtype.itemsize} bytes do not fill the member of {stream.size} bytes"
        )
    content = stream.exactly(count, "the array")
    stream.end("the array")
    values = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    return values.astype(dtype.newbyteorder("="), order="C", copy=False)


def _header(stream: ByteStream) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type; the header is cut out first, because NumPy would believe its length."""
    start = bytes(stream.exactly(8, "the array's header"))
    width = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}.get(start)
    if width is None:
        raise stream.error("an array in the .npy format 1.0 or 2.0 was expected")
    length = bytes(stream.exactly(width, "the array's header"))
    size = int.from_bytes(length, "little")
    if size > _HEADER:
        raise stream.error(f"an array's header of {size} bytes, {_HEADER} are allowed")
    header = io.BytesIO(length + stream.exactly(size, "the array's header"))
    try:
        if width == 2:
            return np.lib.format.read_array_header_1_0(header, max_header_size=_HEADER)
        return np.lib.format.read_array_header_2_0(header, max_header_size=_HEADER)
    except Exception as error:  # NumPy evaluates the header as a literal, which fails in many ways
        raise stream.error(f"the array's header cannot be read ({printable(str(error))[:200]})") from error


def _images(values: NDArray[Any], where: str, channels_last: bool | None) -> NDArray[Any]:
    """The array as (N, C, H, W) in one of the types that images have."""
    if values.ndim not in (3, 4) or 0 in values.shape:
        raise DataError(
            f"{where}: images of the shape (N, H, W) or (N, C, H, W) were expected, {values.shape} was given"
        )
    if values.ndim == 3:
        values = values[:, np.newaxis]
    elif channels_last is None and values.shape[1] > 4 and values.shape[3] in (1, 3, 4):
        raise DataError(
            f"{where}: images of the shape {values.shape} look as if the channels came last; "
            f"say so with channels_last=True (--channels-last), or else with False"
        )
    elif channels_last:
        values = values.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(_pixels(values, where))


def _pixels(values: NDArray[Any], where: str) -> NDArray[Any]:
    if values.dtype in (np.uint8, np.float32, np.float64):
        return values
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.float16:
        return values.astype(np.float32)
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= 255:
        return values.astype(np.uint8)
    raise DataError(
        f"{where}: {values.dtype} values from {values.min()} to {values.max()} were given; "
        f"whole numbers from 0 to 255 or floating-point numbers were expected"
    )


def _labels(values: NDArray[Any], where: str) -> NDArray[np.int64]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise DataError(
            f"{where}: a row of whole numbers was expected as labels, "
            f"{values.dtype} of the shape {values.shape} was given"
        )
    if values.dtype == np.uint64 and values.max(initial=0) >= 2**63:
        raise DataError(f"{where}: the label {values.max()} is too large")
    return values.astype(np.int64)


def _classes(names: NDArray[Any] | None, largest: int, where: str, limits: Limits) -> tuple[str, ...]:
    """The names given, or the numbers that the labels go up to."""
    if names is None:
        if largest >= limits.classes:
            raise DataError(f"{where}: the label {largest} is too large, {limits.classes} are allowed")
        return tuple(str(label) for label in range(largest + 1))
    if names.ndim != 1 or names.dtype.kind != "U" or len(names) > limits.classes:
        raise DataError(
            f"{where}: classes were expected as a row of at most {limits.classes} names, "
            f"{names.dtype} of the shape {names.shape} was given"
        )
    classes = tuple(printable(name)[:_LONGEST_CLASS] for name in names.tolist())
    if len(set(classes)) < len(classes):
        raise DataError(f"{where}: two classes have the same name")
    return classes
