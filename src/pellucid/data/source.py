"""Files as they come from outside: opened only when regular, named so that a terminal can show it."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pellucid.errors import PellucidError, ResourceError
from pellucid.files import open_regular, resource_error

__all__ = [
    "IMAGE_SUFFIXES",
    "Encoded",
    "foreign_image",
    "is_image",
    "md5",
    "opened",
    "printable",
    "shown",
    "unreadable",
]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
_LONGEST_SHOWN = 100
_FOREIGN_SUFFIXES = frozenset({".avif", ".gif", ".heic", ".jp2", ".tif", ".tiff", ".webp"})


class Encoded(NamedTuple):
    """One image file, still encoded."""

    parts: tuple[str, ...]  # its path inside the set: folders, then the file's name
    where: str  # for errors: the file, or the archive, member and offset
    data: bytes


def printable(text: str) -> str:
    """The text with U+FFFD for each character that is no visible one or space: controls, lone surrogates.

    >>> printable("cat" + chr(27) + "[2J")
    'cat\ufffd[2J'
    """
    if text.isprintable():
        return text
    hidden = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
    return "".join("\ufffd" if unicodedata.category(letter) in hidden else letter for letter in text)


def shown(parts: tuple[str, ...]) -> str:
    """A member's path for an error: printable, and short even if the name is not.

    >>> shown(("cat", "1.png"))
    'cat/1.png'
    """
    name = printable("/".join(parts))
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..."


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_image(parts: tuple[str, ...]) -> bool:
    """Whether a path of a set is one of an image, by its name; hidden files and folders are none.

    >>> is_image(("cat", "1.PNG")), is_image(("cat", "._1.png")), is_image(("readme.txt",))
    (True, False, False)
    """
    return not _hidden(parts) and _suffix(parts[-1]) in IMAGE_SUFFIXES


def foreign_image(parts: tuple[str, ...]) -> bool:
    """Whether a path is one of an image in a format that is not read here.

    >>> foreign_image(("cat", "1.webp"))
    True
    """
    return not _hidden(parts) and _suffix(parts[-1]) in _FOREIGN_SUFFIXES


def _hidden(parts: tuple[str, ...]) -> bool:
    return not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts)


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """A regular file, open for reading; what the system refuses, now or later, becomes a ResourceError."""
    try:
        with open_regular(path) as file:
            yield file
    except PellucidError:
        raise
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError | ValueError) -> ResourceError:
    """The sentence for a path that the system refuses; a ValueError is its answer to a NUL inside one."""
    system = error if isinstance(error, OSError) else OSError(str(error))
    return resource_error("read", printable(str(path)), system)


def md5(content: bytes = b"") -> hashlib._Hash:
    """A checksum in progress, of the kind that the makers of the image sets published."""
    return hashlib.md5(content, usedforsecurity=False)
