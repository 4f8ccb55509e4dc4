from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pellucid.data import ImageSet, Limits, load
from pellucid.data.pixels import fitted
from pellucid.errors import DataError
from tests.data.samples import pixels


def set_of(images: np.ndarray) -> ImageSet:
    return ImageSet(images, np.zeros(len(images), np.int64), ("a",), "set")


def test_nothing_to_do_is_nothing_done() -> None:
    images = set_of(pixels(2, 3, 4, 5))
    assert fitted(images, (4, 5), "rgb", Limits()) is images
    assert fitted(images, None, "auto", Limits()) is images


def test_bytes_become_gray_as_pillow_makes_them() -> None:
    colours = pixels(5, 6, 7, 3)
    gray = fitted(set_of(colours.transpose(0, 3, 1, 2)), None, "gray", Limits()).images
    assert gray.shape == (5, 1, 6, 7)
    for number in range(5):
        assert gray[number, 0].tolist() == np.asarray(Image.fromarray(colours[number]).convert("L")).tolist()


def test_floats_become_gray_with_the_same_weights() -> None:
    colours = np.random.default_rng(0).random((2, 3, 4, 4))
    gray = fitted(set_of(colours), None, "gray", Limits()).images
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(gray[:, 0], np.tensordot(weights, colours, ([0], [1])), atol=1e-5)
    assert fitted(set_of(gray.astype("f4")), None, "rgb", Limits()).shape == (3, 4, 4)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_a_constant_image_stays_constant_in_any_size(dtype: str) -> None:
    images = np.full((2, 2, 6, 5), 77, dtype)
    resized = fitted(set_of(images), (9, 3), "auto", Limits()).images
    assert (resized.shape, resized.dtype) == ((2, 2, 9, 3), np.dtype(dtype))
    assert (resized == 77).all()


def test_what_cannot_be_had() -> None:
    with pytest.raises(DataError, match="images of 2 channels"):
        fitted(set_of(pixels(1, 2, 4, 4)), None, "gray", Limits())
    with pytest.raises(DataError, match="2 images of 1 x 100 x 100 pixels take more than the 9999 bytes"):
        fitted(set_of(pixels(2, 1, 4, 4)), (100, 100), "auto", Limits(total_bytes=9999))


def test_load_brings_any_set_to_the_size_asked_for() -> None:
    splits = load("digits", resize=(8, 9), mode="rgb")
    assert splits.test is not None
    assert splits.train.shape == splits.test.shape == (3, 8, 9)
