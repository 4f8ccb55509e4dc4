"""Images to be classified: single files and folders of them, made to fit a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pellucid.data.collect import Collector, Mode
from pellucid.data.decode import decoded
from pellucid.data.folder import folder_paths, read_whole
from pellucid.data.limits import Limits
from pellucid.data.source import printable
from pellucid.errors import DataError, NotFoundError, ResourceError, UsageError

__all__ = ["image_paths", "read_images"]

_MODES: dict[int, Mode] = {1: "gray", 3: "rgb"}
_DEFAULT_LIMITS = Limits()


def image_paths(paths: Sequence[str | os.PathLike[str]], *, limits: Limits = _DEFAULT_LIMITS) -> list[Path]:
    """The image files meant by files and folders: a folder stands for those below it, sorted by name.

    Raises:
        DataError: a folder without PNG, JPEG or BMP images.
        NotFoundError: a path that is not there.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [file for _, file in folder_paths(path, limits)]
            if not inside:
                raise DataError(
                    f"{printable(str(path))}: no PNG, JPEG or BMP images were found in the folder"
                )
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise NotFoundError(f"there is no file or folder {printable(str(path))}")
    return files


def read_images(
    paths: Sequence[str | os.PathLike[str]],
    *,
    shape: tuple[int, int, int],
    resize: bool = False,
    limits: Limits = _DEFAULT_LIMITS,
) -> NDArray[Any]:
    """Decodes images to the shape that a network expects.

    Args:
        paths: files and folders, as `image_paths` takes them; the images come in its order.
        shape: (C, H, W) of the network's input. C is 1, and colours are made gray,
            or 3, and gray is repeated.
        resize: whether images of another size are brought to (H, W).
        limits: how much the images may take.

    Returns:
        (N, C, H, W), uint8.

    Raises:
        DataError: an image of another size, unless `resize`; or no images.
        FileFormatError: a file that is no PNG, JPEG or BMP image, or a damaged one.
        ResourceError: a file that cannot be read.
        UsageError: a shape of neither 1 nor 3 channels.
    """
    channels, height, width = shape
    if channels not in _MODES:
        raise UsageError(f"a network with {channels} input channels was given; images have 1 or 3")
    collector = Collector((height, width) if resize else None, _MODES[channels], limits)
    files = image_paths(paths, limits=limits)
    if not files:
        raise DataError("no images were given")
    for path in files:
        try:
            image = decoded(read_whole(path, limits), printable(str(path)), limits)
            if not resize and (image.height, image.width) != (height, width):
                raise DataError(
                    f"{printable(str(path))} has {image.height} x {image.width} pixels, the network expects "
                    f"{height} x {width}; resize=True (--resize) brings it there"
                )
            collector.add(image, printable(str(path)))
        except MemoryError as error:
            raise ResourceError(f"there is not enough memory for {printable(str(path))}") from error
    return collector.array()
