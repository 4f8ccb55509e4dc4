"""Whether the parts of a PNG or JPEG file are all there, which decoders do not insist on.

    PNG    chunks: length (4 bytes), kind (4), content, CRC of kind and content (4); the last is IEND
    JPEG   segments: 0xFF, kind, length (2 bytes), content; SOS is followed by pixels, in which 0xFF comes
           before 0 or a restart mark only; the last is EOI

Source: W3C, "Portable Network Graphics (Third Edition)", 5; ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
import zlib

from pellucid.errors import FileFormatError

__all__ = ["check_png", "is_jpeg", "is_png", "jpeg_scans"]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")  # those that begin a segment, and EOI
_EOI, _SOS = 0xD9, 0xDA


def is_png(data: bytes) -> bool:
    """Whether a file begins as PNG files do."""
    return data.startswith(_PNG)


def is_jpeg(data: bytes) -> bool:
    """Whether a file begins as JPEG files do."""
    return data.startswith(_JPEG)


def check_png(data: bytes, where: str) -> None:
    """Makes sure that all chunks of a PNG file are there and unharmed.

    Raises:
        FileFormatError: a chunk that is cut off or whose checksum is wrong.
    """
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            raise FileFormatError(f"{where}: at byte {at}: the file ends, but the image does not")
        if zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise FileFormatError(f"{where}: at byte {at}: the checksum of a part is wrong")
        kind = data[at + 4 : at + 8]
        at = end + 4


def jpeg_scans(data: bytes, where: str) -> int:
    """Number of scans of a JPEG file: how often its pixels are gone over.

    Raises:
        FileFormatError: a file that ends before the image does.
    """
    at, scans = 2, 0
    while marker := _MARKER.search(data, at):
        at = marker.end()
        kind = data[at - 1]
        if kind == _EOI:
            return scans
        scans += kind == _SOS
        at += int.from_bytes(data[at : at + 2], "big")
    raise FileFormatError(f"{where}: at byte {len(data)}: the file ends, but the image does not")
