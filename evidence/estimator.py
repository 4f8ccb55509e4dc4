"""The estimators: scikit-learn's checks, the defaults on real images, and the rates that are found."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import pellucid as pl
from evidence import table
from pellucid.errors import TrainingError
from pellucid.estimator.range_test import FACTORS
from pellucid.training.optimiser import optimiser

Row = tuple[str, str, str, str, bool]
Data = tuple[Any, Any, Any, Any]
# By the number of images to learn from, the accuracy on the test images that is wanted.
MNIST = {1000: 0.92, 10_000: 0.97}
CIFAR = {5000: 0.48}


def main() -> int:
    """Run everything, write the table, and return the number of rows that fell short."""
    rows = [*checks(), *defaults(), *searches(), *rates()]
    short = sum(not enough for *_, enough in rows)
    table.write(
        "estimator",
        "Networks as scikit-learn's estimators",
        question="Do the estimators keep scikit-learn's contract, do their defaults give good networks, "
        "and is the rate of the range test as good as the best one on a grid? Scores are of images that were "
        "not learned from: accuracies, and R² of the regressor.",
        counts={"scikit-learn": sklearn.__version__, "Rows": len(rows), "Fell short": short},
        columns=["what", "how", "result", "wanted"],
        rows=[row[:4] for row in rows],
    )
    return short


def checks() -> Iterator[Row]:
    """scikit-learn's whole suite, on estimators without a parameter."""
    for kind, least in ((pl.ImageClassifier, 60), (pl.ImageRegressor, 55)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the checks that it skips
            found = check_estimator(kind(), on_fail=None)
        count = {status: sum(one["status"] == status for one in found) for status in ("passed", "skipped")}
        failed = len(found) - sum(count.values())
        result = f"{count['passed']} passed, {count['skipped']} skipped, {failed} failed or expected to"
        wanted = f"at least {least} in all, 0 failed"
        yield f"{kind.__name__}()", "check_estimator", result, wanted, len(found) >= least and not failed


def defaults() -> Iterator[Row]:
    """Accuracies without a parameter but the random state."""
    X, y = load_digits(return_X_y=True)
    yield fitted("digits", train_test_split(X, y, random_state=0), 0.97)
    first = np.concatenate([np.flatnonzero(y == k)[:10] for k in range(10)])
    rest = np.setdiff1d(np.arange(len(y)), first)
    yield fitted("digits, 10 images a class", (X[first], X[rest], y[first], y[rest]), 0.75)
    for name, sizes in (("mnist", MNIST), ("cifar10", CIFAR)):
        splits = pl.data.load(name)
        assert splits.test is not None
        order = np.random.default_rng(0).permutation(len(splits.train))
        for size, least in sizes.items():
            part = splits.train.take(np.sort(order[:size]))
            data = part.images, splits.test.images, part.labels, splits.test.labels
            yield fitted(f"{name}, {size:,} images", data, least)


def fitted(name: str, data: Data, least: float) -> Row:
    """A row for the classifier with its defaults."""
    X_train, X_test, y_train, y_test = data
    began = time.monotonic()
    clf = pl.ImageClassifier(random_state=0).fit(X_train, y_train)
    seconds = time.monotonic() - began
    score = clf.score(X_test, y_test)
    how = f"defaults: {clf.n_iter_} epochs, rate {clf.learning_rate_:.2g}, {seconds:.1f} s"
    return name, how, f"{score:.2%}", f"{least:.1%}", bool(score >= least)


def searches() -> Iterator[Row]:
    """A search over rates and networks, and a pipeline with a scaler, each in two processes."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    grid = {"lr": [0.001, 0.003, 0.01], "net": ["auto", "mnist-maxpool", "mnist-avgpool"]}
    search = GridSearchCV(pl.ImageClassifier(random_state=0), grid, cv=3, n_jobs=2).fit(X_train, y_train)
    best = ", ".join(f"{name}={value}" for name, value in search.best_params_.items())
    score = search.score(X_test, y_test)
    yield "digits", f"GridSearchCV, n_jobs=2, best {best}", f"{score:.2%}", "97.0%", bool(score >= 0.97)
    pipeline = make_pipeline(StandardScaler(), pl.ImageClassifier(random_state=0))
    scores = cross_val_score(pipeline, X, y, cv=3, n_jobs=2)
    how = "StandardScaler and classifier, cross_val_score, n_jobs=2"
    yield "digits", how, f"{scores.mean():.2%}", "93.0%", bool(scores.mean() >= 0.93)


def rates() -> Iterator[Row]:
    """What the rate that is found scores, beside the best of a grid."""
    digits, cancer = (load(return_X_y=True) for load in (load_digits, load_breast_cancer))
    mnist = pl.data.load("mnist").train.take(np.arange(2000))
    tasks: Sequence[tuple[str, Any, tuple[Any, Any]]] = (
        ("digits", pl.ImageClassifier, digits),
        ("digits, 150 images", pl.ImageClassifier, (digits[0][:600:3], digits[1][:600:3])),
        ("breast cancer", pl.ImageClassifier, (StandardScaler().fit_transform(cancer[0]), cancer[1])),
        ("mnist, 2,000 images", pl.ImageClassifier, (mnist.images, mnist.labels)),
        ("digits as numbers", pl.ImageRegressor, digits),
    )
    for name, kind, data in tasks:
        for optimizer in ("adam", "sgd"):
            yield compared(name, kind, train_test_split(*data, random_state=0), optimizer)


def compared(name: str, kind: Callable[..., Any], data: Data, optimizer: str) -> Row:
    """A row for one task and optimiser."""
    X_train, X_test, y_train, y_test = data

    def score(lr: object) -> tuple[float, float]:
        estimator = kind(lr=lr, optimizer=optimizer, random_state=0)
        try:
            return float(estimator.fit(X_train, y_train).score(X_test, y_test)), estimator.learning_rate_
        except TrainingError:
            return -np.inf, 0.0

    grid = [(*score(optimiser(optimizer).rate * factor), factor) for factor in FACTORS]
    found, rate = score("auto")
    best, best_rate, _ = max(grid)
    allowed = 0.03 if kind is pl.ImageClassifier else 0.1
    how = f"{optimizer}, rate found {rate:.2g}, best of {len(grid)} rates {best_rate:.2g}"
    return name, how, f"{found:.3f}", f"{best:.3f} - {allowed}", found >= best - allowed


if __name__ == "__main__":
    sys.exit(main() > 0)
