"""Reads zip archives by their directory: nothing is extracted, only stored and deflated members are read.

Python's `zipfile` builds an object for each entry before one can count them, and unpacks formats whose memory
nothing bounds.

    end record     PK56, entries at 10, directory's size at 12 and position at 16   (near the file's end)
    directory      PK12, flags 8, method 10, CRC 16, packed size 20, size 24, lengths of name, extra and
                   comment 28-33, position of the local header 42, name 46
    local header   PK34, lengths of name and extra 26-29, then the content

Source: PKWARE's APPNOTE 6.3.9, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pellucid.data.limits import Limits
from pellucid.data.source import Encoded, shown
from pellucid.data.tar import Wanted, path_parts
from pellucid.data.unpack import ByteStream, Readable, inflated
from pellucid.errors import FileFormatError

__all__ = ["ZipMember", "zip_directory", "zip_members"]

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_LONGEST_COMMENT = 2**16
_ENCRYPTED = 0x0001
_UTF8 = 0x0800
_STORED, _DEFLATED = 0, 8
_UNKNOWN = 2**32 - 1  # stands for a number that the extra field of zip64 gives
_ZIP64 = 1
_LINK = 0o120000


@dataclass(frozen=True)
class ZipMember:
    """One entry of an archive's directory."""

    name: bytes  # as stored
    parts: tuple[str, ...]
    where: str  # for errors
    method: int
    is_encrypted: bool
    crc: int
    packed: int  # bytes in the archive
    size: int  # bytes of content
    position: int  # of the local header, before the directory
    is_link: bool

    def open(self, file: io.BufferedIOBase) -> ByteStream:
        """The content, as a stream that checks its length and checksum when it ends.

        Raises:
            FileFormatError: a member of another kind, or not where it should be; later, damaged content.
        """
        if self.is_encrypted or self.is_link or self.method not in (_STORED, _DEFLATED):
            kind = "encrypted" if self.is_encrypted else "a link" if self.is_link else f"method {self.method}"
            raise FileFormatError(f"{self.where}: a stored or deflated file was expected, this one is {kind}")
        if self.method == _STORED and self.packed != self.size:
            raise FileFormatError(f"{self.where}: a stored file of {self.size} bytes in {self.packed}")
        file.seek(self.position)
        header = file.read(30)
        if len(header) < 30 or not header.startswith(_LOCAL):
            raise FileFormatError(f"{self.where}: no member begins there, as the directory says")
        name, extra = struct.unpack("<2H", header[26:30])
        if file.read(name) != self.name:
            raise FileFormatError(f"{self.where}: the member has another name there than in the directory")
        part = _Part(file, self.position + 30 + name + extra, self.packed)
        content = part if self.method == _STORED else inflated(part)
        checked = _Checked(content, self.size, self.crc)
        return ByteStream(io.BufferedReader(checked, 2**16), self.where, self.size, self.size)


class _Part:
    """Some of a file's bytes."""

    def __init__(self, file: io.BufferedIOBase, start: int, size: int) -> None:
        file.seek(start)
        self._file = file
        self._left = size

    def read(self, size: int, /) -> bytes:
        """Up to `size` of them."""
        piece = self._file.read(min(size, self._left))
        self._left -= len(piece)
        return piece


class _Checked(io.RawIOBase):
    """A member's content; its end is an error if length or checksum are not the directory's."""

    def __init__(self, content: Readable, size: int, crc: int) -> None:
        self._content = content
        self._left = size
        self._expected = crc
        self._crc = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self._content.read(len(buffer)) or b""
        self._left -= len(piece)
        self._crc = zlib.crc32(piece, self._crc)
        if not piece and self._left > 0:
            raise EOFError
        if not piece and self._crc != self._expected:
            raise zlib.error("wrong checksum")
        buffer[: len(piece)] = piece
        return len(piece)


def zip_members(file: io.BufferedIOBase, where: str, wanted: Wanted, limits: Limits) -> Iterator[Encoded]:
    """The files of an archive whose path is wanted, in the order of its directory.

    Args:
        file: the archive, open for reading.
        where: its name, for errors.
        wanted: whether a member is read, by the parts of its path.
        limits: what is too large or too many.

    Raises:
        FileFormatError: damaged, truncated, too large, packed or encrypted in a way that is not read here.
    """
    for member in zip_directory(file, where, limits):
        if not wanted(member.parts):
            continue
        if member.size > limits.file_bytes:
            raise FileFormatError(f"{member.where}: {member.size} bytes, {limits.file_bytes} are allowed")
        content = member.open(file)
        data = bytes(content.exactly(member.size, "the member"))
        content.end("the directory promises")
        yield Encoded(member.parts, member.where, data)


def zip_directory(file: io.BufferedIOBase, where: str, limits: Limits) -> Iterator[ZipMember]:
    """The entries of an archive's directory, folders left out.

    Raises:
        FileFormatError: as `zip_members`.
    """
    start, size, count = _end_record(file, where)
    if size > limits.file_bytes or count > limits.members:
        raise FileFormatError(
            f"{where}: a directory of {count} members in {size} bytes, "
            f"{limits.members} in {limits.file_bytes} are allowed"
        )
    file.seek(start)
    directory = file.read(size)
    at = found = 0
    while at < len(directory):
        header = directory[at : at + 46]
        if len(header) < 46 or not header.startswith(_ENTRY):
            raise FileFormatError(f"{where}: at byte {start + at}: an entry of the directory was expected")
        name, extra, comment = struct.unpack("<3H", header[28:34])
        end = at + 46 + name + extra + comment
        if end > len(directory):
            raise FileFormatError(f"{where}: at byte {start + at}: the entry goes beyond the directory")
        encoded = directory[at + 46 : at + 46 + name]
        if not encoded.endswith(b"/"):
            member = _entry(header, encoded, directory[at + 46 + name : end - comment], where, start + at)
            if member.position >= start:
                raise FileFormatError(
                    f"{where}: at byte {start + at}: a member at {member.position}, "
                    f"which is behind the directory's beginning"
                )
            yield member
        at = end
        found += 1
    if found != count:
        raise FileFormatError(f"{where}: the directory has {found} members, its end record says {count}")


def _entry(header: bytes, encoded: bytes, extra: bytes, where: str, at: int) -> ZipMember:
    """What one entry of the directory says."""
    flags, method = struct.unpack("<2H", header[8:12])
    crc, packed, size = struct.unpack("<3I", header[16:28])
    attributes, position = struct.unpack("<2I", header[38:46])
    size, packed, position = _wide((size, packed, position), extra, where, at)
    text = encoded.decode("utf-8", "surrogateescape") if flags & _UTF8 else encoded.decode("cp437")
    parts = path_parts(where, text, at)
    where = f"{where}: member {shown(parts)} at byte {position}"
    is_link = attributes >> 16 & 0o170000 == _LINK
    return ZipMember(
        encoded, parts, where, method, bool(flags & _ENCRYPTED), crc, packed, size, position, is_link
    )


def _wide(numbers: tuple[int, ...], extra: bytes, where: str, at: int) -> tuple[int, ...]:
    """The numbers, those that do not fit 32 bits taken from the extra field of zip64."""
    missing = numbers.count(_UNKNOWN)
    while missing and len(extra) >= 4:
        kind, length = struct.unpack("<2H", extra[:4])
        if kind == _ZIP64 and length >= 8 * missing and len(extra) >= 4 + length:
            wide = iter(struct.unpack(f"<{missing}Q", extra[4 : 4 + 8 * missing]))
            return tuple(next(wide) if number == _UNKNOWN else number for number in numbers)
        extra = extra[4 + length :]
    if missing:
        raise FileFormatError(f"{where}: at byte {at}: the entry's sizes are missing")
    return numbers


def _end_record(file: io.BufferedIOBase, where: str) -> tuple[int, int, int]:
    """Position, size and entries of the directory."""
    length = file.seek(0, io.SEEK_END)
    begin = max(0, length - 22 - _LONGEST_COMMENT)
    file.seek(begin)
    tail = file.read(length - begin)
    at = tail.rfind(_END)
    record, comment = tail[at : at + 22], tail[at + 22 :]
    if at < 0 or len(record) < 22 or record[20:] != struct.pack("<H", len(comment)):
        raise FileFormatError(
            f"{where}: at byte {length}: the end record of a zip archive was expected before"
        )
    count, size, start = struct.unpack("<H2I", record[10:20])
    end = begin + at
    if _UNKNOWN in (size, start) or count == 2**16 - 1:
        start, size, count, end = _end_record64(file, where, end) or (start, size, count, end)
    if start + size != end:
        raise FileFormatError(
            f"{where}: at byte {begin + at}: the directory of {size} bytes at byte {start} "
            f"does not end at byte {end}, as it should"
        )
    return start, size, count


def _end_record64(file: io.BufferedIOBase, where: str, end: int) -> tuple[int, int, int, int] | None:
    """The same, and the record's position, from the wide end record that a locator before `end` points to."""
    file.seek(max(0, end - 20))
    locator = file.read(20)
    if not locator.startswith(_LOCATOR64) or len(locator) < 20:
        return None
    position = struct.unpack("<Q", locator[8:16])[0]
    if position > end:
        raise FileFormatError(f"{where}: at byte {end - 20}: the wide end record lies behind its locator")
    file.seek(position)
    record = file.read(56)
    if len(record) < 56 or not record.startswith(_END64):
        raise FileFormatError(f"{where}: at byte {position}: a wide end record was expected")
    count, size, start = struct.unpack("<3Q", record[32:56])
    return start, size, count, position
