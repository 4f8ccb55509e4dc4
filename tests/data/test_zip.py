from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest

from pellucid.data import Limits
from pellucid.data.source import is_image
from pellucid.data.zip import zip_members
from pellucid.errors import FileFormatError
from tests.data.samples import zipped

LIMITS = Limits(file_bytes=10_000, members=50)
FILES = {"a/1.png": b"first" * 100, "a/notes.txt": b"x" * 700, "b/": b"", "b/2.png": b"y", "ž/3.png": b""}
IMAGES = {name: content for name, content in FILES.items() if name.endswith(".png")}


def members(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    found = zip_members(io.BytesIO(data), "a.zip", is_image, limits)
    return {"/".join(parts): content for parts, _, content in found}


def patched(data: bytes, signature: bytes, at: int, field: bytes) -> bytes:
    start = data.index(signature) + at
    return data[:start] + field + data[start + len(field) :]


ONE = zipped({"a.png": b"content" * 20})
ENTRY, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_images_are_read_and_the_rest_is_passed_over(method: int) -> None:
    assert members(zipped(FILES, method)) == IMAGES


def commented(comment: bytes) -> bytes:
    stream = io.BytesIO(zipped(FILES))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = comment
    return stream.getvalue()


def test_a_comment_at_the_end() -> None:
    assert members(commented(b"holiday photographs")) == IMAGES
    with pytest.raises(FileFormatError, match="end record"):  # of two that are possible none is guessed
        members(commented(b"PK\x05\x06 is how the end record begins"))


def wide(files: dict[str, bytes]) -> bytes:
    """An archive as others write large ones: each number in the zip64 fields, none in the narrow ones."""
    data = zipped(files, zipfile.ZIP_STORED)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    start = data.index(ENTRY)
    directory = b""
    for info in infos:
        name = info.filename.encode()
        extra = struct.pack(
            "<2H2H3Q", 0x5455, 0, 1, 24, info.file_size, info.compress_size, info.header_offset
        )
        fixed = struct.pack("<4s6H3I5H2I", ENTRY, 45, 45, 0x0800, 0, 0, 0, info.CRC, 2**32 - 1, 2**32 - 1,
                            len(name), len(extra), 0, 0, 0, 0, 2**32 - 1)  # fmt: skip
        directory += fixed + name + extra
    record = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, len(infos), len(infos), len(directory), start
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(directory), 1)
    end = struct.pack("<4s4H2IH", END, 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    return data[:start] + directory + record + locator + end


def test_wide_numbers_are_read() -> None:
    assert members(wide(FILES)) == IMAGES


@pytest.mark.parametrize("size", range(0, len(zipped(FILES)), 7))
def test_truncated_anywhere(size: int) -> None:
    with pytest.raises(FileFormatError, match=r"a\.zip: "):
        members(zipped(FILES)[:size])


@pytest.mark.parametrize("data", [zipped(IMAGES), zipped(IMAGES, zipfile.ZIP_STORED), wide(IMAGES)])
def test_each_changed_byte_is_noticed_or_leaves_the_contents_alone(data: bytes) -> None:
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x04
        try:
            contents = members(bytes(changed))
        except FileFormatError:
            continue
        assert set(contents.values()) <= set(IMAGES.values())


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "at byte 0: the end record of a zip archive was expected"),
        (ONE + b"!", "end record"),
        (patched(ONE, END, 10, b"\2\0"), "1 members, its end record says 2"),
        (patched(ONE, END, 12, b"\0"), "does not end at byte"),
        (patched(ONE, END, 16, b"\xff\xff\xff\xff"), "does not end at byte"),
        (patched(ONE, ENTRY, 0, b"XXXX"), "an entry of the directory was expected"),
        (patched(ONE, ENTRY, 28, b"\xff\xff"), "goes beyond the directory"),
        (patched(ONE, ENTRY, 42, b"\xff\xff\xff\x7f"), "behind the directory's beginning"),
        (patched(ONE, ENTRY, 42, b"\x01"), "no member begins there"),
        (patched(ONE, ENTRY, 24, b"\xff\xff\xff\xff"), "the entry's sizes are missing"),
        (patched(ONE, ENTRY, 24, b"\0\0\1\0"), "65536 bytes, 10000 are allowed"),
        (patched(ONE, ENTRY, 24, b"\x8b"), "unpacks to more than the 139 bytes allowed"),
        (patched(ONE, ENTRY, 24, b"\x8d"), "the packed data ends too early"),
        (patched(ONE, ENTRY, 20, b"\x05\0"), "the packed data ends too early"),
        (patched(ONE, ENTRY, 16, b"\0\0\0\0"), "wrong checksum"),
        (patched(ONE, ENTRY, 10, b"\0\0"), "a stored file of 140 bytes in"),
        (patched(ONE, ENTRY, 10, b"\x0e\0"), "this one is method 14"),
        (patched(ONE, ENTRY, 8, b"\1\0"), "this one is encrypted"),
        (patched(ONE, ENTRY, 38, b"\0\0\xff\xa1"), "this one is a link"),
        (patched(ONE, LOCAL, 0, b"XXXX"), "no member begins there"),
        (patched(ONE, LOCAL, 30, b"b"), "another name there than in the directory"),
        (zipped({"../a.png": b""}), r"\.\./a\.png leads out of the archive"),
        (zipped({"a" * 1100 + ".png": b""}), "a name of 1104 letters"),
        (zipped({f"{n}.png": b"" for n in range(51)}), "51 members"),
        (patched(wide(IMAGES), b"PK\x06\x07", 8, b"\xff" * 8), "lies behind its locator"),
        (patched(wide(IMAGES), b"PK\x06\x06", 0, b"XXXX"), "a wide end record was expected"),
        (patched(wide(IMAGES), b"PK\x06\x06", 40, b"\xff" * 8), "does not end at byte"),
        (patched(wide(IMAGES), b"PK\x06\x06", 48, b"\xff" * 8), "does not end at byte"),
    ],
)
def test_archives_that_are_not_what_the_format_requires(data: bytes, sentence: str) -> None:
    with pytest.raises(FileFormatError, match=rf"a\.zip: .*{sentence}"):
        members(data)


def test_a_member_unpacks_to_no_more_than_it_says() -> None:
    bomb = zipped({"a.png": bytes(10**7)})
    lying = patched(bomb, ENTRY, 16, struct.pack("<3I", zlib.crc32(bytes(100)), 9_000, 100))
    with pytest.raises(FileFormatError):
        members(lying)
