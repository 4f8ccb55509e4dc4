"""The learning rate that is found, compared with all that could have been taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from pellucid.errors import TrainingError
from pellucid.estimator.range_test import FACTORS, bottom
from pellucid.training.optimiser import optimiser
from tests.estimator.digits import IMAGES, LABELS, quick


def digits() -> tuple[Any, Any]:
    return load_digits(return_X_y=True)


def few_digits() -> tuple[Any, Any]:
    X, y = load_digits(return_X_y=True)
    return X[:500], y[:500]


def cancer() -> tuple[Any, Any]:
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


TASKS = [
    (pl.ImageClassifier, digits, "adam"),
    (pl.ImageClassifier, digits, "sgd"),
    (pl.ImageClassifier, few_digits, "momentum"),
    (pl.ImageClassifier, cancer, "adamw"),
    (pl.ImageRegressor, few_digits, "nesterov"),
]


@pytest.mark.parametrize(("kind", "data", "optimizer"), TASKS)
def test_the_rate_is_nearly_as_good_as_the_best(
    kind: Callable[..., Any], data: Callable[[], tuple[Any, Any]], optimizer: str
) -> None:
    """Scores on held-out images, for every rate of the grid and for the one that is found."""
    X_train, X_test, y_train, y_test = train_test_split(*data(), random_state=0)

    def score(lr: object) -> float:
        estimator = kind(lr=lr, optimizer=optimizer, random_state=0)
        try:
            return float(estimator.fit(X_train, y_train).score(X_test, y_test))
        except TrainingError:
            return -np.inf

    scores = [score(optimiser(optimizer).rate * factor) for factor in FACTORS]
    found, tolerance = score("auto"), 0.03 if kind is pl.ImageClassifier else 0.1
    assert found >= max(scores) - tolerance
    assert found > np.median(scores)  # most rates do not do


def test_the_rate_follows_from_the_random_state() -> None:
    rates = [quick(lr="auto", random_state=state).fit(IMAGES, LABELS).learning_rate_ for state in (1, 1)]
    assert rates[0] == rates[1]


def test_each_optimiser_has_a_scale_of_its_own() -> None:
    adam, sgd = (
        quick(lr="auto", optimizer=name).fit(IMAGES, LABELS).learning_rate_ for name in ("adam", "sgd")
    )
    assert sgd > 3 * adam


@given(st.floats(-0.5, 0.5), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_bottom_of_a_parabola_is_found(bottom_at: float, curve: float, least: float) -> None:
    losses = [curve * (place - bottom_at) ** 2 + least for place in (-1.0, 0.0, 1.0)]
    assert bottom(losses) == pytest.approx(bottom_at, abs=1e-6)


def test_the_bottom_is_where_it_can_be_seen() -> None:
    assert [bottom(losses) for losses in ([1.0, 2.0], [2.0, 1.0], [1.0, 1.0, 1.0])] == [0.0, 0.0, 0.0]
    assert bottom([np.inf, 1.0, 2.0]) == 0.5
    assert bottom([np.inf, 1.0, np.inf]) == 0.0
