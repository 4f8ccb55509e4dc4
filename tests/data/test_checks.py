from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.data import check_images
from pellucid.errors import DataError


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_first_image_that_is_not_finite_is_named(value: float, dtype: str) -> None:
    images = np.zeros((3000, 2, 3, 4), dtype)
    images[2500, 1, 2, 3] = images[2501, 0, 0, 0] = value
    paths = [f"{n}.png" for n in range(3000)]
    with pytest.raises(
        DataError, match=r"image 2500 \(2500.png\) has the value .* channel 1, row 2, column 3"
    ):
        check_images(images, None, 1, paths=paths)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 3, 1], "image 1 has the label 3; 0 to 2"),
        ([0, 1, -1], "image 2 has the label -1"),
        ([0, 1], "2 labels were given for 3 images"),
        ([0.0, 1.0, 2.0], "float64"),
        ([[0], [1], [2]], "whole numbers"),
    ],
)
def test_labels_that_name_no_class_are_refused(labels: list[Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_images(np.zeros((3, 1, 2, 2), np.uint8), np.array(labels), 3)


def test_unsigned_labels_are_compared_as_numbers() -> None:
    with pytest.raises(DataError, match="255"):
        check_images(np.zeros((1, 1, 2, 2), np.uint8), np.array([255], np.uint8), 10)


def test_there_have_to_be_images() -> None:
    with pytest.raises(DataError, match="no images"):
        check_images(np.zeros((0, 1, 2, 2), np.uint8), np.zeros(0, np.int64), 2)
    with pytest.raises(DataError, match="N, C, H, W"):
        check_images(np.zeros((2, 2, 2)), None, 2)


def test_good_images_pass() -> None:
    check_images(np.zeros((2, 1, 2, 2)), np.array([0, 1]), 2)
