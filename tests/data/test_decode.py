from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pellucid.data import Limits
from pellucid.data.decode import decoded
from pellucid.errors import FileFormatError
from tests.data.samples import encoded, file_of, pixels

LIMITS = Limits()
GRAY, RGB, RGBA = pixels(6, 5), pixels(6, 5, 3), pixels(6, 5, 4)


def values(data: bytes, limits: Limits = LIMITS) -> Any:
    image = decoded(data, "picture", limits)
    assert image.mode == ("L" if np.asarray(image).ndim == 2 else "RGB")
    return np.asarray(image).tolist()


@pytest.mark.parametrize("format", ["PNG", "BMP"])
def test_gray_and_colour_come_as_they_are(format: str) -> None:
    assert values(encoded(GRAY, format)) == GRAY.tolist()
    assert values(encoded(RGB, format)) == RGB.tolist()


def test_jpeg_comes_close() -> None:
    smooth = np.linspace(0, 255, 64 * 48).reshape(64, 48).astype(np.uint8)
    assert np.abs(np.array(values(encoded(smooth, "JPEG", quality=95))) - smooth).max() < 6
    assert np.shape(values(encoded(np.dstack([smooth] * 3), "JPEG", progressive=True))) == (64, 48, 3)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    deep = np.array([[0, 127, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    expected = np.floor(deep / 257 + 0.5).astype(int)
    assert values(encoded(deep)) == expected.tolist()


def test_one_bit() -> None:
    assert values(file_of(Image.fromarray(GRAY > 128))) == np.where(GRAY > 128, 255, 0).tolist()


def test_a_palette_is_gray_if_all_its_colours_are() -> None:
    image = Image.fromarray(GRAY % 4, "P")
    image.putpalette([0, 0, 0, 9, 9, 9, 90, 90, 90, 255, 255, 255])
    assert values(file_of(image)) == np.array([0, 9, 90, 255])[GRAY % 4].tolist()
    image.putpalette([0, 0, 0, 9, 9, 8, 90, 90, 90, 255, 255, 255])
    assert np.shape(values(file_of(image))) == (6, 5, 3)


def test_transparency_is_laid_over_white() -> None:
    alpha = RGBA[..., 3:] / 255
    expected = np.rint(RGBA[..., :3] * alpha + 255 * (1 - alpha))
    assert np.abs(np.array(values(encoded(RGBA))) - expected).max() <= 1
    gray = np.dstack([GRAY, np.full_like(GRAY, 255)])
    gray[0, 0, 1] = 0
    assert values(file_of(Image.fromarray(gray, "LA")))[0][0] == 255
    assert values(file_of(Image.fromarray(gray, "LA")))[1] == GRAY[1].tolist()


def test_a_transparent_colour_becomes_white() -> None:
    assert values(encoded(np.array([[7, 8]], np.uint8), transparency=7)) == [[255, 8]]
    assert values(encoded(np.array([[700, 65535 * 8 // 255]], np.uint16), transparency=700)) == [[255, 8]]
    colours = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert values(encoded(colours, transparency=(1, 2, 3))) == [[[255, 255, 255], [4, 5, 6]]]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    assert values(file_of(palette, transparency=b"\x00\xff")) == [[[255, 255, 255], [40, 50, 60]]]


def test_cmyk_becomes_rgb() -> None:
    assert np.shape(values(file_of(Image.fromarray(RGBA, "CMYK"), "JPEG"))) == (6, 5, 3)


def arrow() -> Image.Image:
    """A picture of which no two turns are alike."""
    image = Image.new("L", (32, 16))
    ImageDraw.Draw(image).rectangle((0, 0, 20, 4), fill=255)
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_exif_turns_the_image_upright(orientation: int, format: str) -> None:
    stored = {
        1: np.asarray(arrow()),
        2: np.asarray(arrow())[:, ::-1],
        3: np.asarray(arrow())[::-1, ::-1],
        4: np.asarray(arrow())[::-1],
        5: np.asarray(arrow()).T,
        6: np.rot90(np.asarray(arrow()), 1),
        7: np.asarray(arrow())[::-1, ::-1].T,
        8: np.rot90(np.asarray(arrow()), -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = np.array(values(encoded(np.ascontiguousarray(stored), format, exif=exif)))
    assert upright.shape == (16, 32)
    assert (np.abs(upright - np.asarray(arrow())) < 60).all()


def test_a_damaged_note_does_not_matter() -> None:
    assert values(encoded(GRAY, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")) == GRAY.tolist()


def test_transparency_of_a_turned_image() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    assert values(encoded(np.array([[7, 8]], np.uint8), transparency=7, exif=exif)) == [[8, 255]]


def png_header(width: int, height: int) -> bytes:
    data = encoded(GRAY)
    header = b"IHDR" + struct.pack(">2I", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no PNG, JPEG or BMP"),
        (b"GIF89a" + bytes(100), "no PNG, JPEG or BMP"),
        (file_of(Image.fromarray(GRAY), "GIF"), "no PNG, JPEG or BMP"),
        (file_of(Image.fromarray(GRAY), "TIFF"), "no PNG, JPEG or BMP"),
        (encoded(RGB, "PNG")[:60], "picture: at byte 33: the file ends"),
        (encoded(RGB, "PNG")[:-1], "the file ends, but the image does not"),
        (encoded(RGB, "PNG").replace(b"IDAT", b"IDOT"), "at byte 33: the checksum of a part is wrong"),
        (encoded(pixels(64, 64), "JPEG")[:1000], "at byte 1000: the file ends, but the image does not"),
        (encoded(pixels(64, 64), "JPEG")[:-2], "the file ends, but the image does not"),
        (encoded(RGB, "BMP")[:-40], "cannot be decoded"),
        (png_header(2**13, 2**13), "8192 x 8192 pixels, 33554432 are allowed"),
        (png_header(2**31 - 1, 2**31 - 1), "picture: "),
        (png_header(0, 5), "picture: "),
    ],
)
def test_what_cannot_be_decoded(data: bytes, sentence: str) -> None:
    with pytest.raises(FileFormatError, match=sentence):
        values(data)


def test_the_cap_is_the_limits() -> None:
    assert values(encoded(GRAY), Limits(pixels=30)) == GRAY.tolist()
    with pytest.raises(FileFormatError, match="6 x 5 pixels, 29 are allowed"):
        values(encoded(GRAY), Limits(pixels=29))


def progressive(scans: int) -> bytes:
    """A JPEG file whose last scan comes again and again."""
    data = encoded(pixels(16, 16), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def test_endless_scans_are_refused() -> None:
    assert np.shape(values(progressive(20))) == (16, 16)
    with pytest.raises(FileFormatError, match="scans, which is more than any camera makes"):
        values(progressive(300))
    with pytest.raises(FileFormatError, match="scans"):
        values(progressive(50), Limits(pixels=256))


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"quality": 100}]
)
def test_no_truncated_jpeg_passes(options: dict[str, Any]) -> None:
    data = encoded(pixels(40, 30, 3), "JPEG", **options)
    assert np.shape(values(data)) == (40, 30, 3)
    assert np.shape(values(data + b"behind the image \xff\xda")) == (40, 30, 3)
    for size in range(len(data)):
        with pytest.raises(FileFormatError, match="picture: "):
            values(data[:size])


def test_each_changed_byte_of_a_png_is_noticed() -> None:
    data = encoded(RGB)
    for at in range(len(data)):
        with pytest.raises(FileFormatError, match="picture: "):
            values(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])


def test_a_decompressed_note_cannot_fill_the_memory() -> None:
    data = encoded(GRAY)
    note = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(10**8))
    chunk = struct.pack(">I", len(note) - 4) + note + struct.pack(">I", zlib.crc32(note))
    with pytest.raises(FileFormatError, match="cannot be decoded"):
        values(data[:33] + chunk + data[33:])


def test_pillows_own_settings_are_left_alone() -> None:
    before = Image.MAX_IMAGE_PIXELS
    values(encoded(GRAY))
    assert before == Image.MAX_IMAGE_PIXELS
    assert Image.open(io.BytesIO(encoded(GRAY))).size == (5, 6)
