"""Headers that say something else than what follows, one way of lying for each format."""

from __future__ import annotations

import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from tests.data import samples
from tests.hostile.data_samples import Sample

_NUMBERS = (0, 1, 2, 255, 256, 65535, 2**20, 2**31 - 1, 2**31, 2**32 - 1)


def _number(draw: random.Random, size: int, order: str) -> bytes:
    """A number that programs trip over, or any."""
    number = draw.choice(_NUMBERS) if draw.random() < 0.7 else draw.randrange(2**32)
    encoded = number.to_bytes(8, "big")[-size:]
    return encoded if order == "big" else encoded[::-1]


def _replaced(content: bytes, at: int, field: bytes) -> bytes:
    return content[:at] + field + content[at + len(field) :]


def idx(draw: random.Random, sample: Sample) -> None:
    content = sample.content
    at = draw.choice([2, 3, *range(4, 4 + 4 * content[3], 4)])
    field = (
        bytes([draw.choice([0, 1, 2, 3, 4, 8, 9, 11, 12, 13, 14, 255])])
        if at < 4
        else _number(draw, 4, "big")
    )
    sample.content = _replaced(content, at, field)


def cifar(draw: random.Random, sample: Sample) -> None:
    content = sample.content
    lie = draw.randrange(3)
    if lie == 0:  # a label that names no class
        sample.content = _replaced(content, draw.choice([0, 3073]), bytes([draw.randint(10, 255)]))
    elif lie == 1:
        sample.content = content + draw.randbytes(draw.randint(1, 3072))
    else:
        sample.content = content[draw.randint(1, 3072) :]


def tar(draw: random.Random, sample: Sample) -> None:
    """A field of one header is changed and its checksum made right again."""
    content = bytearray(sample.content)
    starts = [at for at in range(0, len(content), 512) if content[at + 257 : at + 262] == b"ustar"]
    start = draw.choice(starts)
    field, value = draw.choice(
        [
            (124, b"%011o\0" % draw.randrange(8**11)),
            (124, b"%011o\0" % draw.randrange(2**12)),
            (124, b"\x80" + draw.randbytes(11)),
            (124, b"\xff" + draw.randbytes(11)),
            (124, draw.randbytes(12)),
            (156, bytes([draw.randrange(256)])),
            (156, draw.choice([b"L", b"K", b"x", b"g", b"S", b"V", b"1", b"2", b"5", b"D", b"M"])),
            (257, draw.randbytes(8)),
            (345, draw.randbytes(155)),
            (0, draw.randbytes(100)),
        ]
    )
    content[start + field : start + field + len(value)] = value
    block = content[start : start + 512]
    block[148:156] = b" " * 8
    content[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    sample.content = bytes(content)


def zipped(draw: random.Random, sample: Sample) -> None:
    """A field of the end record, of the directory or of a local header is changed."""
    content = sample.content
    signature, fields = draw.choice(
        [
            (b"PK\x05\x06", ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))),
            (
                b"PK\x01\x02",
                ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (38, 4), (42, 4)),
            ),
            (b"PK\x03\x04", ((8, 2), (18, 4), (22, 4), (26, 2), (28, 2))),
        ]
    )
    start = draw.choice([match.start() for match in re.finditer(re.escape(signature), content)])
    at, size = draw.choice(fields)
    sample.content = _replaced(content, start + at, _number(draw, size, "little"))


def npz(draw: random.Random, sample: Sample) -> None:
    """The zip archive's numbers, or the header of an array inside it."""
    if draw.random() < 0.3:
        zipped(draw, sample)
        return
    with zipfile.ZipFile(BytesIO(sample.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(sorted(files))
    length = int.from_bytes(files[name][8:10], "little")
    header, values = files[name][10 : 10 + length].decode("latin-1"), files[name][10 + length :]
    lies: list[Callable[[str], str]] = [
        lambda text: re.sub(r"\(\d+", f"({draw.choice(_NUMBERS)}", text),
        lambda text: re.sub(r"\(\d+", f"(-{draw.choice(_NUMBERS)}", text),
        lambda text: re.sub(
            r"'[|<>]\w+'", repr(draw.choice(["|O", "<U9", "|V8", "<f2", "<c8", "|S9", "<M8", "x"])), text
        ),
        lambda text: re.sub(r"'[|<>]\w+'", "[('a', '|O')]", text),
        lambda text: text.replace("False", "True"),
        lambda text: text.replace("shape", "shapes"),
        lambda text: "(" * draw.choice([9, 999, 9999]),
        lambda text: text + " " * draw.choice([9, 9999, 60000]),
        lambda text: text[: draw.randrange(len(text))],
    ]
    header = draw.choice(lies)(header)
    version, width = draw.choice([(1, 2), (1, 2), (2, 4), (3, 4), (9, 2)])
    size = len(header) if draw.random() < 0.8 else draw.randrange(2**16)
    start = b"\x93NUMPY" + bytes([version, 0]) + size.to_bytes(width, "little")
    files[name] = start + header.encode("latin-1") + values
    sample.content = samples.zipped(files)


def png(draw: random.Random, sample: Sample) -> None:
    """A field of the header with its checksum made right, or the length of a chunk."""
    content = sample.content
    if draw.random() < 0.3:
        at = draw.choice([8, 33])
        sample.content = _replaced(content, at, _number(draw, 4, "big"))
        return
    at = draw.choice([16, 20, 24, 25, 26, 27, 28])
    content = _replaced(content, at, _number(draw, 4 if at < 24 else 1, "big"))
    sample.content = _replaced(content, 29, struct.pack(">I", zlib.crc32(content[12:29])))


def jpeg(draw: random.Random, sample: Sample) -> None:
    """The size or the components of the frame, or the length of a segment."""
    content = sample.content
    frame = re.search(rb"\xff[\xc0\xc2]", content)
    start = frame.start() if frame and draw.random() < 0.7 else draw.choice(_segments(content))
    sample.content = _replaced(content, start + draw.randint(2, 12), _number(draw, draw.randint(1, 2), "big"))


def _segments(content: bytes) -> list[int]:
    return [match.start() for match in re.finditer(rb"\xff[\xc0-\xcf\xda-\xfe]", content)]


def bmp(draw: random.Random, sample: Sample) -> None:
    """A field of the header."""
    at = draw.choice([2, 10, 14, 18, 22, 26, 28, 30, 34, 46, 50])
    sample.content = _replaced(sample.content, at, _number(draw, 2 if at in (26, 28) else 4, "little"))


LIES: dict[str, Callable[[random.Random, Sample], None]] = {
    "idx": idx,
    "idx.gz": idx,
    "cifar.bin": cifar,
    "cifar.tar.gz": tar,
    "npz": npz,
    "png": png,
    "jpeg": jpeg,
    "bmp": bmp,
    "tar": tar,
    "tar.gz": tar,
    "tar.xz": tar,
    "zip": zipped,
}
