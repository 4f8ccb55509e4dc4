"""What scikit-learn's users call X, as rows of pixels and as images.

A row holds an image's pixels in the order C, H, W.  Rows are what scikit-learn validates, and what
``n_features_in_`` counts.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, UsageError
from pellucid.layers.options import is_whole

__all__ = ["FORMATS", "channels_first", "flattened", "image_shape_of", "readable"]

Array = NDArray[Any]
Shape = tuple[int, ...]
FORMATS = ("NCHW", "NHWC")


def flattened(X: object, data_format: str, channels: int | None = None) -> tuple[object, Shape | None]:
    """Rows, and the shape (C, H, W) of their images if X says it.

    Args:
        X: (N, features), returned as it is; (N, H, W); (N, C, H, W) or (N, H, W, C); or Pillow's images.
        data_format: where channels are: "NCHW" or "NHWC".
        channels: that Pillow's images are to have, if that is known.

    Raises:
        DataError: images of different sizes.

    >>> rows, shape = flattened(np.zeros((5, 4, 6, 3)), "NHWC")
    >>> rows.shape, shape
    ((5, 72), (3, 4, 6))
    """
    if data_format not in FORMATS:
        raise UsageError(f"data_format is 'NCHW' or 'NHWC', not {data_format!r}")
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        X = X.tolist()
    if isinstance(X, list | tuple) and (pictures := _pictures(X, channels)) is not None:
        images = pictures
    else:
        axes = getattr(X, "ndim", None)
        if axes is None:
            axes = np.asarray(X).ndim
        if axes not in (3, 4):
            return X, None
        images = np.asarray(X)
        if images.ndim == 3:
            images = images[:, None]
        elif data_format == "NHWC":
            images = images.transpose(0, 3, 1, 2)
        else:
            _warn_of_last_channels(images.shape)
    return images.reshape(len(images), math.prod(images.shape[1:])), images.shape[1:]


def readable(rows: Array) -> Array:
    """Rows of a type that engines read: bytes and floats as they are, all others as float32."""
    known = rows.dtype in (np.uint8, np.float32, np.float64)
    return np.ascontiguousarray(rows, None if known else np.float32)


def channels_first(rows: Array, shape: Shape) -> Array:
    """Rows whose pixels lie in the order H, W, C, in the order C, H, W.

    >>> channels_first(np.array([[1, 2, 3, 4]]), (2, 1, 2)).tolist()
    [[1, 3, 2, 4]]
    """
    channels, height, width = shape
    images = rows.reshape(len(rows), height, width, channels).transpose(0, 3, 1, 2)
    return images.reshape(rows.shape)


def image_shape_of(features: int, found: Shape | None, asked: object, data_format: str) -> Shape:
    """(C, H, W) of images with so many values.

    Args:
        features: values of an image.
        found: the shape that X had.
        asked: the estimator's ``image_shape``: (H, W) or, in the order of the format, three numbers; or None.
        data_format: "NCHW" or "NHWC".

    Returns:
        What was asked for or found; else a gray square; else, if there is none, one row of pixels.

    Raises:
        UsageError: a shape that the images do not have.

    >>> image_shape_of(64, None, None, "NCHW"), image_shape_of(10, None, None, "NCHW")
    ((1, 8, 8), (1, 1, 10))
    >>> image_shape_of(72, None, (4, 6, 3), "NHWC")
    (3, 4, 6)
    """
    if asked is None:
        side = math.isqrt(features)
        return found or ((1, side, side) if side * side == features else (1, 1, features))
    wanted = _asked_shape(asked, data_format)
    if math.prod(wanted) != features or found not in (None, wanted):
        given = f"images of the shape {found}" if found else f"{features} features"
        raise UsageError(f"image_shape={asked} was asked for, that is C, H, W = {wanted}, but X has {given}")
    return wanted


def _asked_shape(asked: object, data_format: str) -> Shape:
    sizes = tuple(asked) if isinstance(asked, Sequence) and not isinstance(asked, str) else ()
    if len(sizes) not in (2, 3) or not all(is_whole(size, 1) for size in sizes):
        raise UsageError(f"image_shape is (H, W) or three sizes in the order of data_format, not {asked!r}")
    if len(sizes) == 2:
        return (1, *sizes)
    return sizes if data_format == "NCHW" else (sizes[2], *sizes[:2])


def _pictures(X: Sequence[object], channels: int | None) -> Array | None:
    """Pillow's images as one array (N, C, H, W), uint8, RGB if one is coloured; None if X is none."""
    from PIL.Image import Image

    from pellucid.data.decode import flat

    given = [picture for picture in X if isinstance(picture, Image)]
    if not given or len(given) < len(X):
        return None
    if strange := {picture.mode for picture in given} & {"I", "F"}:
        raise DataError(
            f"Pillow's mode {min(strange)!r} does not say which number is white; give an array of the numbers"
        )
    pictures = [flat(picture) for picture in given]
    sizes = {(picture.height, picture.width) for picture in pictures}
    if len(sizes) > 1:
        some = ", ".join(f"{h} x {w}" for h, w in sorted(sizes)[:3])
        raise DataError(f"the images have different sizes ({some}); bring them to one")
    coloured = channels == 3 or any(picture.mode == "RGB" for picture in pictures)
    mode = "RGB" if coloured else "L"
    arrays = [np.asarray(picture if picture.mode == mode else picture.convert(mode)) for picture in pictures]
    images = np.stack(arrays)
    return images.transpose(0, 3, 1, 2) if coloured else images[:, None]


def _warn_of_last_channels(shape: Shape) -> None:
    if shape[3] in (1, 3) and shape[1] > 4:
        warnings.warn(
            f"images of the shape {shape} are read as {shape[1]} channels of {shape[2]} x {shape[3]} pixels; "
            "if the channels come last, say data_format='NHWC'",
            UserWarning,
            stacklevel=5,
        )
