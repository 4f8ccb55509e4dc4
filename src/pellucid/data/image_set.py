"""A set of labelled images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError, UsageError
from pellucid.random import key, permutation

__all__ = ["ImageSet", "Splits", "sample"]

_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels.

    Attributes:
        images: (N, C, H, W), one contiguous array; uint8 from 0 to 255, or float32 or float64 as given.
        labels: (N,) int64, numbers into `classes`.
        classes: what each label means.
        name: of the set.
        paths: where each image came from, if it had a file of its own.

    Raises:
        DataError: shapes, types or counts that do not agree. The values are checked by `check_images`.

    >>> images = np.zeros((4, 1, 2, 2), np.uint8)
    >>> cats = ImageSet(images, np.array([0, 1, 0, 1]), ("cat", "dog"), "pets")
    >>> len(cats), cats.shape, cats.take([1, 3]).labels.tolist()
    (4, (1, 2, 2), [1, 1])
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    name: str
    paths: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or 0 in self.images.shape[1:]:
            raise DataError(
                f"{self.name}: images of the shape (N, C, H, W) were expected, {self.images.shape} was given"
            )
        if self.images.dtype not in _DTYPES:
            raise DataError(
                f"{self.name}: images of uint8, float32 or float64 were expected, "
                f"{self.images.dtype} was given"
            )
        if self.labels.shape != (len(self.images),) or self.labels.dtype.kind not in "iu":
            raise DataError(
                f"{self.name}: {len(self.images)} whole numbers were expected as labels, "
                f"{self.labels.dtype} of the shape {self.labels.shape} was given"
            )
        if self.paths is not None and len(self.paths) != len(self.images):
            raise DataError(f"{self.name}: {len(self.paths)} paths were given for {len(self.images)} images")
        object.__setattr__(self, "images", np.ascontiguousarray(self.images))
        object.__setattr__(self, "labels", np.ascontiguousarray(self.labels, np.int64))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        channels, height, width = self.shape
        images = f"{len(self):,} images of {channels} × {height} × {width}, {self.images.dtype}"
        return f"<ImageSet {self.name!r}: {images}, {len(self.classes)} classes>"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> ImageSet:
        """The images at `indices`, in that order; neighbours in a row share memory with this set.

        Raises:
            UsageError: an index outside 0 ... N - 1.
        """
        at = np.asarray(indices, np.int64)
        if at.ndim != 1 or (len(at) and not 0 <= at.min() <= at.max() < len(self)):
            raise UsageError(f"{self.name}: the indices were expected in a row, from 0 to {len(self) - 1}")
        rows: slice | NDArray[np.int64] = at
        if len(at) and np.array_equal(at, np.arange(at[0], at[0] + len(at))):
            rows = slice(int(at[0]), int(at[0]) + len(at))
        paths = None if self.paths is None else tuple(self.paths[i] for i in at.tolist())
        return ImageSet(self.images[rows], self.labels[rows], self.classes, self.name, paths)

    def labelled(self, classes: Sequence[str]) -> ImageSet:
        """The same images, with labels that are numbers into `classes`.

        Raises:
            DataError: one of this set's classes is not among them.

        >>> pets = ImageSet(np.zeros((2, 1, 2, 2), np.uint8), np.array([0, 1]), ("cat", "dog"), "pets")
        >>> pets.labelled(["bird", "cat", "dog"]).labels.tolist()
        [1, 2]
        """
        number = {name: label for label, name in enumerate(classes)}
        for name in self.classes:
            if name not in number:
                raise DataError(f"{self.name}: its class {name!r} is none of {', '.join(classes)}")
        at = np.array([number[name] for name in self.classes], np.int64)
        return ImageSet(self.images, at[self.labels], tuple(classes), self.name, self.paths)

    def split(self, fraction: float, seed: int) -> tuple[ImageSet, ImageSet]:
        """Divides the set so that each class is divided alike.

        Args:
            fraction: of the images that the second part gets, between 0 and 1.
            seed: the same seed gives the same parts on every machine.

        Returns:
            The rest and the part, both in the order of this set. The part has `fraction` of the images,
            rounded; each class has its share in it, to within one image.

        Raises:
            UsageError: a fraction that leaves one of the two empty.

        >>> digits = ImageSet(np.zeros((10, 1, 2, 2), np.uint8), np.arange(10) % 2, ("0", "1"), "d")
        >>> rest, part = digits.split(0.4, seed=1)
        >>> rest.labels.tolist(), part.labels.tolist()
        ([1, 0, 1, 0, 1, 0], [0, 0, 1, 1])
        """
        size = round(fraction * len(self)) if 0 < fraction < 1 else 0
        if not 0 < size < len(self):
            raise UsageError(
                f"{self.name}: a fraction of {fraction} of {len(self)} images was asked for; "
                f"one between 0 and 1 that leaves neither part empty was expected"
            )
        chosen = sample(self.labels, size, seed)
        return self.take(np.flatnonzero(~chosen)), self.take(np.flatnonzero(chosen))


def sample(labels: NDArray[np.int64], size: int, seed: int) -> NDArray[np.bool_]:
    """Which images make up a random part of this size, in which each class has its share to within one.

    >>> sample(np.array([0, 0, 0, 1, 1, 1]), size=2, seed=1).nonzero()[0].tolist()
    [0, 3]
    """
    chosen = np.zeros(len(labels), np.bool_)
    for label, count in enumerate(_shares(np.bincount(labels), size).tolist()):
        members = np.flatnonzero(labels == label)
        order = permutation(key(seed, "split", label), len(members))
        chosen[members[order[:count]]] = True
    return chosen


def _shares(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """How many of each class make up `size` images: rounded down, what is left to the largest remainders."""
    shares, remainders = np.divmod(counts * size, counts.sum())
    largest = np.argsort(-remainders, kind="stable")
    shares[largest[: size - shares.sum()]] += 1
    return shares


@dataclass(frozen=True)
class Splits:
    """An image set as its makers divided it.

    Attributes:
        train: images to learn from.
        test: images held out, if the set has some.
        validation: a third part, if the set has one.
    """

    train: ImageSet
    test: ImageSet | None = None
    validation: ImageSet | None = None
