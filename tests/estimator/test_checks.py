"""The whole of scikit-learn's own suite for estimators, with no check that is expected to fail.

Checks that want pandas, or SciPy's array API, skip themselves where these are not there.
"""

from __future__ import annotations

from functools import partial

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import pellucid as pl

CLASSIFIER = pl.ImageClassifier(epochs=60, lr=0.03)
REGRESSOR = pl.ImageRegressor(lr=0.01)


@parametrize_with_checks([CLASSIFIER, REGRESSOR])
def test_scikit_learns_checks(estimator: BaseEstimator, check: partial[None]) -> None:
    check(estimator)


def test_the_suite_is_the_whole_suite() -> None:
    classifier, regressor = (len([*estimator_checks_generator(one)]) for one in (CLASSIFIER, REGRESSOR))
    assert classifier >= 60
    assert regressor >= 55


@pytest.mark.parametrize("kind", [pl.ImageClassifier, pl.ImageRegressor])
def test_nothing_is_excused_from_it(kind: type[BaseEstimator]) -> None:
    tags = kind().__sklearn_tags__()
    assert tags.input_tags.two_d_array
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
