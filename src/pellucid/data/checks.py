"""Whether images and labels can be used at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import DataError

__all__ = ["check_images"]

_CHUNK = 1024  # images looked at together, so that the check needs little memory


def check_images(
    images: NDArray[Any],
    labels: NDArray[Any] | None,
    n_classes: int,
    *,
    paths: Sequence[str] | None = None,
) -> None:
    """Refuses images that are not finite and labels that name no class.

    Args:
        images: (N, C, H, W).
        labels: (N,) whole numbers, or None if there are none.
        n_classes: labels go from 0 to n_classes - 1.
        paths: of the images, to be named in errors.

    Raises:
        DataError: no images, a NaN or an infinity, a label out of range, counts that differ.

    >>> check_images(np.array([[[[0.0, np.nan]]]]), None, 1)
    Traceback (most recent call last):
    pellucid.errors.DataError: image 0 has the value nan in channel 0, row 0, column 1; it has to be finite
    """
    if images.ndim != 4:
        raise DataError(f"images of the shape (N, C, H, W) were expected, {images.shape} was given")
    if len(images) == 0:
        raise DataError("there are no images")
    if images.dtype.kind == "f":
        _check_finite(images, paths)
    if labels is not None:
        _check_labels(labels, len(images), n_classes, paths)


def _named(index: int, paths: Sequence[str] | None) -> str:
    return f"image {index}" if paths is None else f"image {index} ({paths[index]})"


def _check_finite(images: NDArray[Any], paths: Sequence[str] | None) -> None:
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        finite = np.isfinite(chunk)
        if not finite.all():
            at = np.argwhere(~finite)[0].tolist()
            raise DataError(
                f"{_named(start + at[0], paths)} has the value {chunk[tuple(at)]} in channel {at[1]}, "
                f"row {at[2]}, column {at[3]}; it has to be finite"
            )


def _check_labels(labels: NDArray[Any], count: int, n_classes: int, paths: Sequence[str] | None) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(
            f"a row of whole numbers was expected as labels, "
            f"{labels.dtype} of the shape {labels.shape} was given"
        )
    if len(labels) != count:
        raise DataError(f"{len(labels)} labels were given for {count} images")
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if len(wrong):
        index = int(wrong[0])
        raise DataError(
            f"{_named(index, paths)} has the label {labels[index]}; 0 to {n_classes - 1} were expected"
        )
