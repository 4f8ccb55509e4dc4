"""What scikit-learn's users do with an estimator, as they write it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, train_test_split
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pellucid as pl
from tests.estimator.digits import IMAGES, LABELS, quick, same_model


def test_a_grid_search_over_rates_and_networks() -> None:
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    grid = {"lr": [0.0001, 0.01], "net": ["auto", "mnist-maxpool"]}
    search = GridSearchCV(pl.ImageClassifier(epochs=4, random_state=0), grid, cv=2, n_jobs=2)
    search.fit(X_train, y_train)
    assert search.best_params_["lr"] == 0.01
    assert search.best_estimator_.network_.name in ("default", "mnist-maxpool")
    assert (search.cv_results_["mean_test_score"] > 0).all()
    assert search.score(X_test, y_test) > 0.93


def test_a_pipeline_with_a_scaler() -> None:
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), pl.ImageClassifier(epochs=4, lr=0.01, random_state=0))
    scores = cross_val_score(pipeline, X, y, cv=2, n_jobs=2)
    assert (scores > 0.8).all()
    search = GridSearchCV(pipeline, {"imageclassifier__lr": [0.003, 0.01]}, cv=2, n_jobs=2)
    assert search.fit(X[:600], y[:600]).best_score_ > 0.7


def test_networks_in_a_search_and_results_from_workers_are_the_same() -> None:
    nets = [pl.Network([pl.Flatten(), pl.Dense(n), pl.ReLU(), pl.Dense(4)], (1, 8, 8)) for n in (4, 32)]
    found = [
        GridSearchCV(quick(), {"net": nets}, cv=2, n_jobs=jobs).fit(IMAGES, LABELS) for jobs in (1, 2)
    ]
    one, other = (search.cv_results_["mean_test_score"].tolist() for search in found)
    assert one == other
    assert same_model(found[0].best_estimator_.model_, found[1].best_estimator_.model_)


def test_a_clone_is_unfitted_and_learns_the_same() -> None:
    fitted = quick(callbacks=[pl.Callback()], optimizer=pl.SGD()).fit(IMAGES, LABELS)
    twin = clone(fitted)
    assert not hasattr(twin, "model_")
    assert same_model(twin.fit(IMAGES, LABELS).model_, fitted.model_)


def test_images_of_several_axes_pass_through_cross_validation() -> None:
    assert (cross_val_score(quick(epochs=10), IMAGES, LABELS, cv=3) > 0.8).all()
    proba = cross_val_predict(quick(), IMAGES[:, None], LABELS, method="predict_proba", cv=2)
    assert proba.shape == (200, 4)


def test_the_confusion_matrix_can_be_displayed() -> None:
    mpl.use("Agg")
    display = ConfusionMatrixDisplay.from_estimator(quick().fit(IMAGES, LABELS), IMAGES, LABELS)
    assert display.confusion_matrix.sum() == len(LABELS)
    mpl.pyplot.close("all")


@pytest.mark.parametrize(
    "around",
    [
        CalibratedClassifierCV(quick(), cv=2),
        BaggingClassifier(quick(), n_estimators=2, random_state=0),
    ],
)
def test_other_estimators_take_it_in(around: object) -> None:
    rows = IMAGES.reshape(200, 64)
    assert around.fit(rows, LABELS).score(rows, LABELS) > 0.7  # type: ignore[attr-defined]


def test_several_outputs_and_importances() -> None:
    rows = IMAGES.reshape(200, 64)
    both = MultiOutputClassifier(quick()).fit(rows, np.stack([LABELS, LABELS > 1], axis=1))
    assert both.predict(rows).shape == (200, 2)
    found = permutation_importance(quick().fit(rows[:, :16], LABELS), rows[:, :16], LABELS, n_repeats=1)
    assert found.importances.shape == (16, 1)
