"""Reads tar archives as a stream: nothing is extracted, nothing is trusted, nothing is kept.

Python's `tarfile` believes sizes inside extended headers, remembers each member, and has had loops that do
not end; a data set needs regular files in their order only, so this reads no more than those.

    block of 512 bytes:  name 0-99   size 124-135 (octal)   checksum 148-155   type 156   magic 257-262
    prefix 345-499; then the content, filled up to whole blocks; two blocks of zeros at the end

Source: POSIX.1-2017, "pax interchange format"; the GNU tar manual for long names (type L) and binary sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pellucid.data.limits import Limits
from pellucid.data.source import Encoded, shown
from pellucid.data.unpack import ByteStream
from pellucid.errors import FileFormatError

__all__ = ["Wanted", "path_parts", "tar_members"]

Wanted = Callable[[tuple[str, ...]], bool]

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_LONGEST_EXTRA = 2**16  # of an extended header, bytes
_LONGEST_NAME = 2**10
_PADDING = 2**24  # zeros after the end, to fill a tape's record
_REGULAR = (b"0", b"\0", b"7")
_FOLDER = b"5"
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", _FOLDER, b"6")
_GNU_LONG_NAME, _PAX = b"L", b"x"
_EXTENDING = (_GNU_LONG_NAME, b"K", _PAX, b"g")  # K is a long link's target, g holds for all that follows


@dataclass(frozen=True)
class _Extended:
    """What extended headers say about the member that follows them."""

    name: str | None = None
    size: int | None = None
    is_open: bool = False  # whether there was one


def tar_members(stream: ByteStream, wanted: Wanted, limits: Limits) -> Iterator[Encoded]:
    """The regular files of an archive whose path is wanted, in the archive's order.

    Args:
        stream: the archive's bytes, unpacked.
        wanted: whether a member is read, by the parts of its path; the others are passed over.
        limits: what is too large or too many.

    Raises:
        FileFormatError: damaged, truncated, too large, or a wanted member that is a link or device.
    """
    extended = _Extended()
    for _ in range(limits.members):
        start = stream.offset
        header = stream.read(_BLOCK)
        if header == _ZEROS:
            _check_end(stream, extended)
            return
        _check_header(stream, header, start)
        kind = header[156:157]
        size = _number(stream, header[124:136], start)
        if kind in _EXTENDING:
            extended = _extended(stream, kind, size, start, extended)
            continue
        name = _own_name(header) if extended.name is None else extended.name
        size = size if extended.size is None else extended.size
        extended = _Extended()
        parts = path_parts(stream.where, name, start)
        if wanted(parts) and kind != _FOLDER:
            yield _member(stream, parts, kind, size, start, limits)
        elif kind not in _WITHOUT_CONTENT:
            stream.skip(size + -size % _BLOCK, "a member")
    raise stream.error(f"more than the {limits.members} members allowed")


def _member(
    stream: ByteStream, parts: tuple[str, ...], kind: bytes, size: int, start: int, limits: Limits
) -> Encoded:
    where = f"{stream.where}: member {shown(parts)} at byte {start}"
    if kind not in _REGULAR:
        raise FileFormatError(f"{where}: it is a link or device, a regular file was expected")
    if size > limits.file_bytes:
        raise FileFormatError(f"{where}: it has {size} bytes, {limits.file_bytes} are allowed")
    content = bytes(stream.exactly(size, where))
    stream.skip(-size % _BLOCK, "padding")
    return Encoded(parts, where, content)


def path_parts(where: str, name: str, offset: int) -> tuple[str, ...]:
    """A member's path as folders and file name.

    Raises:
        FileFormatError: a path that is too long, or that leads out of the archive.

    >>> path_parts("a.tar", "./train/cat/1.png", 0)
    ('train', 'cat', '1.png')
    """
    if len(name) > _LONGEST_NAME:
        raise FileFormatError(
            f"{where}: at byte {offset}: a name of {len(name)} letters, {_LONGEST_NAME} are allowed"
        )
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise FileFormatError(f"{where}: at byte {offset}: {shown((name,))} leads out of the archive")
    return parts


def _check_header(stream: ByteStream, header: bytes, start: int) -> None:
    if len(header) < _BLOCK:
        raise FileFormatError(
            f"{stream.where}: at byte {start}: the archive ends without its mark of two empty blocks"
        )
    checksum = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    if _number(stream, header[148:156], start) != checksum:
        raise FileFormatError(
            f"{stream.where}: at byte {start}: this is no header of a tar archive (its checksum is wrong)"
        )


def _check_end(stream: ByteStream, extended: _Extended) -> None:
    """Reads what fills the archive up, which also checks the checksum of a packed one."""
    if extended != _Extended():
        raise stream.error("an extended header without the member that it belongs to")
    for _ in range(_PADDING // _BLOCK):
        if not stream.read(_BLOCK):
            return
    raise stream.error(f"more than {_PADDING} bytes follow the end of the archive")


def _number(stream: ByteStream, field: bytes, start: int) -> int:
    """A number in octal digits, or in binary with the first bit set, as GNU writes large ones."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        if not digits:
            return 0
        raise FileFormatError(f"{stream.where}: at byte {start}: a header of a tar archive was expected")
    return int(digits, 8)


def _extended(stream: ByteStream, kind: bytes, size: int, start: int, before: _Extended) -> _Extended:
    """What an extended header, and those before it, say about the member that follows."""
    if size > _LONGEST_EXTRA:
        raise FileFormatError(
            f"{stream.where}: at byte {start}: an extended header of {size} bytes is too long"
        )
    content = bytes(stream.exactly(size, "an extended header"))
    stream.skip(-size % _BLOCK, "padding")
    if kind == _GNU_LONG_NAME:
        return replace(before, name=_text(content.split(b"\0", 1)[0]), is_open=True)
    if kind == _PAX:
        return _pax(stream, content, start, before)
    return replace(before, is_open=True)


def _pax(stream: ByteStream, content: bytes, start: int, before: _Extended) -> _Extended:
    """Name and size with what the records `LENGTH KEY=VALUE` say about them, each a line."""
    name, size = before.name, before.size
    at = 0
    while at < len(content):
        digits, _, _ = content[at : at + 8].partition(b" ")
        end = at + int(digits) if digits.isdigit() else at
        key, is_record, value = content[at + len(digits) + 1 : end].partition(b"=")
        if end <= at or end > len(content) or not is_record or not value.endswith(b"\n"):
            raise FileFormatError(f"{stream.where}: at byte {start}: a damaged extended header")
        value = value[:-1]
        if key == b"path":
            name = _text(value)
        elif key == b"size" or key.startswith(b"GNU.sparse"):
            if key != b"size" or not value.isdigit() or len(value) > 18:
                raise FileFormatError(
                    f"{stream.where}: at byte {start}: an extended header with "
                    f"{shown((_text(key),))} that cannot be read"
                )
            size = int(value)
        at = end
    return _Extended(name, size, is_open=True)


def _own_name(header: bytes) -> str:
    name = _text(header[:100].split(b"\0", 1)[0])
    prefix = header[345:500].split(b"\0", 1)[0] if header[257:263] == b"ustar\0" else b""
    return f"{_text(prefix)}/{name}" if prefix else name


def _text(encoded: bytes) -> str:
    return encoded.decode("utf-8", "surrogateescape")
