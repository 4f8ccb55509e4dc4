"""The bytes of a file in order, unpacked from gzip or xz if need be, never more of them than asked for."""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from pellucid.data.limits import Limits
from pellucid.errors import FileFormatError

__all__ = ["ByteStream", "Readable", "inflated", "unpacked"]

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"
_XZ_MEMORY = 2**27  # `xz -9` needs half of it
_PIECE = 2**20


class Readable(Protocol):
    """Anything that bytes can be read from, in order."""

    def read(self, size: int, /) -> bytes | None:
        """Up to `size` bytes; none at the end."""


class ByteStream:
    """Reads forward, counts, and turns what a decompressor complains about into one sentence."""

    def __init__(self, raw: Readable, where: str, limit: int, size: int | None = None) -> None:
        """`where` begins each error; more than `limit` bytes are refused; `size` is None if not known yet."""
        self.where = where
        self.offset = 0
        self.limit = limit
        self.size = size
        self._raw = raw

    def error(self, what: str) -> FileFormatError:
        """An error at the present offset."""
        return FileFormatError(f"{self.where}: at byte {self.offset}: {what}")

    def read(self, size: int) -> bytes:
        """Up to `size` bytes: fewer only at the end."""
        content = bytearray()
        while len(content) < size:
            piece = self._piece(min(size - len(content), _PIECE))
            if not piece:
                break
            content += piece
        return bytes(content)

    def exactly(self, size: int, what: str) -> bytearray:
        """Precisely `size` bytes of `what`.

        The memory grows with what is really there, so a header that lies costs nothing.
        """
        content = bytearray()
        while len(content) < size:
            content += self._next(size - len(content), what)
        return content

    def skip(self, size: int, what: str) -> None:
        """Reads `size` bytes of `what` and forgets them."""
        while size:
            size -= len(self._next(size, what))

    def end(self, what: str) -> None:
        """Makes sure that nothing follows; this also checks the checksums of packed files."""
        if self._piece(1):
            raise self.error(f"more bytes follow than {what} has")

    def _next(self, size: int, what: str) -> bytes:
        piece = self._piece(min(size, _PIECE))
        if not piece:
            raise self.error(f"the file ends, {size} more bytes of {what} were expected")
        return piece

    def _piece(self, size: int) -> bytes:
        try:
            piece = self._raw.read(size) or b""
        except EOFError as error:
            raise self.error("the packed data ends too early") from error
        except (zlib.error, lzma.LZMAError) as error:
            raise self.error(f"the packed data is damaged ({error})") from error
        self.offset += len(piece)
        if self.offset > self.limit:
            raise FileFormatError(f"{self.where}: it unpacks to more than the {self.limit} bytes allowed")
        return piece


class _FileStream(ByteStream):
    """The bytes of a file that is not packed: what is skipped is not even read."""

    def __init__(self, file: io.BufferedIOBase, where: str, limit: int, size: int) -> None:
        super().__init__(file, where, limit, size)
        self._file = file
        self._end = size

    def skip(self, size: int, what: str) -> None:
        missing = self.offset + size - self._end
        if missing > 0:
            self.offset = self._end
            raise self.error(f"the file ends, {missing} more bytes of {what} were expected")
        self.offset += size
        self._file.seek(self.offset)


class _Unpacker(Protocol):
    """What `lzma.LZMADecompressor` offers."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Inflater:
    """zlib's decompressor with the manners of lzma's: it keeps the input that it has not used yet."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Unpacked(io.RawIOBase):
    """The content of one packed stream, or of several in a row with zeros between them.

    Unlike `gzip.GzipFile` it does not crawl through headers and zeros byte by byte, and unlike
    `lzma.LZMAFile` it refuses an xz header that asks for gigabytes of memory.
    """

    def __init__(self, file: Readable, fresh: Callable[[], _Unpacker]) -> None:
        self._file = file
        self._fresh = fresh
        self._unpacker = fresh()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while True:
            packed = b""
            if self._unpacker.eof:
                packed = self._unpacker.unused_data.lstrip(b"\0") or self._packed().lstrip(b"\0")
                if not packed:
                    return 0
                self._unpacker = self._fresh()
            elif self._unpacker.needs_input:
                packed = self._packed()
            content = self._unpacker.decompress(packed, len(buffer))
            if content:
                buffer[: len(content)] = content
                return len(content)
            if not packed and self._unpacker.needs_input and not self._unpacker.eof:
                raise EOFError

    def _packed(self) -> bytes:
        return self._file.read(2**16) or b""


def _gzip() -> _Unpacker:
    return _Inflater(16 + zlib.MAX_WBITS)


def _deflate() -> _Unpacker:
    return _Inflater(-zlib.MAX_WBITS)


def _xz() -> _Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def inflated(file: Readable) -> Readable:
    """The content of deflated bytes without a header, as zip members are."""
    return io.BufferedReader(_Unpacked(file, _deflate), 2**16)


def unpacked(file: io.BufferedIOBase, where: str, limits: Limits) -> ByteStream:
    """The content of a file that is packed with gzip, with xz or not at all, as its first bytes say.

    Args:
        file: open for reading, at its beginning.
        where: begins each error, usually the path.
        limits: what is too large.

    >>> import gzip
    >>> unpacked(io.BytesIO(gzip.compress(b"hello")), "greeting.gz", Limits()).read(99)
    b'hello'
    """
    head = file.read(len(_XZ))
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    for magic, unpacker in ((_GZIP, _gzip), (_XZ, _xz)):
        if head.startswith(magic):
            content = io.BufferedReader(_Unpacked(file, unpacker), _PIECE)
            return ByteStream(content, where, limits.unpacked(size))
    return _FileStream(file, where, limits.total_bytes, size)
