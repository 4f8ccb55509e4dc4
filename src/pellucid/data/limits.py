"""How much of a file is believed before it has been read: the sizes that no reader goes beyond."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Caps on what one image set may take, so that a small hostile file cannot fill the memory.

    Attributes:
        pixels: of one image; the default is a photograph of 33 megapixels.
        file_bytes: of one image file or archive member, as stored.
        total_bytes: of all images of a set, decoded; also of an archive's content, unpacked.
        members: files in a folder or archive.
        classes: of a set.

    >>> Limits().total_bytes
    4294967296
    """

    pixels: int = 2**25
    file_bytes: int = 2**26
    total_bytes: int = 2**32
    members: int = 2**20
    classes: int = 2**16
