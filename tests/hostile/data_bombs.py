"""Small files that would fill the memory or take hours, if one let them."""

from __future__ import annotations

import gzip
import lzma
import math
import os
import random
import struct
import tarfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from tests.data import samples
from tests.hostile.data_samples import PACK, Sample

_PIECE = 2**26
_ZEROS = bytes(_PIECE)


@cache
def _packed_zeros(packer: str) -> bytes:
    """64 MiB of zeros; such pieces may follow each other."""
    return gzip.compress(_ZEROS, 9) if packer == "gzip" else lzma.compress(_ZEROS, preset=0)


def _packed(format: str, start: bytes, pieces: int) -> bytes:
    """The start, then that many times 64 MiB of zeros, packed as the format is."""
    return PACK[format](start) + _packed_zeros("xz" if format.endswith("xz") else "gzip") * pieces


def _sparse(name: str, size: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, size)


def idx(draw: random.Random, sample: Sample) -> None:
    """A header that promises a lot, perhaps with a file of that size that takes no room on the disk."""
    content = sample.content
    extents = draw.choice([(2**28, 1, 1), (2**31, 1, 1), (2**32 - 1,) * 3, (2**24, 28, 28)])[: content[3]]
    sample.content = content[:4] + struct.pack(f">{len(extents)}I", *extents)
    size = 4 + 4 * len(extents) + math.prod(extents)
    if (size < 2**29 or 2**32 < size < 2**40) and draw.random() < 0.5:
        sample.tricks = _sparse(sample.victim, size)


def idx_gz(draw: random.Random, sample: Sample) -> None:
    """Gigabytes of zeros, honestly announced or not, or a header alone."""
    content = sample.content
    pieces = draw.choice([0, 1, 8, 64])
    extents = draw.choice([(pieces * 2**16, 32, 32), (2**32 - 1,) * 3, (1, 1, 1)])[: content[3]]
    if content[3] == 1 and extents[0] == pieces * 2**16:
        extents = (pieces * _PIECE % 2**32,)
    sample.files[sample.victim] = _packed(
        "idx.gz", content[:4] + struct.pack(f">{len(extents)}I", *extents), pieces
    )


def cifar(draw: random.Random, sample: Sample) -> None:
    """A file of gigabytes that takes no room on the disk."""
    sample.tricks = _sparse(sample.victim, 3073 * draw.choice([10**5, 10**6, 10**7]))


def _header(name: str, size: int, kind: bytes = b"0") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def _tar_start(draw: random.Random, name: str) -> bytes:
    """A header of a member, or of a header for one, whose content has gigabytes."""
    return draw.choice(
        [
            _header(name, 2**34),
            _header("readme.txt", 2**34),
            _header("long", 2**34, b"L"),
            _header("pax", 2**33, b"x"),
            _header("pax", 2**33, b"g"),
            _header("pax", 2**16, b"x") + (b"30 path=" + b"x" * 21 + b"\n") * 2185,
        ]
    )


def tar(draw: random.Random, sample: Sample) -> None:
    """A member of gigabytes, with a file that takes no room; or headers without an end."""
    if draw.random() < 0.3:
        repeated = draw.choice(
            [_header("readme.txt", 0), _header("x", 9, b"L") + b"name.png\0".ljust(512, b"\0")]
        )
        sample.content = repeated * 4096
    else:
        sample.content = _tar_start(draw, draw.choice(["a/1.png", "data_batch_1.bin"]))
        sample.tricks = _sparse(sample.victim, draw.choice([2**30, 2**35]))


@cache
def _many_headers(format: str) -> bytes:
    return PACK[format](_header("readme.txt", 0) * 2**13)


def packed_tar(draw: random.Random, sample: Sample) -> None:
    """A member of gigabytes, or a million members, packed to little."""
    if draw.random() < 0.1:
        sample.files[sample.victim] = _many_headers(sample.format) * 128
    else:
        start = _tar_start(draw, draw.choice(["a/1.png", "data_batch_1.bin"]))
        sample.files[sample.victim] = _packed(sample.format, start, draw.choice([1, 4, 64]))


def _deflated_zeros(size: int) -> bytes:
    """That many zeros, rounded up to 64 MiB; made of one piece that is repeated."""
    return _deflated_piece() * -(-size // _PIECE) + b"\3\0"


@cache
def _deflated_piece() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(_ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)


def _zip_of(names: list[str], packed: bytes, size: int, shared: bool) -> bytes:
    """An archive of members with the same content, which all may even be one and the same bytes."""
    body, directory = b"", b""
    for name in map(str.encode, names):
        numbers = struct.pack("<3I", 0, len(packed), size)
        position = 0 if shared else len(body)
        if not (shared and body):
            body += b"PK\x03\x04" + bytes(4) + b"\x08\0" + bytes(4) + numbers
            body += struct.pack("<2H", len(name), 0) + name + packed
        directory += b"PK\x01\x02" + bytes(6) + b"\x08\0" + bytes(4) + numbers
        directory += struct.pack("<5H2I", len(name), 0, 0, 0, 0, 0, position) + name
    return body + directory + b"PK\x05\x06" + struct.pack(
        "<4H2IH", 0, 0, len(names) % 2**16, len(names) % 2**16, len(directory), len(body), 0
    )  # fmt: skip


def zipped(draw: random.Random, sample: Sample) -> None:
    """Members of gigabytes, a great number of them, or many that are the same bytes."""
    bomb = draw.randrange(3)
    if bomb == 0:
        size = draw.choice([2**20, 2**26, 2**32 - 1])
        sample.content = _zip_of(["a/1.png"], _deflated_zeros(2**26), size, shared=False)
    elif bomb == 1:
        picture = samples.encoded(np.zeros((2000, 2000), np.uint8), "BMP")
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(picture) + packer.flush()
        names = [f"a/{number}.bmp" for number in range(1000)]
        sample.content = _zip_of(names, packed, len(picture), shared=True)
    else:
        names = [f"{number}" for number in range(draw.choice([100, 30_000]))]
        sample.content = _zip_of(names, b"\3\0", 0, shared=True)


def npz(draw: random.Random, sample: Sample) -> None:
    """Arrays of gigabytes, honestly announced or not."""
    size = draw.choice([2**28, 2**31, 2**32 - 200])
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size // 1024}, 32, 32)}}".encode()
    start = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = (
        packer.compress(start)
        + packer.flush(zlib.Z_FULL_FLUSH)
        + _deflated_zeros(draw.choice([0, 2**28, size]))
    )
    said = draw.choice([len(start) + size // 1024 * 1024, len(start) + 1024, 2**32 - 1])
    sample.content = _zip_of(["images.npy", "labels.npy"], packed, said, draw.random() < 0.5)


@cache
def _large_png(size: int, channels: int) -> bytes:
    kind = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">2I5B", size, size, 8, kind, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(size * channels + 1)
    body = b"".join(packer.compress(row) for _ in range(size)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(*part) for part in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(draw: random.Random, sample: Sample) -> None:
    """Too many pixels, just not too many of them, or notes that unpack to a lot."""
    bomb = draw.randrange(4)
    if bomb == 0:
        sample.content = _large_png(draw.choice([6000, 12_000]), draw.choice([1, 4]))
    elif bomb == 1 and draw.random() < 0.2:
        sample.content = _large_png(5700, 4)
    else:
        packed = zlib.compress(_ZEROS[: 2 ** draw.choice([20, 24, 26])])
        kind, start = draw.choice([(b"zTXt", b"Comment\0\0"), (b"iCCP", b"x\0\0"), (b"iTXt", b"x\0\1\0\0\0")])
        content = sample.content
        sample.content = content[:33] + _chunk(kind, start + packed) * draw.choice([1, 100]) + content[33:]


def jpeg(draw: random.Random, sample: Sample) -> None:
    """A frame of 65,500 pixels a side, or one scan after the other."""
    if draw.random() < 0.5:
        content = samples.encoded(samples.pixels(16, 16), "JPEG")
        at = content.index(b"\xff\xc0") + 5
        side = draw.choice([5700, 9000, 65_500])
        sample.content = content[:at] + struct.pack(">2H", side, side) + content[at + 4 :]
        return
    side = draw.choice([8, 3000])
    content = samples.encoded(np.zeros((side, side), np.uint8), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    sample.content = content[:last] + content[last:-2] * draw.choice([60, 300, 3000]) + content[-2:]


def bmp(draw: random.Random, sample: Sample) -> None:
    """A picture of a great size, run-length encoded to little or not there at all."""
    side = draw.choice([5000, 12_000, 30_000, 2**31 - 1])
    runs = b"\xff\x00" * draw.choice([0, 1000, side % 10**5 * 40]) + b"\0\1"
    colours = bytes(1024)
    header = struct.pack("<3I2H6I", 40, side, side, 1, 8, draw.choice([0, 1]), len(runs), 0, 0, 256, 0)
    start = struct.pack("<2sI2HI", b"BM", 54 + 1024 + len(runs), 0, 0, 54 + 1024)
    sample.content = start + header + colours + runs


BOMBS: dict[str, Callable[[random.Random, Sample], None]] = {
    "idx": idx,
    "idx.gz": idx_gz,
    "cifar.bin": cifar,
    "cifar.tar.gz": packed_tar,
    "npz": npz,
    "png": png,
    "jpeg": jpeg,
    "bmp": bmp,
    "tar": tar,
    "tar.gz": packed_tar,
    "tar.xz": packed_tar,
    "zip": zipped,
}
