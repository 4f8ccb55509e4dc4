"""What the classifier and the regressor have in common: images in, a trained network out."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from pellucid.engine.inputs import as_weights
from pellucid.errors import UsageError
from pellucid.estimator import files
from pellucid.estimator.images import channels_first, flattened, image_shape_of, readable
from pellucid.estimator.learning import Before, learned
from pellucid.estimator.nets import Net, network_for
from pellucid.estimator.parameters import listeners, options_for, rate_asked, seed_for
from pellucid.estimator.samples import Distinct, distinct
from pellucid.estimator.threads import threads_for
from pellucid.layers import Loss
from pellucid.model import Model
from pellucid.training.callbacks import Callback
from pellucid.training.optimiser import Optimiser
from pellucid.training.schedule import Constant

__all__ = ["ImageEstimator"]

Array = NDArray[Any]


class ImageEstimator(ABC, BaseEstimator):  # type: ignore[misc]
    """An estimator of images; `pellucid.ImageClassifier` describes its parameters and attributes."""

    # What a network without a loss of this kind gets.
    _loss: ClassVar[Loss]
    # How scikit-learn checks targets.
    _y_checks: ClassVar[Mapping[str, bool]]
    # What is known of the targets after `fit`: names of arrays.
    _noted: ClassVar[tuple[str, ...]]

    image_shape_: tuple[int, ...]

    def __init__(
        self,
        net: Net = "auto",
        *,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        optimizer: str | Optimiser = "adam",
        lr: float | str = "auto",
        early_stopping: bool | int = False,
        validation_fraction: float = 0.1,
        image_shape: Sequence[int] | None = None,
        data_format: str = "NCHW",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        callbacks: Sequence[Callback] | None = None,
        warm_start: bool = False,
    ) -> None:
        self.net = net
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.image_shape = image_shape
        self.data_format = data_format
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callbacks = callbacks
        self.warm_start = warm_start

    def fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """Trains a network on images.

        Args:
            X: images (N, features), (N, H, W), (N, C, H, W) or, with ``data_format="NHWC"``, (N, H, W, C), of
                any type of numbers; or a list of Pillow's images.
            y: what is to be learned, (N,).
            sample_weight: (N,), at least 0. An image of weight 2 is the same as that image twice.

        Returns:
            This estimator.

        Raises:
            ValueError: images or targets that cannot be used, in scikit-learn's words.
            UsageError: a parameter that cannot be used, which is a ValueError too.
            TrainingError: the loss is no longer finite.
        """
        before = self._before() if self.warm_start else None
        with self._as_before_if_it_fails():
            samples = self._samples(X, y, sample_weight, new=before is None)
            self._learn(samples, before and replace(before, state={}, history=()))
        return self

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Writes the fitted estimator to a ``.safetensors`` file, which `pellucid.load` reads as a model.

        What JSON has no words for is left out: callbacks, a function as `net`, a generator as `random_state`.

        Args:
            path: of the file; one that is there is replaced.

        Raises:
            ResourceError: the file cannot be written.
            NetworkError: the network has layers that no file describes.
        """
        check_is_fitted(self, "model_")
        files.save(self, path)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """The estimator that `to_file` wrote, or one for a model that `pellucid.train` made.

        Args:
            path: of the file.

        Raises:
            ModelFileError: the file is damaged, or its model is of another kind.
            ResourceError: it cannot be read.
        """
        return files.load(cls, path)

    @abstractmethod
    def _outputs_for(self, y: Array, classes: Array | None) -> int:
        """Outputs that a network for these first targets needs; notes their classes, if they have some."""

    @abstractmethod
    def _encoded(self, y: Array, *, new: bool) -> Array:
        """Targets as the network learns them; notes their scale, if they are the first."""

    @abstractmethod
    def _restore(self, model: Model, noted: Mapping[str, Array] | None) -> None:
        """Takes over what a file says of the targets; if it says nothing, what the model does."""

    def _names(self) -> tuple[str, ...]:
        """What the network's outputs stand for, if they are classes."""
        return ()

    def _weighted(self, targets: Array, weights: Array) -> Array:
        """The weights of samples with these targets."""
        return weights

    def _go_on(self, X: object, y: object, sample_weight: object, classes: Array | None = None) -> Self:
        """One more epoch, on these samples."""
        before = self._before()
        done = 0 if before is None else len(before.history)
        once = {"epochs": done + 1, "schedule": Constant(), "validation": None, "early_stopping": None}
        with self._as_before_if_it_fails():
            samples = self._samples(X, y, sample_weight, classes, new=before is None)
            self._learn(samples, before, **once)
        return self

    @contextmanager
    def _as_before_if_it_fails(self) -> Iterator[None]:
        """An error or Ctrl-C in between leaves no labels or shapes that an earlier model does not have."""
        noted = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__ = noted
            raise

    def _before(self) -> Before | None:
        """What was learned so far."""
        if not hasattr(self, "model_"):
            return None
        return Before(self.model_, self.learning_rate_, self._state, self.model_.history)

    def _samples(
        self, X: object, y: object, sample_weight: object, classes: Array | None = None, *, new: bool
    ) -> Distinct:
        rows, targets = self._rows(X, y, new=new)
        weights = np.ones(len(rows))
        if sample_weight is not None:
            given = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
            weights = as_weights(given, len(rows), np.float64)
        kept = np.flatnonzero(weights)
        if new:
            outputs = self._outputs_for(targets[kept], classes)
            self.network_ = network_for(self.net, self.image_shape_, outputs, self._loss)
        encoded = self._encoded(targets[kept], new=new)
        return distinct(rows[kept], encoded, self._weighted(encoded, weights[kept]))

    def _learn(self, samples: Distinct, before: Before | None, **changes: Any) -> None:
        """Trains, and notes all that came of it."""
        options = options_for(
            len(samples),
            samples.rows.shape[1],
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            early_stopping=self.early_stopping,
            validation_fraction=self.validation_fraction,
            seed=seed_for(self.random_state),
        )
        if before is not None:
            changes = {**changes, "dtype": before.model.dtype.name}
        found = learned(
            self.network_,
            samples,
            replace(options, **changes),
            rate=rate_asked(self.lr),
            before=before,
            threads=self._threads(),
            callbacks=listeners(self.callbacks, self.verbose),
        )
        self._keep(replace(found.model, classes=self._names()), found.rate, found.state)

    def _keep(self, model: Model, rate: float | None, state: Mapping[str, Array]) -> None:
        """Notes all that came of a training."""
        self.model_, self.network_, self.history_ = model, model.network, model.history
        self.n_iter_, self.learning_rate_, self._state = len(model.history), rate, state

    def _rows(self, X: object, y: object = "no_validation", *, new: bool = False) -> Any:
        """Rows of pixels in the order C, H, W, checked, and with targets these too."""
        known = None if new else self.image_shape_
        given, found = flattened(X, self.data_format, None if known is None else known[0])
        alone = isinstance(y, str) and y == "no_validation"
        checked = validate_data(self, given, y, reset=new, **({} if alone else self._y_checks))
        rows = readable(checked if alone else checked[0])
        if new:
            self.image_shape_ = image_shape_of(rows.shape[1], found, self.image_shape, self.data_format)
        elif found not in (None, known):
            raise UsageError(f"X has images of the shape {found}, but those of fit had {known}")
        if found is None and self.data_format == "NHWC":
            rows = channels_first(rows, self.image_shape_)
        return rows if alone else (rows, checked[1])

    def _images(self, X: object) -> Array:
        """Images to predict for, in the shape of the network's input."""
        check_is_fitted(self, "model_")
        rows = self._rows(X)
        return np.asarray(rows).reshape(len(rows), *self.network_.input_shape)

    def _predicted(self, X: object) -> Array:
        """What the network gives for images."""
        images = self._images(X)
        return self.model_.outputs(images, threads=self._threads())

    def _threads(self) -> int:
        return threads_for(self.n_jobs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
