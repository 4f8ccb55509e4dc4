from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data import Limits
from pellucid.data.unpack import ByteStream, inflated, unpacked
from pellucid.errors import FileFormatError

CONTENT = bytes(range(256)) * 300
PACKERS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress}


def stream_of(data: bytes, limit: int = 10**6) -> ByteStream:
    return unpacked(io.BytesIO(data), "file", Limits(total_bytes=limit))


def read_all(data: bytes) -> bytes:
    stream = stream_of(data)
    content = bytes(stream.exactly(len(CONTENT), "content"))
    stream.end("file")
    return content


@pytest.mark.parametrize("packer", PACKERS)
@given(sizes=st.lists(st.integers(1, 90_000), max_size=5))
def test_any_sequence_of_reads_gives_the_content(packer: str, sizes: list[int]) -> None:
    stream = stream_of(PACKERS[packer](CONTENT))
    at = 0
    for size in sizes:
        assert stream.read(size) == CONTENT[at : at + size]
        at = min(at + size, len(CONTENT))
        assert stream.offset == at
    stream.skip(len(CONTENT) - at, "rest")
    stream.end("file")


@pytest.mark.parametrize("packer", ["gzip", "xz"])
def test_streams_in_a_row_are_one_content(packer: str) -> None:
    data = PACKERS[packer](b"one ") + b"\0" * 8 + PACKERS[packer](b"two")
    assert stream_of(data).read(100) == b"one two"


@pytest.mark.parametrize("packer", ["gzip", "xz"])
def test_each_truncation_is_noticed(packer: str) -> None:
    data = PACKERS[packer](CONTENT)
    for size in range(8, len(data)):
        with pytest.raises(FileFormatError, match="file: at byte"):
            read_all(data[:size])


@pytest.mark.parametrize("packer", ["gzip", "xz"])
def test_each_changed_byte_of_the_packed_data_is_noticed_or_means_nothing(packer: str) -> None:
    data = PACKERS[packer](CONTENT)
    for at in range(10, len(data)):  # what comes before says when and how it was packed
        changed = bytearray(data)
        changed[at] ^= 0x55
        try:
            assert read_all(bytes(changed)) == CONTENT
        except FileFormatError:
            continue


def test_more_than_the_limit_is_refused_before_it_is_kept() -> None:
    bomb = gzip.compress(bytes(10**7))
    with pytest.raises(FileFormatError, match="unpacks to more than the 1000 bytes allowed"):
        stream_of(bomb, limit=1000).exactly(10**7, "content")


def test_an_xz_header_cannot_ask_for_gigabytes() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    data = lzma.compress(b"small", filters=filters)
    with pytest.raises(FileFormatError, match="damaged"):
        stream_of(data).read(1)


def test_deflated_content_without_a_header() -> None:
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(CONTENT) + packer.flush()
    assert ByteStream(inflated(io.BytesIO(data)), "file", 10**6).read(10**6) == CONTENT


def test_what_is_missing_and_what_is_too_much_is_said_with_the_offset() -> None:
    stream = stream_of(b"abcdef")
    assert stream.size == 6
    assert stream.exactly(4, "letters") == b"abcd"
    with pytest.raises(
        FileFormatError, match="at byte 6: the file ends, 1 more bytes of digits were expected"
    ):
        stream.exactly(3, "digits")
    stream = stream_of(b"abcdef")
    stream.skip(4, "letters")
    with pytest.raises(FileFormatError, match="at byte 5: more bytes follow than the header has"):
        stream.end("the header")
