"""Fitted estimators as files, and as they travel between processes."""

from __future__ import annotations

import pickle  # noqa: TID251  (scikit-learn's users keep estimators so; no file of ours is one)
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import ModelFileError
from tests.estimator.digits import IMAGES, LABELS, quick, quick_regressor, same_model

NAMES = np.array(["ten", "two", "one", "six"])
FITTED = [
    quick().fit(IMAGES, LABELS),
    quick(optimizer=pl.Momentum(0.8), class_weight={0: 1.0, 1: 2.0, 2: 1.0, 3: 1.0}).fit(IMAGES, LABELS),
    quick(net=pl.Network([pl.Flatten(), pl.Dense(4)], (1, 8, 8))).fit(IMAGES, NAMES[LABELS]),
    quick(image_shape=(8, 8)).fit(IMAGES.reshape(200, 64), LABELS * 2.0),
    quick().fit(IMAGES, LABELS > 1),
    quick_regressor().fit(IMAGES, LABELS * 100.0),
    quick_regressor().fit(IMAGES, np.stack([LABELS, -LABELS], axis=1)),
]


@pytest.mark.parametrize("fitted", FITTED)
def test_a_file_holds_all_of_a_fitted_estimator(fitted: Any, tmp_path: Path) -> None:
    fitted.to_file(tmp_path / "model.safetensors")
    images = IMAGES.reshape(len(IMAGES), 64) if fitted.image_shape else IMAGES
    read = type(fitted).from_file(tmp_path / "model.safetensors")
    assert read.predict(images).tolist() == fitted.predict(images).tolist()
    assert read.predict(images).dtype == fitted.predict(images).dtype
    for name in ("n_features_in_", "n_iter_", "learning_rate_", "image_shape_", "history_", "network_"):
        assert getattr(read, name) == getattr(fitted, name), name
    assert same_model(read.model_, fitted.model_)
    given, found = fitted.get_params(), read.get_params()
    if isinstance(given["net"], str):
        assert found == given
    else:
        assert found == {**given, "net": fitted.network_}
    assert type(fitted).from_file(tmp_path / "model.safetensors").set_params(warm_start=True)


def test_a_file_is_a_model_for_the_rest_of_the_package(tmp_path: Path) -> None:
    FITTED[0].to_file(tmp_path / "model.safetensors")
    model = pl.load(tmp_path / "model.safetensors")
    assert model.predict(IMAGES).tolist() == FITTED[0].predict(IMAGES).tolist()
    assert model.classes == ("0", "1", "2", "3")


def test_what_json_has_no_words_for_is_left_out(tmp_path: Path) -> None:
    generator = np.random.RandomState(0)
    quick(epochs=1, callbacks=[pl.Callback()], random_state=generator, net=pl.zoo.default).fit(
        IMAGES, LABELS
    ).to_file(tmp_path / "model.safetensors")
    read = pl.ImageClassifier.from_file(tmp_path / "model.safetensors")
    assert (read.callbacks, read.random_state) == (None, None)
    assert read.fit(IMAGES, LABELS).n_iter_ == 1


def test_a_model_that_was_trained_otherwise_becomes_an_estimator(tmp_path: Path) -> None:
    net = pl.zoo.default((1, 8, 8), 4)
    model = pl.train(net, (IMAGES[:, None], LABELS), epochs=2, progress=False)
    replace(model, classes=tuple(NAMES)).save(tmp_path / "model.safetensors")
    read = pl.ImageClassifier.from_file(tmp_path / "model.safetensors")
    assert read.predict(IMAGES).tolist() == [NAMES[k] for k in model.predict(IMAGES)]
    before = read.score(IMAGES, NAMES[LABELS])
    for _ in range(5):
        read.partial_fit(IMAGES, NAMES[LABELS])
    assert read.score(IMAGES, NAMES[LABELS]) >= before
    assert read.classes_.tolist() == NAMES.tolist()
    with pytest.raises(ModelFileError, match="it holds no ImageRegressor"):
        pl.ImageRegressor.from_file(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ImageRegressor"},
        {"type": 3},
        {"fitted": {}},
        {"fitted": {"classes_": [1, 2]}},
        {"fitted": {"classes_": [1, 2, 2, 3]}},
        {"fitted": {"classes_": [[1], 2, 3, 4]}},
        {"fitted": {"classes_": [None, 1, 2, 3]}},
        {"fitted": 7},
        {"parameters": []},
        {"parameters": {"optimizer": {"name": "adma"}}},
        {"parameters": {"class_weight": [1]}},
    ],
)
def test_a_file_that_says_nonsense(change: dict[str, Any], tmp_path: Path) -> None:
    FITTED[0].to_file(tmp_path / "model.safetensors")
    model = pl.load(tmp_path / "model.safetensors")
    document = {**model.metadata["estimator"], **change}
    replace(model, metadata={**model.metadata, "estimator": document}).save(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match="it holds no ImageClassifier"):
        pl.ImageClassifier.from_file(tmp_path / "model.safetensors")


@pytest.mark.parametrize("fitted", [FITTED[1], FITTED[2], FITTED[6]])
def test_estimators_travel(fitted: Any, tmp_path: Path) -> None:
    joblib.dump(fitted, tmp_path / "estimator")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "estimator")):
        assert copy.predict(IMAGES).tolist() == fitted.predict(IMAGES).tolist()
