"""Some of scikit-learn's digits, and estimators that learn them in no time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import pellucid as pl

__all__ = ["IMAGES", "LABELS", "quick", "quick_regressor", "same_model"]

_DIGITS = load_digits(n_class=4)
IMAGES: NDArray[np.uint8] = _DIGITS.images[:200].astype(np.uint8)  # (200, 8, 8), 0..16
LABELS: NDArray[np.int64] = _DIGITS.target[:200]


def quick(**parameters: Any) -> pl.ImageClassifier:
    return pl.ImageClassifier(**{"epochs": 4, "batch_size": 50, "lr": 0.02, "random_state": 0, **parameters})


def quick_regressor(**parameters: Any) -> pl.ImageRegressor:
    return pl.ImageRegressor(**{"epochs": 4, "batch_size": 50, "lr": 0.02, "random_state": 0, **parameters})


def same_model(one: pl.Model, other: pl.Model) -> bool:
    """Whether all parameters are the same, bit for bit."""
    pairs = ((value, other.parameters[name]) for name, value in one.parameters.items())
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
