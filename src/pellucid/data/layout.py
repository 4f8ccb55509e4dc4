"""Which class and which part of a set each image belongs to, from the folders that it lies in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data.limits import Limits
from pellucid.data.source import printable, shown
from pellucid.errors import DataError

__all__ = ["Layout", "Path", "layout"]

Path = tuple[str, ...]

_PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
_LONGEST_CLASS = 200


@dataclass(frozen=True, eq=False)
class Layout:
    """The classes of a set, and for each image its class and part.

    Attributes:
        classes: names, sorted.
        labels: (N,) numbers into `classes`.
        parts: (N,) of "train", "test" and "validation".
    """

    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    parts: NDArray[np.str_]


def layout(paths: Sequence[Path], where: str, limits: Limits) -> Layout:
    """Reads `CLASS/image` or `train/CLASS/image`, `test/CLASS/image` (or val), perhaps below one more folder.

    Args:
        paths: of the images, folders first.
        where: the set's name, for errors.
        limits: what is too many.

    Raises:
        DataError: folders that are arranged otherwise, or a class that is tested but not trained.

    >>> paths = [("train", "dog", "1.png"), ("train", "cat", "1.png"), ("test", "cat", "2.png")]
    >>> found = layout(paths, "pets", Limits())
    >>> found.classes, found.labels.tolist(), found.parts.tolist()
    (('cat', 'dog'), [1, 0, 0], ['train', 'train', 'test'])
    """
    folders = [path[:-1] for path in paths]
    distinct = set(folders)
    depth = _common_depth(distinct)
    divided = all(len(folder) > depth and folder[depth].lower() in _PARTS for folder in distinct)
    # A folder train with no other beside it is common to all, and then there is nothing to divide.
    class_depth = depth + 1 if divided and any(len(folder) > depth + 1 for folder in distinct) else depth
    for path, folder in zip(paths, folders, strict=True):
        if len(folder) != class_depth + 1:
            raise DataError(
                f"{where}: {shown(path)} does not lie in the folder of a class; "
                f"one folder a class was expected, or such folders inside train and test"
            )
    names = _class_names({folder[class_depth] for folder in distinct}, where, limits)
    classes = tuple(sorted(names.values()))
    number = {name: label for label, name in enumerate(classes)}
    labels = np.array([number[names[folder[class_depth]]] for folder in folders], np.int64)
    if class_depth == depth:
        return Layout(classes, labels, np.full(len(paths), "train"))
    parts = np.array([_PARTS[folder[depth].lower()] for folder in folders])
    _check_trained(classes, labels, parts, where)
    return Layout(classes, labels, parts)


def _common_depth(folders: set[Path]) -> int:
    """How many folders enclose everything, the folder of a class not counted."""
    shortest = min(len(folder) for folder in folders)
    depth = 0
    while depth < shortest - 1 and len({folder[depth] for folder in folders}) == 1:
        depth += 1
    return depth


def _class_names(folders: set[str], where: str, limits: Limits) -> dict[str, str]:
    """What each class folder is called where people see it."""
    if len(folders) > limits.classes:
        raise DataError(f"{where}: {len(folders)} classes, {limits.classes} are allowed")
    names = {folder: printable(folder)[:_LONGEST_CLASS] for folder in sorted(folders)}
    if len(set(names.values())) < len(names):
        raise DataError(
            f"{where}: the names of two class folders differ only in characters that cannot be shown"
        )
    return names


def _check_trained(
    classes: tuple[str, ...], labels: NDArray[np.int64], parts: NDArray[np.str_], where: str
) -> None:
    trained = np.isin(np.arange(len(classes)), labels[parts == "train"])
    if not trained.all():
        raise DataError(f"{where}: the class {classes[int(np.argmin(trained))]} has no images to train on")
