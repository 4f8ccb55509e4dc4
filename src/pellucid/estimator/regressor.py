"""The regressor of images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from pellucid.errors import DataError
from pellucid.estimator.base import ImageEstimator
from pellucid.layers import Dense, Loss, MeanSquaredError
from pellucid.model import Model

__all__ = ["ImageRegressor"]

Array = NDArray[Any]


class ImageRegressor(RegressorMixin, ImageEstimator):  # type: ignore[misc]
    """A convolutional network as a regressor for scikit-learn: it learns numbers by their squared errors.

    The parameters are those of `pellucid.ImageClassifier` but for `class_weight`. Targets are numbers
    (N,), or several for each image, (N, K).

    The network learns targets of mean 0 and deviation 1, and `predict` gives them back as they were. With a
    network of your own that ends in another layer than `Dense`, they are learned as they are.

    Attributes:
        n_features_in_: values of an image.
        image_shape_: (C, H, W).
        n_iter_: epochs.
        network_: the `Network`.
        model_: the `Model`: network, parameters and preprocessing.
        history_: a record for each epoch.
        learning_rate_: the full learning rate.
        target_mean_: of the targets, () or (K,); the network's output 0 means it.
        target_scale_: of the targets, () or (K,): what the network's output 1 adds to it.

    >>> X = np.random.default_rng(0).uniform(size=(200, 4, 4))
    >>> y = X[:, :2].mean(axis=(1, 2)) - X[:, 2:].mean(axis=(1, 2))
    >>> reg = ImageRegressor(random_state=0).fit(X[:150], y[:150])
    >>> bool(reg.score(X[150:], y[150:]) > 0.8)
    True
    """

    _loss: ClassVar[Loss] = MeanSquaredError()
    _noted: ClassVar[tuple[str, ...]] = ("target_mean_", "target_scale_")
    _y_checks: ClassVar[Mapping[str, bool]] = {"multi_output": True, "y_numeric": True}

    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> Self:
        """One epoch on some images, at a constant learning rate; the optimiser goes on where it was.

        The first call decides the network, the normalisation, the scale of the targets and the rate.

        Args:
            X: images as for `fit`.
            y: (N,) or (N, K).
            sample_weight: as for `fit`.

        Returns:
            This estimator.
        """
        return self._go_on(X, y, sample_weight)

    def predict(self, X: object) -> Array:
        """The numbers of each image.

        Args:
            X: images as for `fit`.

        Returns:
            (N,) or (N, K), as the targets were.
        """
        outputs = self._predicted(X)
        shaped = outputs.reshape(len(outputs), *np.shape(self.target_mean_))
        return np.asarray(shaped * self.target_scale_ + self.target_mean_)

    def _outputs_for(self, y: Array, classes: Array | None) -> int:
        return 1 if y.ndim == 1 else y.shape[1]

    def _encoded(self, y: Array, *, new: bool) -> Array:
        targets = y.astype(np.float64)
        if new:
            self._note_scale(targets)
        found, wanted = math.prod(y.shape[1:]), math.prod(self.network_.output_shape)
        if found != wanted:
            raise DataError(f"numbers for each image: {found} in y, {wanted} from the network")
        scaled = (targets - self.target_mean_) / self.target_scale_
        return scaled.reshape(len(y), *self.network_.output_shape)

    def _note_scale(self, targets: Array) -> None:
        linear = isinstance(self.network_.nodes[-1].layer, Dense)
        different = np.unique(targets, axis=0)  # whose mean is the same, however often each is repeated
        with np.errstate(over="ignore", invalid="ignore"):
            self.target_mean_ = different.mean(axis=0) if linear else np.zeros(targets.shape[1:])
            spread = different.std(axis=0) if linear else np.ones(targets.shape[1:])
        if not (np.isfinite(self.target_mean_).all() and np.isfinite(spread).all()):
            raise DataError("the targets are too large to have a mean and a deviation in float64")
        self.target_scale_ = np.where(spread > 0, spread, 1.0)

    def _restore(self, model: Model, noted: Mapping[str, Array] | None) -> None:
        outputs, loss = model.network.output_shape, model.network.loss
        if loss is not None and loss.classification:
            raise DataError("its network classifies")
        shape = () if outputs == (1,) else outputs
        if noted is None:
            noted = {"target_mean_": np.zeros(shape), "target_scale_": np.ones(shape)}
        for name, value in noted.items():
            if value.dtype.kind not in "if" or value.shape not in (shape, outputs):
                raise DataError(f"its {name} does not fit its network")
            setattr(self, name, value)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
