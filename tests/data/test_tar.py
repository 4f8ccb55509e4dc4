from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data import Limits
from pellucid.data.source import is_image
from pellucid.data.tar import tar_members
from pellucid.data.unpack import unpacked
from pellucid.errors import FileFormatError
from tests.data.samples import tar

LIMITS = Limits(file_bytes=10_000, members=50)
FILES = {"a/1.png": b"first", "a/notes.txt": b"x" * 700, "b/2.png": b"y" * 512, "b/3.png": b""}


def members(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    stream = unpacked(io.BytesIO(data), "a.tar", Limits())
    return {"/".join(parts): content for parts, _, content in tar_members(stream, is_image, limits)}


def header(name: str, size: int = 0, kind: bytes = b"0", pax: dict[str, str] | None = None) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.pax_headers = size, kind, pax or {}
    return info.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT)


def patched(data: bytes, at: int, field: bytes) -> bytes:
    """The archive with a field of its first header replaced, and the checksum made right again."""
    block = bytearray(data[:512])
    block[at : at + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_images_are_read_and_the_rest_is_passed_over(format: int) -> None:
    long_name = "/".join(["folder" * 5] * 5) + "/1.png"
    wanted = {name: content for name, content in FILES.items() if name.endswith(".png")} | {
        long_name: b"deep"
    }
    assert members(tar({**FILES, long_name: b"deep"}, format)) == wanted


@given(
    names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), max_size=4),
    sizes=st.lists(st.integers(0, 2000), min_size=4, max_size=4),
)
def test_whatever_python_writes_is_read(names: list[str], sizes: list[int]) -> None:
    files = {f"z{name}.png": b"c" * size for name, size in zip(names, sizes, strict=False)}
    assert members(tar(files)) == files


def test_folders_links_and_devices_that_are_no_images_are_passed_over() -> None:
    blocks = [header("a", kind=kind) for kind in (b"1", b"2", b"3", b"4", b"5", b"6")]
    assert members(b"".join(blocks) + header("a.png", 3) + b"abc".ljust(512, b"\0") + bytes(1024)) == {
        "a.png": b"abc"
    }


def test_the_size_in_an_extended_header_counts() -> None:
    first = header("a.png", 0, pax={"size": "3"})
    assert members(first + b"abc".ljust(512, b"\0") + bytes(1024)) == {"a.png": b"abc"}


@pytest.mark.parametrize("size", range(0, len(tar(FILES)) - 10240 + 4200, 101))
def test_truncated_anywhere_before_its_end(size: int) -> None:
    with pytest.raises(FileFormatError, match=r"a\.tar: "):
        members(tar(FILES)[: min(size, tar(FILES).rindex(b"3.png") + 511)])


def test_each_changed_byte_of_a_header_is_noticed() -> None:
    data = tar({"a.png": b"abc"}, tarfile.USTAR_FORMAT)
    for at in range(512):
        changed = bytearray(data)
        changed[at] ^= 0x01
        if bytes(changed[148:156]).strip(b" \0") == data[148:156].strip(b" \0"):
            continue  # the filling behind the checksum's digits
        with pytest.raises(FileFormatError, match="at byte 0"):
            members(bytes(changed))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "at byte 0: the archive ends without its mark"),
        (b"no archive" * 100, "at byte 0: a header of a tar archive was expected"),
        (header("a.png", 10_001) + bytes(1024), "10001 bytes, 10000 are allowed"),
        (header("a.png", 9_000) + bytes(1024), "the file ends, 7976 more bytes"),
        (header("notes", 2**40) + bytes(1024), "more bytes of a member"),
        (header("a.png", kind=b"1") + bytes(1024), "member a.png at byte 0: it is a link or device"),
        (header("a.png", kind=b"2") + bytes(1024), "it is a link or device"),
        (header("a.png", kind=b"3") + bytes(1024), "it is a link or device"),
        (header("a.png", kind=b"S") + bytes(1024), "it is a link or device"),
        (header("../a.png") + bytes(1024), r"\.\./a\.png leads out of the archive"),
        (header("a/../../a.png") + bytes(1024), "leads out of the archive"),
        (header("x", 2**33, kind=b"L") + bytes(1024), "an extended header of 8589934592 bytes is too long"),
        (header("x", 2**33, kind=b"x") + bytes(1024), "is too long"),
        (header("a" * 1100 + ".png") + bytes(1024), "a name of 1104 letters"),
        (header("a.png", pax={"size": "x"}) + bytes(1024), "extended header with size"),
        (header("a.png", pax={"GNU.sparse.size": "3"}) + bytes(1024), r"GNU\.sparse\.size"),
        (header("x", 0, kind=b"g") + bytes(1024), "an extended header without the member"),
        (header("x", 6, kind=b"L") + b"a.png".ljust(512, b"\0") + bytes(1024), "an extended header without"),
        (header("x", 9, kind=b"x") + b"99 size=1".ljust(512, b"\0"), "damaged extended header"),
        (header("x", 4, kind=b"x") + b"0 a=".ljust(512, b"\0"), "damaged extended header"),
        (header("x", 9, kind=b"x") + b"9 size_1\n".ljust(512, b"\0"), "damaged extended header"),
        (patched(header("a.png"), 124, b"\xff" * 12), "a header of a tar archive was expected"),
        (patched(header("a.png"), 124, b"\x80" + b"\xff" * 11) + bytes(1024), "are allowed"),
        (patched(header("a.png"), 124, b"0000000009\0\0"), "a header of a tar archive was expected"),
        (header("notes") * 50 + bytes(1024), "more than the 50 members allowed"),
        (bytes(2**24 + 1024), "bytes follow the end of the archive"),
    ],
)
def test_archives_that_are_not_what_the_format_requires(data: bytes, sentence: str) -> None:
    with pytest.raises(FileFormatError, match=rf"a\.tar.*{sentence}"):
        members(data)


def test_a_name_with_control_characters_is_shown_without_them() -> None:
    with pytest.raises(FileFormatError) as error:
        members(header("a\x1b[2J\n.png", kind=b"1") + bytes(1024))
    assert str(error.value).isprintable()
