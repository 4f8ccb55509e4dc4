"""Arguments of a run checked and brought into the form that engines take."""

from __future__ import annotations

import numpy as np

from pellucid.errors import DataError
from pellucid.formula.evaluate import evaluate
from pellucid.layers.preparation import ONE_HOT
from pellucid.network import Network

__all__ = ["as_inputs", "as_targets", "as_weights"]

Array = np.ndarray


def as_inputs(network: Network, x: object, dtype: object) -> Array:
    """Inputs (N, C, H, W) or (N, features) in the given type; (N, H, W) is taken for one channel.

    Raises:
        DataError: another shape, or a value that is not finite: the sentence names the image.
    """
    array = np.asarray(x)
    shape = network.input_shape
    if array.ndim == 3 and len(shape) == 3 and shape[0] == 1:
        array = array[:, None]
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape or len(array) == 0:
        wanted = ", ".join(map(str, shape))
        raise DataError(f"the network takes inputs of shape (N, {wanted}) with N at least 1, not {np.shape(x)}")
    if array.dtype.kind not in "fiub":
        raise DataError(f"inputs are numbers, not {array.dtype}")
    array = np.ascontiguousarray(array, dtype=dtype)  # type: ignore[call-overload]  # anything that names a dtype
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise DataError(f"image {int(np.argmin(finite))} has a value that is not finite (NaN or infinity)")
    return array


def as_targets(network: Network, y: object, count: int, dtype: object) -> Array:
    """Targets in the output's shape: labels become rows with a single 1.

    Raises:
        DataError: labels out of range, rows that do not sum to 1, another shape.
    """
    array = np.asarray(y)
    shape = (count, *network.output_shape)
    classes = shape[-1]
    if network.loss is not None and network.loss.classification:
        if array.ndim == 1 and array.dtype.kind in "iub":
            return _one_hot(array, count, classes, dtype)
        if array.shape == shape and array.dtype.kind in "fiub":
            return _probabilities(array, dtype)
        raise DataError(
            f"targets are {count} integer labels or rows of probabilities of shape {shape}, not {array.dtype} of shape {array.shape}"
        )
    if array.shape != shape and array.shape != (count,) * (classes == 1):
        raise DataError(f"targets have the output's shape {shape}, not {array.shape}")
    array = np.ascontiguousarray(array, dtype=dtype).reshape(shape)  # type: ignore[call-overload]
    if not np.isfinite(array).all():
        raise DataError("a target is not finite (NaN or infinity)")
    return array


def _one_hot(labels: Array, count: int, classes: int, dtype: object) -> Array:
    if len(labels) != count:
        raise DataError(f"{len(labels)} labels were given for {count} images")
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(f"label {labels[first]} of image {first} is not one of the classes 0 to {classes - 1}")
    rows = evaluate(ONE_HOT, {"label": labels.astype(np.int64)}, sizes={"K": classes})["y"]
    return rows.astype(dtype)  # type: ignore[no-any-return, call-overload]


def _probabilities(array: Array, dtype: object) -> Array:
    rows = np.ascontiguousarray(array, dtype=dtype)  # type: ignore[call-overload]
    sums = rows.astype(np.float64).sum(axis=1)
    wrong = ~(np.abs(sums - 1) <= 1e-4) | (rows < 0).any(axis=1)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(f"the targets of image {first} are no probabilities: they sum to {sums[first]:.6g}")
    return rows


def as_weights(weights: object, count: int, dtype: object) -> Array:
    """A weight of at least 0 for each image, not all 0.

    Raises:
        DataError: another shape, a negative weight or one that is not finite.
    """
    array = np.ascontiguousarray(weights, dtype=dtype)  # type: ignore[call-overload]
    if array.shape != (count,):
        raise DataError(f"sample weights have the shape ({count},), not {array.shape}")
    if not np.isfinite(array).all() or (array < 0).any() or not array.any():
        raise DataError("sample weights are finite, at least 0 and not all 0")
    return array
