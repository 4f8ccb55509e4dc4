"""The defaults, on real images: a good network without a parameter."""

from __future__ import annotations

import os

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import pellucid as pl
from pellucid.data import ImageSet, Splits
from pellucid.estimator.recipe import batch_size_for, dtype_for, epochs_for

FOLDER = os.environ.get("PELLUCID_DATA_DIR")
real = pytest.mark.skipif(FOLDER is None, reason="PELLUCID_DATA_DIR names no folder of image sets")


def part(images: ImageSet | None, count: int) -> ImageSet:
    assert images is not None
    return images.take(np.random.default_rng(0).permutation(len(images))[:count])


def score(splits: Splits, train: int, test: int) -> float:
    """Accuracy on some images, learned from some others."""
    seen, unseen = part(splits.train, train), part(splits.test, test)
    fitted = pl.ImageClassifier(random_state=0).fit(seen.images, seen.labels)
    return float(fitted.score(unseen.images, unseen.labels))


def test_digits() -> None:
    X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    assert pl.ImageClassifier(random_state=0).fit(X_train, y_train).score(X_test, y_test) > 0.97


def test_few_digits() -> None:
    """Ten images a class."""
    X, y = load_digits(return_X_y=True)
    first = np.concatenate([np.flatnonzero(y == k)[:10] for k in range(10)])
    rest = np.setdiff1d(np.arange(len(y)), first)
    assert pl.ImageClassifier(random_state=0).fit(X[first], y[first]).score(X[rest], y[rest]) > 0.75


@real
def test_mnist() -> None:
    assert score(pl.data.load("mnist"), 2000, 2000) > 0.93


@real
def test_cifar() -> None:
    assert score(pl.data.load("cifar10"), 3000, 2000) > 0.42


def test_small_sets_get_more_epochs_and_larger_ones_larger_batches() -> None:
    counts = (10, 100, 1000, 10_000, 100_000)
    sizes = [batch_size_for(n) for n in counts]
    assert sizes == [10, 100, 32, 32, 128]
    epochs = [epochs_for(n, size) for n, size in zip(counts, sizes, strict=True)]
    assert epochs == sorted(epochs, reverse=True)
    assert (epochs[0], epochs[-1]) == (200, 15)
    assert [dtype_for(n, 64) for n in counts] == ["float64"] * 3 + ["float32"] * 2
