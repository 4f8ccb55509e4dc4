"""The binary version of CIFAR-10: records of a label and 3 x 32 x 32 values, each one byte.

Source: A. Krizhevsky's description at the home of CIFAR-10, "binary version".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.data.folder import read_whole
from pellucid.data.image_set import ImageSet, Splits
from pellucid.data.limits import Limits
from pellucid.data.source import Encoded, opened, printable
from pellucid.data.tar import tar_members
from pellucid.data.unpack import unpacked
from pellucid.errors import FileFormatError

__all__ = ["BATCHES", "cifar_archive", "cifar_folder"]

TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
BATCHES = (*TRAIN, TEST)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32


def cifar_folder(folder: Path, limits: Limits) -> Splits:
    """The set from the six files in a folder.

    Raises:
        FileFormatError: a missing or damaged file, or a label that is none.
        ResourceError: a file that cannot be read.
    """
    return _splits(_files(folder, limits), printable(str(folder)))


def cifar_archive(path: Path, limits: Limits) -> Splits:
    """The set from the tar archive as published, packed with gzip or xz or not.

    Raises:
        FileFormatError: as `cifar_folder`, or a damaged archive.
        ResourceError: a file that cannot be read.
    """
    where = printable(str(path))
    with opened(path) as file:
        stream = unpacked(file, where, limits)
        return _splits(tar_members(stream, lambda parts: bool(parts) and parts[-1] in BATCHES, limits), where)


def _files(folder: Path, limits: Limits) -> Iterator[Encoded]:
    for name in BATCHES:
        path = folder / name
        if path.is_file():
            yield Encoded((name,), printable(str(path)), read_whole(path, limits))


def _splits(files: Iterable[Encoded], where: str) -> Splits:
    batches: dict[str, NDArray[np.uint8]] = {}
    for parts, member, data in files:
        if parts[-1] in batches:
            raise FileFormatError(f"{member}: there are two files of this name")
        batches[parts[-1]] = _records(data, member)
    missing = [name for name in BATCHES if name not in batches]
    if missing:
        raise FileFormatError(f"{where}: {missing[0]} is missing; {', '.join(BATCHES)} were expected")
    return Splits(_image_set([batches[name] for name in TRAIN]), _image_set([batches[TEST]]))


def _records(data: bytes, where: str) -> NDArray[np.uint8]:
    """The records of one file, shape (N, 3073), labels checked."""
    if not data or len(data) % _RECORD:
        raise FileFormatError(
            f"{where}: at byte {len(data)}: the file ends within a record; "
            f"one or more records of {_RECORD} bytes were expected"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    wrong = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if len(wrong):
        raise FileFormatError(
            f"{where}: at byte {wrong[0] * _RECORD}: the label is {records[wrong[0], 0]}, "
            f"0 to 9 were expected"
        )
    return records


def _image_set(batches: list[NDArray[np.uint8]]) -> ImageSet:
    labels = np.concatenate([records[:, 0] for records in batches]).astype(np.int64)
    images = np.concatenate([records[:, 1:] for records in batches]).reshape(-1, *_SHAPE)
    return ImageSet(images, labels, CLASSES, "cifar10")
