"""Arguments of a run checked and brought into the form that engines take."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.preparing import as_rows
from pellucid.errors import DataError, UsageError
from pellucid.layers.options import shown
from pellucid.network import Network

__all__ = ["as_array", "as_inputs", "as_targets", "as_weights", "check_targets", "float_type"]

Array = NDArray[Any]


def float_type(dtype: DTypeLike) -> np.dtype[Any]:
    """The type in which a network is computed.

    Raises:
        UsageError: neither float32 nor float64.

    >>> float_type("float16")
    Traceback (most recent call last):
    pellucid.errors.UsageError: dtype is 'float32' or 'float64', not 'float16'
    """
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise UsageError(f"dtype is 'float32' or 'float64', not {shown(dtype)}")
    return kind


def as_array(values: object, what: str, dtype: DTypeLike | None = None) -> Array:
    """What was given as an array.

    Raises:
        DataError: rows of different lengths, or text where numbers are needed.

    >>> as_array([[1, 2], [3]], "inputs")
    Traceback (most recent call last):
    pellucid.errors.DataError: inputs are an array of numbers, not [[1, 2], [3]]
    """
    try:
        return np.asarray(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{what} are an array of numbers, not {shown(values)}") from None


def as_inputs(network: Network, x: object, dtype: DTypeLike) -> Array:
    """Inputs (N, C, H, W) or (N, features) in the given type; (N, H, W) is taken for one channel.

    Raises:
        DataError: another shape, or a value that is not finite: the sentence names the image.
    """
    given = array = as_array(x, "inputs")
    shape = network.input_shape
    if array.ndim == 3 and len(shape) == 3 and shape[0] == 1:
        array = array[:, None]
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape or len(array) == 0:
        wanted = ", ".join(map(str, shape))
        raise DataError(
            f"the network takes inputs of shape (N, {wanted}) with N at least 1, not {given.shape}"
        )
    if array.dtype.kind not in "fiub":
        raise DataError(f"inputs are numbers, not {array.dtype}")
    array = np.ascontiguousarray(array, dtype=dtype)
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"image {int(np.argmin(finite))} has a value that is not finite (NaN or infinity)")
    return array


def as_targets(network: Network, y: object, count: int, dtype: DTypeLike) -> Array:
    """Targets in the output's shape: labels become rows with a single 1.

    Raises:
        DataError: labels out of range, rows that do not sum to 1, another shape.
    """
    array = as_array(y, "targets")
    check_targets(network, array, count)
    return as_rows(network, count, dtype)(array)


def check_targets(network: Network, targets: Array, count: int) -> None:
    """Whether the network can learn from these targets: labels (N,), or arrays in its output's shape.

    Raises:
        DataError: labels out of range, rows that do not sum to 1, a value that is not finite, another shape.
    """
    shape = (count, *network.output_shape)
    classes = shape[-1]
    if network.loss is not None and network.loss.classification:
        if targets.ndim == 1 and targets.dtype.kind in "iub":
            _check_labels(targets, count, classes)
        elif targets.shape == shape and targets.dtype.kind in "fiub":
            _check_probabilities(targets)
        else:
            raise DataError(
                f"targets are {count} integer labels or rows of probabilities of shape {shape}, "
                f"not {targets.dtype} of shape {targets.shape}"
            )
        return
    known = {shape, (count,)} if prod(network.output_shape) == 1 else {shape}
    if targets.shape not in known:
        raise DataError(f"targets have the output's shape {shape}, not {targets.shape}")
    if targets.dtype.kind not in "fiub" or not np.isfinite(targets).all():
        raise DataError("a target is not a finite number")


def _check_labels(labels: Array, count: int, classes: int) -> None:
    if len(labels) != count:
        raise DataError(f"{len(labels)} labels were given for {count} images")
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"label {labels[first]} of image {first} is not one of the classes 0 to {classes - 1}"
        )


def _check_probabilities(rows: Array) -> None:
    sums = rows.astype(np.float64).sum(axis=1)
    wrong = ~(np.abs(sums - 1) <= 1e-4) | (rows < 0).any(axis=1)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(f"the targets of image {first} are no probabilities: they sum to {sums[first]:.6g}")


def as_weights(weights: object, count: int, dtype: DTypeLike) -> Array:
    """A weight of at least 0 for each image, not all 0.

    Raises:
        DataError: another shape, a negative weight or one that is not finite.
    """
    array = np.ascontiguousarray(as_array(weights, "sample weights", dtype))
    if array.shape != (count,):
        raise DataError(f"sample weights have the shape ({count},), not {array.shape}")
    if not np.isfinite(array).all() or (array < 0).any() or not array.any():
        raise DataError("sample weights are finite, at least 0 and not all zero")
    return array
