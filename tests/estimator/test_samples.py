"""A set of samples is what is in it: not its order, and not how it is written down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.estimator.samples import distinct
from tests.estimator.digits import IMAGES, LABELS, quick, quick_regressor, same_model


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 3)), min_size=1), st.randoms())
def test_repeated_shuffled_and_weighted_samples_are_the_same_set(
    samples: list[tuple[int, int, int]], random: object
) -> None:
    if not any(weight for *_, weight in samples):
        return
    repeated = [(row, target) for row, target, weight in samples for _ in range(weight)]
    random.shuffle(repeated)  # type: ignore[attr-defined]
    rows, targets, weights = (np.array(column) for column in zip(*samples, strict=True))
    one = distinct(rows[:, None], targets, weights.astype(float))
    rows, targets = (np.array(column) for column in zip(*repeated, strict=True))
    other = distinct(rows[:, None], targets, np.ones(len(rows)))
    assert one.rows.tolist() == other.rows.tolist()
    assert one.targets.tolist() == other.targets.tolist()
    assert len({*zip(one.rows[:, 0].tolist(), one.targets.tolist(), strict=True)}) == len(one)
    known = [w if w is None else w.tolist() for w in (one.weights, other.weights)]
    assert known[0] == known[1]


def test_types_and_signs_of_zero_do_not_matter() -> None:
    rows = np.array([[0, 3], [1, 2], [0, 3]], np.uint8)
    for kind in (np.float32, np.float64):
        other = rows.astype(kind)
        other[2, 0] = -0.0
        found = distinct(other, np.zeros(3), np.ones(3))
        assert len(found) == 2
        assert found.rows.tolist() == distinct(rows, np.zeros(3, int), np.ones(3)).rows.tolist()


@pytest.mark.parametrize("batch_size", [16, 300])
@pytest.mark.parametrize("estimator", [quick(), quick_regressor(), quick(early_stopping=2)])
@settings(max_examples=3)
@given(seed=st.integers(0, 1000))
def test_weighted_and_repeated_samples_give_the_same_network(
    estimator: object, batch_size: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    weights = generator.integers(0, 4, 80)
    images, labels = IMAGES[:80], LABELS[:80]
    order = generator.permutation(weights.sum())
    repeated = images.repeat(weights, axis=0)[order], labels.repeat(weights)[order]
    estimator.set_params(batch_size=batch_size)  # type: ignore[attr-defined]
    one = estimator.fit(images, labels, weights).model_  # type: ignore[attr-defined]
    other = estimator.fit(*repeated).model_  # type: ignore[attr-defined]
    assert same_model(one, other)


def test_the_learning_rate_is_the_same_too() -> None:
    weights = np.arange(80) % 3
    rates = []
    for given_images in [
        (IMAGES[:80], LABELS[:80], weights),
        (IMAGES[:80].repeat(weights, axis=0), LABELS[:80].repeat(weights)),
    ]:
        rates.append(quick(lr="auto", epochs=1, class_weight="balanced").fit(*given_images).learning_rate_)
    assert rates[0] == rates[1]
