"""An image set made of one folder a class."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pellucid.data.collect import Collector, Mode
from pellucid.data.decode import decoded
from pellucid.data.image_set import ImageSet, Splits
from pellucid.data.layout import layout
from pellucid.data.limits import Limits
from pellucid.data.source import Encoded, printable
from pellucid.errors import DataError

__all__ = ["class_folders"]


def class_folders(
    files: Iterable[Encoded],
    *,
    where: str,
    name: str,
    resize: tuple[int, int] | None,
    mode: Mode,
    limits: Limits,
) -> Splits:
    """Decodes the images of a folder or archive and divides them as its folders say.

    Args:
        files: the images, still encoded.
        where: the folder or archive, for errors.
        name: of the set.
        resize: (H, W) that all images are brought to, or None if they have to have one size.
        mode: as of `load`.
        limits: what is too large or too many.

    Raises:
        DataError: no images, mixed sizes, or folders that are arranged otherwise.
        FileFormatError: a file that cannot be decoded.
    """
    collector = Collector(resize, mode, limits)
    paths: list[tuple[str, ...]] = []
    for parts, member, data in files:
        collector.add(decoded(data, member, limits), member)
        paths.append(parts)
    if not paths:
        raise DataError(f"{where}: no PNG, JPEG or BMP images were found; one folder a class was expected")
    found = layout(paths, where, limits)
    sources = tuple(f"{where}/{printable('/'.join(path))}" for path in paths)
    whole = ImageSet(collector.array(), found.labels, found.classes, name, sources)
    rows = {part: np.flatnonzero(found.parts == part) for part in ("train", "test", "validation")}
    sets = {part: whole.take(at) for part, at in rows.items() if len(at)}
    if "test" not in sets and "validation" in sets:
        sets["test"] = sets.pop("validation")
    return Splits(**sets)
