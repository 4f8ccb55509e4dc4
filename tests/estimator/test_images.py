"""Images in every form that users have them in."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.exceptions import NotFittedError

import pellucid as pl
from pellucid.errors import DataError, UsageError
from tests.estimator.digits import IMAGES, LABELS, quick, same_model

COLOURED = np.stack([IMAGES, IMAGES.T.reshape(IMAGES.shape), 16 - IMAGES], axis=1)  # (200, 3, 8, 8)
GRAY = quick().fit(IMAGES, LABELS)
RGB = quick().fit(COLOURED, LABELS)


@pytest.mark.parametrize(
    "images",
    [
        IMAGES.reshape(200, 64),
        IMAGES[:, None],
        IMAGES.reshape(200, 64).tolist(),
        [Image.fromarray(image) for image in IMAGES],
        np.fromiter((Image.fromarray(image) for image in IMAGES), object),
    ],
    ids=["rows", "NCHW", "lists", "Pillow", "objects"],
)
def test_gray_images_in_every_form_are_the_same_images(images: object) -> None:
    other = quick().fit(images, LABELS)
    assert other.image_shape_ == (1, 8, 8)
    assert other.n_features_in_ == 64
    proba = GRAY.predict_proba(images)
    assert (other.predict_proba(IMAGES) == proba).all() or not isinstance(images, np.ndarray)
    np.testing.assert_allclose(other.predict_proba(IMAGES), proba, atol=1e-5)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.int16, object])
def test_numbers_of_every_type_are_the_same_numbers(kind: type) -> None:
    images = IMAGES.astype(kind)
    np.testing.assert_allclose(GRAY.predict_proba(images), GRAY.predict_proba(IMAGES), atol=1e-6)
    other = quick().fit(images, LABELS)
    np.testing.assert_allclose(other.predict_proba(IMAGES), GRAY.predict_proba(IMAGES), atol=1e-4)


def test_coloured_images_in_every_form_are_the_same_images() -> None:
    last = COLOURED.transpose(0, 2, 3, 1)
    pictures = [Image.fromarray(image) for image in np.ascontiguousarray(last)]
    forms = [
        (quick(data_format="NHWC"), last),
        (quick(data_format="NHWC", image_shape=(8, 8, 3)), last.reshape(200, -1)),
        (quick(image_shape=(3, 8, 8)), COLOURED.reshape(200, -1)),
        (quick(), pictures),
    ]
    for estimator, images in forms:
        assert same_model(estimator.fit(images, LABELS).model_, RGB.model_)
        assert (estimator.predict_proba(images) == RGB.predict_proba(COLOURED)).all()


def test_gray_pictures_are_coloured_for_a_network_of_coloured_ones() -> None:
    pictures = [Image.fromarray(image) for image in IMAGES[:3]]
    as_colours = np.repeat(IMAGES[:3, None], 3, axis=1)
    assert (RGB.predict_proba(pictures) == RGB.predict_proba(as_colours)).all()


def test_features_that_fill_no_square_are_one_row() -> None:
    rows = IMAGES.reshape(200, 64)[:, :50]
    assert quick().fit(rows, LABELS).image_shape_ == (1, 1, 50)
    assert quick(image_shape=(5, 10)).fit(rows, LABELS).image_shape_ == (1, 5, 10)


def test_a_network_may_take_rows() -> None:
    net = pl.Network([pl.Dense(16), pl.ReLU(), pl.Dense(4)], (64,))
    flat = quick(net=net).fit(IMAGES, LABELS)
    assert flat.network_.loss == pl.SoftmaxCrossEntropy()
    assert flat.predict(IMAGES[:3]).shape == (3,)


def test_channels_that_seem_to_come_last_are_pointed_out() -> None:
    with pytest.warns(UserWarning, match="data_format='NHWC'"):
        quick(epochs=1).fit(COLOURED.transpose(0, 2, 3, 1), LABELS)


@pytest.mark.parametrize(
    ("estimator", "images", "sentence"),
    [
        (quick(image_shape=(3, 8)), IMAGES, "that is C, H, W = .1, 3, 8., but X has images of the shape"),
        (quick(image_shape=(9, 9)), IMAGES.reshape(200, 64), "but X has 64 features"),
        (quick(image_shape="8x8"), IMAGES, "image_shape is .H, W. or three sizes"),
        (quick(data_format="HWC"), IMAGES, "data_format is 'NCHW' or 'NHWC', not 'HWC'"),
        (quick(), IMAGES[0, 0], "Expected 2D array, got 1D array instead"),
        (quick(), [Image.new("L", (8, 8)), Image.new("L", (8, 9))], "different sizes .8 x 8, 9 x 8."),
        (quick(), [Image.fromarray(np.zeros((8, 8), np.float32))] * 2, "mode .F. does not say which number"),
        (quick(), np.where(IMAGES == 16, np.nan, IMAGES), "Input X contains NaN"),
        (quick(), np.where(IMAGES == 16, np.inf, IMAGES), "Input X contains infinity"),
        (quick(), IMAGES[:0], "Found array with 0 sample"),
        (quick(net="lenet6"), IMAGES, "there is no network 'lenet6'"),
        (quick(net=pl.zoo.default((1, 9, 9), 4)), IMAGES, "one that makes .4,. of .1, 8, 8. was expected"),
        (quick(net=3), IMAGES, "net is 'auto', the name of a network"),
    ],
)
def test_images_that_cannot_be_used(estimator: pl.ImageClassifier, images: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        estimator.fit(images, LABELS[: len(images)])  # type: ignore[arg-type]


def test_images_of_another_shape_than_those_of_fit() -> None:
    with pytest.raises(UsageError, match=r"X has images of the shape \(1, 4, 16\), but those of fit"):
        GRAY.predict(IMAGES.reshape(200, 4, 16))
    with pytest.raises(ValueError, match="X has 81 features, but ImageClassifier is expecting 64 features"):
        GRAY.predict(np.zeros((2, 81)))
    with pytest.raises(NotFittedError):
        quick().predict(IMAGES)


def test_pictures_among_other_things() -> None:
    with pytest.raises((ValueError, TypeError)):
        quick().fit([Image.new("L", (8, 8)), "a picture"], [0, 1])
    with pytest.raises(DataError, match="different sizes"):
        GRAY.predict([Image.new("L", (8, 8)), Image.new("L", (9, 9))])
