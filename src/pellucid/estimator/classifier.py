"""The classifier of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from pellucid.errors import DataError, UsageError
from pellucid.estimator.base import ImageEstimator
from pellucid.estimator.nets import Net
from pellucid.layers import Loss, SoftmaxCrossEntropy
from pellucid.model import Model
from pellucid.training.callbacks import Callback
from pellucid.training.optimiser import Optimiser

__all__ = ["ImageClassifier"]

Array = NDArray[Any]


class ImageClassifier(ClassifierMixin, ImageEstimator):  # type: ignore[misc]
    """A convolutional network as a classifier for scikit-learn.

    Where a parameter is "auto", the images decide: the defaults give a good network for any small image set.

    Args:
        net: "auto" for a network that suits the images' size; the name of one in `pellucid.zoo`; a `Network`;
            or a function of the image's shape (C, H, W) and the number of outputs that gives one.
        epochs: how often each image is seen; "auto" for 15, or more if the set is small.
        batch_size: images a step; "auto" for 32 to 128, or all of them if there are few.
        optimizer: "sgd", "momentum", "nesterov", "adam", "adamw", or one with options of its own.
        lr: full learning rate, which then falls along half a cosine; "auto" for the one that a range test
            finds, see `pellucid.estimator.range_test`.
        early_stopping: epochs without a smaller validation loss after which training stops and the best
            parameters are taken; True for 10, False for never.
        validation_fraction: share of the images that is kept for that, each class divided alike.
        class_weight: of each class in the loss, "balanced" for such that all classes count alike, or None.
        image_shape: of rows of features: (H, W), or three sizes in the order of the format; None for a gray
            square, if the features fill one, and otherwise for a single row of pixels.
        data_format: where channels are in images, or in rows of `image_shape`: "NCHW" or "NHWC".
        random_state: of all that is drawn; a number gives the same network each time.
        n_jobs: threads of one fit; None and -1 for all that there is room for. There is never more than the
            cores, or within a worker of joblib, its share of them.
        verbose: whether to show how far training is.
        callbacks: `pellucid.Callback` objects, told of steps and epochs.
        warm_start: whether `fit` goes on from the parameters that there are.

    Attributes:
        classes_: (K,), the labels, sorted.
        n_features_in_: values of an image.
        image_shape_: (C, H, W).
        n_iter_: epochs.
        network_: the `Network`.
        model_: the `Model`: network, parameters and preprocessing. All that pellucid explains starts here.
        history_: a record for each epoch.
        learning_rate_: the full learning rate.

    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> clf = ImageClassifier(epochs=3, random_state=0).fit(X[:300], y[:300])
    >>> bool(clf.score(X[300:], y[300:]) > 0.9)
    True
    >>> clf.image_shape_, clf.classes_.tolist(), clf.predict_proba(X[:5]).shape
    ((1, 8, 8), [0, 1, 2], (5, 3))
    """

    _loss: ClassVar[Loss] = SoftmaxCrossEntropy()
    _y_checks: ClassVar[Mapping[str, bool]] = {}
    _noted: ClassVar[tuple[str, ...]] = ("classes_",)

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
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        image_shape: Sequence[int] | None = None,
        data_format: str = "NCHW",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        callbacks: Sequence[Callback] | None = None,
        warm_start: bool = False,
    ) -> None:
        super().__init__(
            net,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lr=lr,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            image_shape=image_shape,
            data_format=data_format,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
            callbacks=callbacks,
            warm_start=warm_start,
        )
        self.class_weight = class_weight

    def partial_fit(
        self, X: object, y: object, classes: object = None, sample_weight: object = None
    ) -> Self:
        """One epoch on some images, at a constant learning rate; the optimiser goes on where it was.

        The first call decides the network, the normalisation and the rate. No early stopping.

        Args:
            X: images as for `fit`.
            y: (N,) labels.
            classes: all labels that there will ever be; needed by the first call.
            sample_weight: as for `fit`.

        Returns:
            This estimator.

        Raises:
            ValueError: no classes in the first call, others in a later one, or a label that is none of them.
        """
        if self.class_weight == "balanced":
            raise UsageError("class_weight='balanced' needs all samples at once; weigh them by sample_weight")
        labels = None if classes is None else unique_labels(classes)
        if not hasattr(self, "model_") and labels is None:
            raise UsageError("classes must be passed on the first call to partial_fit")
        if hasattr(self, "model_") and labels is not None and not np.array_equal(labels, self.classes_):
            raise UsageError(f"the classes {labels} are not those of the first call, {self.classes_}")
        return self._go_on(X, y, sample_weight, labels)

    def predict(self, X: object) -> Array:
        """The most probable class of each image.

        Args:
            X: images as for `fit`.

        Returns:
            (N,) labels.
        """
        images = self._images(X)
        return np.asarray(self.classes_[self.model_.predict(images, threads=self._threads())])

    def predict_proba(self, X: object) -> Array:
        """The probability of each class.

        Args:
            X: images as for `fit`.

        Returns:
            (N, K), in the order of `classes_`.
        """
        images = self._images(X)
        return self.model_.predict_proba(images, threads=self._threads())

    def decision_function(self, X: object) -> Array:
        """The network's outputs, whose softmax the probabilities are.

        Args:
            X: images as for `fit`.

        Returns:
            (N, K); for two classes (N,), by how much the second one's output is larger.
        """
        logits = self._predicted(X)
        return logits if logits.shape[1] != 2 else logits[:, 1] - logits[:, 0]

    def _outputs_for(self, y: Array, classes: Array | None) -> int:
        check_classification_targets(y)
        self.classes_ = np.unique(y) if classes is None else classes
        if len(self.classes_) < 2:
            raise DataError(f"a classifier needs 2 classes or more, and y has 1 class: {self.classes_[:1]}")
        return len(self.classes_)

    def _encoded(self, y: Array, *, new: bool) -> Array:
        check_classification_targets(y)
        strange = np.setdiff1d(y, self.classes_)
        if len(strange):
            raise DataError(f"y has the labels {strange}, which are none of the classes {self.classes_}")
        order = np.argsort(self.classes_)
        return np.asarray(order[np.searchsorted(self.classes_, y, sorter=order)])

    def _names(self) -> tuple[str, ...]:
        return tuple(map(str, self.classes_.tolist()))

    def _restore(self, model: Model, noted: Mapping[str, Array] | None) -> None:
        classes = np.array(model.classes) if noted is None else noted["classes_"]
        if classes.dtype.kind not in "biufU" or classes.shape != model.network.output_shape:
            raise DataError(f"its {len(classes)} classes are not those of its network")
        if len(np.unique(classes)) < len(classes):
            raise DataError("its classes do not differ")
        self.classes_ = classes

    def _weighted(self, targets: Array, weights: Array) -> Array:
        if self.class_weight is None:
            return weights
        counts = np.bincount(targets, weights, len(self.classes_))
        if self.class_weight == "balanced":
            return weights / counts[targets]
        labels = self.classes_[targets]
        of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=labels)
        weighted = np.asarray(weights * of_class[targets])
        if not (np.isfinite(of_class).all() and (of_class >= 0).all() and weighted.any()):
            raise DataError("class weights are finite, at least 0, and not 0 for all samples")
        return weighted
