"""Arrays of images, brought to another size or number of channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.image_set import ImageSet
from pellucid.data.limits import Limits
from pellucid.errors import DataError

__all__ = ["fitted"]

_LUMA = (19595, 38470, 7471)  # ITU-R BT.601 in units of 1/65536, as Pillow rounds it


def fitted(images: ImageSet, resize: tuple[int, int] | None, mode: str, limits: Limits) -> ImageSet:
    """The set with images of the size and channels asked for; itself if it has them.

    Args:
        images: the set.
        resize: (H, W), by bilinear interpolation over the area that a new pixel covers; None keeps the size.
        mode: "gray" for one channel (BT.601 luma), "rgb" for three (a gray channel thrice), "auto" for those
            that there are.
        limits: what is too large.

    Raises:
        DataError: channels that are neither gray nor RGB, so that a mode cannot be had.
    """
    size = resize or images.shape[1:]
    channels = {"gray": 1, "rgb": 3, "auto": images.shape[0]}[mode]
    if len(images) * channels * size[0] * size[1] * images.images.itemsize > limits.total_bytes:
        raise DataError(
            f"{images.name}: {len(images)} images of {channels} x {size[0]} x {size[1]} pixels take "
            f"more than the {limits.total_bytes} bytes allowed"
        )
    pixels = _with_channels(images.images, channels, images.name)
    if resize is not None and resize != images.shape[1:]:
        pixels = _resized(pixels, resize)
    if pixels is images.images:
        return images
    return ImageSet(pixels, images.labels, images.classes, images.name, images.paths)


def _with_channels(images: NDArray[Any], wanted: int, name: str) -> NDArray[Any]:
    channels = images.shape[1]
    if channels == wanted:
        return images
    if channels not in (1, 3):
        raise DataError(f"{name}: images of {channels} channels can be made neither gray nor RGB")
    if wanted == 3:
        return images.repeat(3, axis=1)
    if images.dtype == np.uint8:
        luma = np.full((len(images), 1, *images.shape[2:]), 2**15, np.uint32)
        for channel, weight in enumerate(_LUMA):
            luma += images[:, [channel]] * np.uint32(weight)
        return (luma >> np.uint32(16)).astype(np.uint8)
    weights = np.array(_LUMA, images.dtype) / 2**16
    gray: NDArray[Any] = np.einsum("nchw,c->nhw", images, weights)[:, np.newaxis]
    return gray


def _resized(images: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    from PIL import Image

    height, width = size
    resized = np.empty((*images.shape[:2], height, width), images.dtype)
    for n, c in np.ndindex(images.shape[:2]):
        channel = images[n, c] if images.dtype == np.uint8 else images[n, c].astype(np.float32)
        picture = Image.fromarray(channel)
        resized[n, c] = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return resized
