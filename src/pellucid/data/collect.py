"""Decoded images of one size, gathered into one array while they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.data.limits import Limits
from pellucid.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Collector", "Mode"]

Mode = Literal["auto", "gray", "rgb"]


class Collector:
    """Images in the order in which they were added, (C, H, W) each, in one block of memory that grows."""

    def __init__(self, resize: tuple[int, int] | None, mode: Mode, limits: Limits) -> None:
        """Images are brought to `resize` (H, W) if given, and else have to have the size of the first.

        With `mode` "auto" the array has one channel if all images are gray, and three if not.
        """
        self._resize = resize
        self._mode = mode
        self._limits = limits
        self._size: tuple[int, int] | None = resize
        self._first = ""
        self._channels = 3 if mode == "rgb" else 1
        self._count = 0
        self._values = bytearray()

    def add(self, image: Image, where: str) -> None:
        """Appends an image of Pillow's mode "L" or "RGB"; `where` names it in errors.

        Raises:
            DataError: another size than the first image's, or too many bytes altogether.
        """
        from PIL.Image import Resampling

        if self._resize is not None and self._resize != (image.height, image.width):
            image = image.resize(self._resize[::-1], Resampling.BILINEAR)
        self._check_size(image, where)
        if self._mode == "auto" and self._channels == 1 and image.mode == "RGB":
            self._widen(where)
        self._make_room(self._channels * image.width * image.height, where)
        mode = "L" if self._channels == 1 else "RGB"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
        self._values += pixels.reshape(image.height, image.width, -1).transpose(2, 0, 1).tobytes()
        self._count += 1

    def array(self) -> NDArray[np.uint8]:
        """The images, (N, C, H, W); at least one has been added."""
        height, width = self._size or (0, 0)
        return np.frombuffer(self._values, np.uint8).reshape(self._count, self._channels, height, width)

    def _check_size(self, image: Image, where: str) -> None:
        size = (image.height, image.width)
        if self._size is None:
            self._size, self._first = size, where
        if size != self._size:
            raise DataError(
                f"{where} has {size[0]} x {size[1]} pixels, "
                f"{self._first} has {self._size[0]} x {self._size[1]}; "
                f"images of one size were expected; resize (--resize) brings all of them to one"
            )

    def _make_room(self, size: int, where: str) -> None:
        if len(self._values) + size > self._limits.total_bytes:
            raise DataError(
                f"{where}: the images up to here take more than {self._limits.total_bytes} bytes, "
                f"decoded, which is more than allowed"
            )

    def _widen(self, where: str) -> None:
        """Gives the gray images so far three equal channels."""
        self._make_room(2 * len(self._values), where)
        gray = np.frombuffer(self._values, np.uint8).reshape(self._count, 1, *(self._size or (0, 0)))
        self._values = bytearray(gray.repeat(3, axis=1))
        self._channels = 3
