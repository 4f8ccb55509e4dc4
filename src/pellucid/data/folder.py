"""The files of a folder of images, and of an archive of such a folder, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pellucid.data.limits import Limits
from pellucid.data.source import Encoded, foreign_image, is_image, opened, printable, shown, unreadable
from pellucid.data.tar import tar_members
from pellucid.data.unpack import unpacked
from pellucid.data.zip import zip_members
from pellucid.errors import DataError

__all__ = ["archive_files", "folder_files", "folder_paths", "read_whole"]

_DEEPEST = 4  # folders inside each other; links that lead in a circle end here


def folder_paths(folder: Path, limits: Limits) -> Iterator[tuple[tuple[str, ...], Path]]:
    """The image files below a folder, sorted by name: their parts inside the folder, and their paths.

    Hidden files and files of other kinds are passed over.

    Raises:
        DataError: images in a format that is not read here, or folders too deep.
        ResourceError: a folder that cannot be read.
    """
    found = 0
    for parts, path in _walk(folder, ()):
        if foreign_image(parts):
            raise _foreign(printable(str(path)))
        if is_image(parts):
            found += 1
            if found > limits.members:
                raise DataError(f"{printable(str(folder))}: more than the {limits.members} images allowed")
            yield parts, path


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Path]]:
    if len(above) > _DEEPEST:
        raise DataError(f"{printable(str(folder))}: folders more than {_DEEPEST} deep inside each other")
    try:
        with os.scandir(folder) as listing:
            entries = [(entry.name, entry.is_dir()) for entry in listing if not entry.name.startswith(".")]
    except (OSError, ValueError) as error:
        raise unreadable(folder, error) from error
    for name, is_folder in sorted(entries):
        if is_folder:
            yield from _walk(folder / name, (*above, name))
        else:
            yield (*above, name), folder / name


def read_whole(path: Path, limits: Limits) -> bytes:
    """A file's content.

    Raises:
        DataError: it is too large.
        ResourceError: it cannot be read.
    """
    with opened(path) as file:
        data = file.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise DataError(
            f"{printable(str(path))}: the file has more than the {limits.file_bytes} bytes allowed"
        )
    return data


def folder_files(folder: Path, limits: Limits) -> Iterator[Encoded]:
    """The images below a folder, sorted by name.

    Raises:
        DataError, ResourceError: as `folder_paths` and `read_whole`.
    """
    for parts, path in folder_paths(folder, limits):
        yield Encoded(parts, printable(str(path)), read_whole(path, limits))


def archive_files(path: Path, limits: Limits) -> Iterator[Encoded]:
    """The images of a zip or tar archive (packed with gzip, xz or not), in its order.

    Raises:
        DataError: images in a format that is not read here.
        FileFormatError: a damaged or hostile archive.
        ResourceError: a file that cannot be read.
    """
    where = printable(str(path))

    def wanted(parts: tuple[str, ...]) -> bool:
        if foreign_image(parts):
            raise _foreign(f"{where}: {shown(parts)}")
        return is_image(parts)

    with opened(path) as file:
        head = file.read(4)
        if head in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from zip_members(file, where, wanted, limits)
        else:
            file.seek(0)
            yield from tar_members(unpacked(file, where, limits), wanted, limits)


def _foreign(where: str) -> DataError:
    return DataError(f"{where}: images of this format are not read; PNG, JPEG or BMP was expected")
