"""How much of a file is believed before it has been read: the sizes that no reader goes beyond."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

_HARMLESS = 2**27  # bytes, whatever they were packed to
_LARGEST_RATIO = 100


@dataclass(frozen=True)
class Limits:
    """Caps on what one image set may take, so that a small hostile file cannot fill the memory.

    Attributes:
        pixels: of one image; the default is a photograph of 33 megapixels.
        file_bytes: of one image file or archive member, as stored.
        total_bytes: of all images of a set, decoded; also of what a packed file unpacks to.
        members: files in a folder or archive.
        classes: of a set.

    >>> Limits().total_bytes
    4294967296
    """

    pixels: int = 2**25
    file_bytes: int = 2**26
    total_bytes: int = 2**32
    members: int = 2**19
    classes: int = 2**16

    def unpacked(self, packed: int) -> int:
        """Bytes that a file of `packed` bytes may unpack to.

        Sets of images rarely shrink to a hundredth; a small file that becomes gigabytes is a bomb, and
        unpacking it would take minutes.

        >>> Limits().unpacked(10**6), Limits().unpacked(10**7)
        (134217728, 1000000000)
        """
        return min(self.total_bytes, max(_HARMLESS, _LARGEST_RATIO * packed))
