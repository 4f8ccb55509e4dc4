"""Images with what is to be learned from them, checked before training begins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data import ImageSet, check_images, statistics
from pellucid.data.image_set import sample
from pellucid.engine.inputs import as_array, as_weights, check_targets
from pellucid.errors import DataError, UsageError
from pellucid.model import Normalisation
from pellucid.network import Network

__all__ = ["Samples", "as_samples", "held_out", "measured"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Samples:
    """Images and targets that go together.

    Attributes:
        images: (N, C, H, W) or (N, features), uint8 or floats.
        targets: labels (N,) int64, or what the network is to give (N, ...).
        weights: (N,) float64, above 0; None if all count alike.
        classes: what each output of the network means; empty if it does not classify.
        name: of the set.
    """

    images: Array
    targets: Array
    weights: Array | None
    classes: tuple[str, ...]
    name: str

    def __len__(self) -> int:
        return len(self.images)

    def take(self, at: Array) -> Samples:
        """The images at these places."""
        weights = None if self.weights is None else self.weights[at]
        return Samples(self.images[at], self.targets[at], weights, self.classes, self.name)

    def fingerprint(self) -> str:
        """SHA-256 of types, shapes and bytes."""
        digest = hashlib.sha256()
        for array in (self.images, self.targets, self.weights):
            if array is not None:
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()


def as_samples(network: Network, data: object, sample_weight: object = None) -> Samples:
    """The images of an `ImageSet` or of a pair (images, targets), fit for the network.

    Images without weight are left out.

    Raises:
        UsageError: something else was given.
        DataError: images or targets that the network cannot learn from; the sentence names the image.
    """
    match data:
        case ImageSet():
            images, targets, classes, name = data.images, data.labels, data.classes, data.name
            paths = data.paths
        case (images, targets):
            images, targets = _images(images), as_array(targets, "targets")
            classes, name, paths = (), "arrays", None
        case _:
            raise UsageError(
                f"training takes an ImageSet or a pair (images, targets), not {type(data).__name__}"
            )
    if images.ndim == 3 and len(network.input_shape) == 3 and network.input_shape[0] == 1:
        images = images[:, None]
    _check(network, images, targets, classes, paths)
    if network.loss is not None and network.loss.classification:
        classes = classes or tuple(str(k) for k in range(network.output_shape[-1]))
        targets = targets.astype(np.int64) if targets.ndim == 1 else targets
    if sample_weight is None:
        return Samples(images, targets, None, classes, name)
    weights = as_weights(sample_weight, len(images), np.float64)
    return Samples(images, targets, weights, classes, name).take(np.flatnonzero(weights))


def _images(images: object) -> Array:
    """Images as they are if they are of a type that engines read, else as float32."""
    array = as_array(images, "images")
    if array.dtype.kind not in "fiub":
        raise DataError(f"images are numbers, not {array.dtype}")
    if array.dtype in (np.uint8, np.float32, np.float64):
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array, np.float32)


def _check(
    network: Network, images: Array, targets: Array, classes: tuple[str, ...], paths: tuple[str, ...] | None
) -> None:
    if images.ndim < 2 or images.shape[1:] != network.input_shape:
        wanted = ", ".join(map(str, network.input_shape))
        raise DataError(f"{network.name} takes images of the shape (N, {wanted}), not {images.shape}")
    if classes and len(classes) != network.output_shape[-1]:
        raise DataError(
            f"there are {len(classes)} classes, but {network.name} has {network.output_shape[-1]} outputs"
        )
    as_pictures = images.reshape(*images.shape, 1, 1) if images.ndim == 2 else images
    check_images(as_pictures, None, 0, paths=paths)
    check_targets(network, targets, len(images))


def held_out(samples: Samples, fraction: float, seed: int) -> tuple[Samples, Samples]:
    """The samples to learn from and those to validate with, each class divided alike.

    Raises:
        UsageError: a fraction that leaves one of the two empty.
    """
    count = len(samples)
    labelled = samples.classes and samples.targets.ndim == 1
    labels = samples.targets if labelled else np.zeros(count, np.int64)
    size = round(fraction * count)
    if not 0 < size < count:
        raise UsageError(
            f"a share of {fraction} of {count} images for validation leaves one of the two parts empty"
        )
    chosen = sample(labels, size, seed)
    return samples.take(np.flatnonzero(~chosen)), samples.take(np.flatnonzero(chosen))


def measured(images: Array) -> Normalisation:
    """The normalisation that gives each channel (or feature) the mean 0 and the deviation 1."""
    pictures = images.reshape(*images.shape, 1, 1) if images.ndim == 2 else images
    mean, deviation = statistics(pictures)
    return Normalisation(mean, deviation, 1 / 255 if images.dtype == np.uint8 else 1.0)
