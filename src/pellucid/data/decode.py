"""One image file, decoded by Pillow under guard: three formats, a cap on the pixels, no warnings.

What becomes of each kind of image:

    gray, 1 to 8 bits    as it is, 0..255
    gray, 16 bits        v * 255 / 65535, rounded
    palette              its colours; gray if all of them are gray
    colour, 16 bits      the upper 8 bits
    transparent          laid over white
    CMYK                 converted to RGB
    rotated by EXIF      turned upright
    animated             the first picture
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from pellucid.data.integrity import check_png, is_jpeg, is_png, jpeg_scans
from pellucid.data.limits import Limits
from pellucid.data.source import printable
from pellucid.errors import FileFormatError, PellucidError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["decoded", "flat"]

_FORMATS = ("PNG", "JPEG", "BMP")
_MOST_SCANS = 256
_EXIF_ORIENTATION = 0x0112


def decoded(data: bytes, where: str, limits: Limits) -> Image:
    """The image in a file's bytes, upright, of Pillow's mode "L" (gray) or "RGB".

    Args:
        data: the file's content.
        where: begins each error, usually the path.
        limits: what is too large.

    Raises:
        FileFormatError: no PNG, JPEG or BMP image, a damaged one, or one of too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    if is_png(data):
        check_png(data, where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large and odd files; here they are errors or fine
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_work(image, data, where, limits)
                image.load()
                return flat(_upright(image))
        except (PellucidError, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise FileFormatError(f"{where}: this is no PNG, JPEG or BMP image") from error
        except Exception as error:  # damaged files make Pillow raise whatever its parsers stumble over
            reason = printable(str(error))[:200] or type(error).__name__
            raise FileFormatError(f"{where}: the image cannot be decoded ({reason})") from error


def _check_work(image: Image, data: bytes, where: str, limits: Limits) -> None:
    """Refuses an image that takes too much memory or time to decode."""
    pixels = image.width * image.height
    if pixels > limits.pixels:
        raise FileFormatError(
            f"{where}: the image has {image.height} x {image.width} pixels, {limits.pixels} are allowed"
        )
    # Each scan of a progressive JPEG file goes over all pixels, however few bytes it has.
    scans = jpeg_scans(data, where) if is_jpeg(data) else 0
    if scans > _MOST_SCANS or scans * pixels > 16 * limits.pixels:
        raise FileFormatError(f"{where}: the image has {scans} scans, which is more than any camera makes")


def _upright(image: Image) -> Image:
    """The image as its EXIF orientation asks for."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # a damaged note beside a sound image; viewers pass over it too
        return image
    return image if turn is None else _with_notes(image.transpose(turn), image)


def _with_notes(turned: Image, image: Image) -> Image:
    """The turned image with the transparency that the file stated for it."""
    turned.info = dict(image.info)
    return turned


def flat(image: Image) -> Image:
    """The image without palette, transparency and extra bits: gray or RGB, 8 bits a channel."""
    from PIL import Image as Images

    if image.mode.startswith("I"):
        return _eight_bits(image)
    gray = image.mode in ("1", "L", "LA", "La") or (image.mode == "P" and _has_gray_palette(image))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        white = Images.new("RGBA", image.size, "white")
        image = Images.alpha_composite(white, image.convert("RGBA"))
    mode = "L" if gray else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(image: Image) -> Image:
    """A gray image of 16 bits with 8; its transparent value, if it has one, becomes white."""
    from PIL import Image as Images

    values = np.asarray(image).clip(0, 65535).astype(np.uint32)
    gray = ((values + 128) // 257).astype(np.uint8)
    if "transparency" in image.info:
        gray[values == image.info["transparency"]] = 255
    return Images.fromarray(gray)


def _has_gray_palette(image: Image) -> bool:
    palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())
