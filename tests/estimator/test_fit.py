"""Fitting: what it takes, what it notes, how it goes on, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import DataError, UsageError
from tests.estimator.digits import IMAGES, LABELS, quick, quick_regressor, same_model

WORDS = np.array(["zero", "one", "two", "three"])[LABELS]
HEIGHTS = IMAGES.mean(axis=(1, 2)) * 1000.0 + 5000.0


def test_what_is_known_after_a_fit() -> None:
    given = quick()
    fitted = given.fit(IMAGES, WORDS)
    assert fitted is given
    assert fitted.classes_.tolist() == ["one", "three", "two", "zero"]
    assert fitted.model_.classes == ("one", "three", "two", "zero")
    assert (fitted.n_features_in_, fitted.n_iter_, fitted.learning_rate_) == (64, 4, 0.02)
    assert fitted.network_ is fitted.model_.network
    assert [row["epoch"] for row in fitted.history_] == [1, 2, 3, 4]
    assert set(fitted.predict(IMAGES)) <= set(WORDS)
    assert fitted.score(IMAGES, WORDS) == fitted.model_.evaluate(
        IMAGES, np.searchsorted(fitted.classes_, WORDS)
    ).accuracy


def test_decisions_probabilities_and_classes_agree() -> None:
    four = quick().fit(IMAGES, LABELS)
    assert (four.decision_function(IMAGES).argmax(1) == four.predict(IMAGES)).all()
    np.testing.assert_allclose(four.predict_proba(IMAGES).sum(1), 1.0, rtol=1e-6)
    two = quick().fit(IMAGES, LABELS > 1)
    decisions, chances = two.decision_function(IMAGES), two.predict_proba(IMAGES)
    assert decisions.shape == (200,)
    np.testing.assert_allclose(chances[:, 1], 1 / (1 + np.exp(-decisions)), atol=1e-6)
    assert ((decisions > 0) == two.predict(IMAGES)).all()


def test_the_same_random_state_gives_the_same_network() -> None:
    one, same, other = (quick(random_state=state).fit(IMAGES, LABELS).model_ for state in (1, 1, 2))
    assert same_model(one, same)
    assert not same_model(one, other)
    generator = np.random.RandomState(1)
    first, second = (quick(random_state=generator).fit(IMAGES, LABELS).model_ for _ in range(2))
    assert same_model(one, first)
    assert not same_model(first, second)


def test_partial_fits_are_one_training() -> None:
    chunks = [slice(0, 100), slice(100, 200)] * 8
    parted = quick()
    for chunk in chunks:
        parted.partial_fit(IMAGES[chunk], LABELS[chunk], classes=[0, 1, 2, 3])
    assert parted.n_iter_ == len(parted.history_) == 16
    assert parted.score(IMAGES, LABELS) > 0.97
    forgetful = quick()
    for chunk in chunks[:2]:
        forgetful.partial_fit(IMAGES[chunk], LABELS[chunk], classes=[0, 1, 2, 3])
        kept, forgetful._state = forgetful._state, {}
    again = quick()
    for chunk in chunks[:2]:
        again.partial_fit(IMAGES[chunk], LABELS[chunk], classes=[0, 1, 2, 3])
    assert {name.partition(":")[2] for name in kept} == {"first", "second"}
    assert not same_model(forgetful.model_, again.model_)  # the optimiser's state was carried on
    assert parted.fit(IMAGES, LABELS).n_iter_ == 4  # and fit begins anew
    assert same_model(parted.model_, quick().fit(IMAGES, LABELS).model_)


def test_another_optimiser_goes_on_without_the_state_of_the_first() -> None:
    begun = quick().partial_fit(IMAGES, LABELS, classes=[0, 1, 2, 3])
    begun.set_params(optimizer="momentum").partial_fit(IMAGES, LABELS)
    assert {name.partition(":")[2] for name in begun._state} == {"velocity"}


def test_partial_fit_refuses_what_does_not_go_on() -> None:
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        quick().partial_fit(IMAGES, LABELS)
    begun = quick().partial_fit(IMAGES[:50], LABELS[:50], classes=[0, 1, 2, 3])
    with pytest.raises(UsageError, match="are not those of the first call"):
        begun.partial_fit(IMAGES, LABELS, classes=[0, 1, 2])
    with pytest.raises(DataError, match=r"y has the labels \[7\], which are none of the classes"):
        begun.partial_fit(IMAGES, LABELS + 7 * (LABELS == 0))
    with pytest.raises(ValueError, match="is expecting 64 features"):
        begun.partial_fit(IMAGES[:, :, :4], LABELS)
    with pytest.raises(UsageError, match="class_weight='balanced' needs all samples at once"):
        quick(class_weight="balanced").partial_fit(IMAGES, LABELS, classes=[0, 1, 2, 3])


def test_a_warm_start_goes_on_from_the_parameters() -> None:
    warm = quick(warm_start=True).fit(IMAGES, LABELS)
    before = warm.history_[0]["loss"]
    warm.fit(IMAGES, LABELS)
    assert warm.n_iter_ == 4
    assert warm.history_[0]["loss"] < 0.7 * before
    cold = quick().fit(IMAGES, LABELS)
    assert same_model(cold.model_, cold.fit(IMAGES, LABELS).model_)
    assert not same_model(cold.model_, warm.model_)


def test_early_stopping_takes_the_best_parameters() -> None:
    fitted = quick(epochs=40, early_stopping=3, validation_fraction=0.25, lr=0.05).fit(IMAGES, LABELS)
    losses = [row["val_loss"] for row in fitted.history_]
    best = int(np.argmin(losses))
    assert fitted.model_.metadata["best_epoch"] == best + 1
    assert len(losses) in (best + 4, 40)
    assert fitted.model_.metadata["images"] == 150
    with pytest.raises(UsageError, match="leaves one of the two parts empty"):
        quick(early_stopping=True, validation_fraction=0.001).fit(IMAGES, LABELS)


def test_class_weights_are_sample_weights() -> None:
    weights = {0: 1, 1: 2, 2: 1, 3: 4}
    one = quick(class_weight=weights).fit(IMAGES, LABELS)
    other = quick().fit(IMAGES, LABELS, [weights[label] for label in LABELS])
    assert same_model(one.model_, other.model_)
    rare = LABELS[:, None] == np.array([[0], [1]]).T  # (200, 2)
    kept = np.flatnonzero(rare[:, 0] | (rare[:, 1] & (np.arange(200) % 5 == 0)))
    counts = np.bincount(LABELS[kept])
    one = quick(class_weight="balanced").fit(IMAGES[kept], LABELS[kept])
    other = quick().fit(IMAGES[kept], LABELS[kept], (1 / counts)[LABELS[kept]])
    assert same_model(one.model_, other.model_)


def test_a_fit_that_fails_leaves_the_estimator_as_it_was() -> None:
    class Break(pl.Callback):
        def on_step(self, moment: object) -> object:
            raise KeyboardInterrupt

    fitted = quick().fit(IMAGES, LABELS)
    before = fitted.predict(IMAGES).tolist()
    fitted.set_params(callbacks=[Break()])
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(IMAGES[:, :7, :7], WORDS)
    assert fitted.predict(IMAGES).tolist() == before
    unfitted = quick(lr=-1)
    with pytest.raises(UsageError):
        unfitted.fit(IMAGES, LABELS)
    assert vars(unfitted) == vars(quick(lr=-1))


@pytest.mark.parametrize("weights", [dict.fromkeys(range(4), 0), {1: -1}, {1: np.inf}])
def test_class_weights_that_cannot_be_used(weights: dict[int, float]) -> None:
    with pytest.raises(DataError, match="class weights are finite, at least 0, and not 0 for all samples"):
        quick(class_weight=weights).fit(IMAGES, LABELS)


def test_targets_that_a_regressor_cannot_use() -> None:
    with pytest.raises(DataError, match="targets are too large to have a mean and a deviation"):
        quick_regressor().fit(IMAGES, HEIGHTS * 1e300)
    with pytest.raises(DataError, match="numbers for each image: 2 in y, 1 from the network"):
        quick_regressor().partial_fit(IMAGES, HEIGHTS).partial_fit(IMAGES, np.stack([HEIGHTS] * 2, axis=1))


def test_callbacks_are_told_and_may_stop() -> None:
    class Stop(pl.Callback):
        def on_epoch_end(self, row: object) -> object:
            return True

    assert quick(callbacks=[Stop()]).fit(IMAGES, LABELS).n_iter_ == 1


def test_a_bar_is_drawn_if_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    quick().fit(IMAGES, LABELS)
    assert capfd.readouterr() == ("", "")
    quick(verbose=1).fit(IMAGES, LABELS)
    assert "loss" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"epochs": 2.5}, "epochs is 'auto' or a whole number, not 2.5"),
        ({"epochs": -1}, "epochs is a whole number of at least 0, not -1"),
        ({"batch_size": "all"}, "batch_size is 'auto' or a whole number, not 'all'"),
        ({"optimizer": "adma"}, "there is no optimiser 'adma'; did you mean adam"),
        ({"lr": 0}, "lr is 'auto' or a number above 0, not 0"),
        ({"lr": "fast"}, "lr is 'auto' or a number above 0, not 'fast'"),
        ({"early_stopping": "yes"}, "early_stopping is a whole number or True, not 'yes'"),
        ({"early_stopping": True, "validation_fraction": None}, "needs a validation_fraction"),
        ({"early_stopping": True, "validation_fraction": 2}, "a share for validation is between 0 and 1"),
        ({"callbacks": [print]}, "callbacks are a list of objects whose class is a Callback"),
        ({"n_jobs": 0}, "n_jobs is a whole number other than 0, or None, not 0"),
        ({"class_weight": "heavy"}, "class_weight"),
        ({"random_state": "seed"}, "cannot be used to seed"),
    ],
)
def test_parameters_that_cannot_be_used(parameters: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        quick(**parameters).fit(IMAGES, LABELS)


def test_parameters_of_searches_are_numbers_of_numpy() -> None:
    found = quick(epochs=np.int64(2), batch_size=np.int32(40), lr=np.float32(0.01)).fit(IMAGES, LABELS)
    assert found.n_iter_ == 2


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros(200), "needs 2 classes or more, and y has 1 class: "),
        (LABELS[:-1], "inconsistent numbers of samples"),
        (HEIGHTS, "Unknown label type: continuous"),
        (np.where(LABELS == 0, np.nan, LABELS), "Input y contains NaN"),
    ],
)
def test_labels_that_cannot_be_used(labels: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        quick().fit(IMAGES, labels)


@pytest.mark.parametrize("weights", [np.zeros(200), -np.ones(200), np.ones(3), np.full(200, np.nan)])
def test_weights_that_cannot_be_used(weights: object) -> None:
    with pytest.raises(ValueError, match=r"sample.weight"):
        quick().fit(IMAGES, LABELS, weights)


def test_a_function_may_make_the_network() -> None:
    def make(shape: tuple[int, ...], outputs: int) -> pl.Network:
        return pl.Network([pl.Conv2D(4, 3), pl.Tanh(), pl.Flatten(), pl.Dense(outputs)], shape)

    assert quick(net=make).fit(IMAGES, LABELS).network_.nodes[1].name == "tanh1"


def test_a_regressor_learns_numbers_of_any_size() -> None:
    fitted = quick_regressor(epochs=60).fit(IMAGES[:150], HEIGHTS[:150])
    assert fitted.score(IMAGES[150:], HEIGHTS[150:]) > 0.8
    assert fitted.predict(IMAGES).shape == (200,)
    assert fitted.target_mean_ == pytest.approx(np.unique(HEIGHTS[:150]).mean())
    assert type(fitted.network_.loss) is pl.MeanSquaredError
    column = quick_regressor().fit(IMAGES, HEIGHTS[:, None]).predict(IMAGES)
    assert column.shape == (200, 1)


def test_a_regressor_learns_several_numbers_at_once() -> None:
    both = np.stack([HEIGHTS, -HEIGHTS / 1000], axis=1)
    fitted = quick_regressor(epochs=60).fit(IMAGES[:150], both[:150])
    assert fitted.predict(IMAGES).shape == (200, 2)
    assert fitted.score(IMAGES[150:], both[150:]) > 0.8


def test_a_regressor_with_a_bounded_network_learns_targets_as_they_are() -> None:
    net = pl.Network([pl.Flatten(), pl.Dense(1), pl.Sigmoid()], (1, 8, 8))
    share = (HEIGHTS - HEIGHTS.min()) / np.ptp(HEIGHTS)
    fitted = quick_regressor(net=net, epochs=100).fit(IMAGES, share)
    assert (fitted.target_mean_, fitted.target_scale_) == (0.0, 1.0)
    assert fitted.score(IMAGES, share) > 0.8


def test_a_regressor_goes_on_too() -> None:
    parted = quick_regressor(lr=0.005)
    for _ in range(20):
        parted.partial_fit(IMAGES, HEIGHTS)
    assert parted.score(IMAGES, HEIGHTS) > 0.8
