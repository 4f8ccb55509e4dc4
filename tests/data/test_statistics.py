from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pellucid.data import moments, statistics
from pellucid.errors import DataError
from tests.data.samples import pixels


def test_bytes_are_measured_on_the_scale_from_0_to_1() -> None:
    images = pixels(50, 3, 7, 9)
    means, deviations = statistics(images)
    scaled = images.astype(np.longdouble) / 255
    assert means.dtype == deviations.dtype == np.float64
    np.testing.assert_allclose(means, scaled.mean((0, 2, 3)).astype(float), rtol=1e-15)
    np.testing.assert_allclose(deviations, scaled.std((0, 2, 3)).astype(float), rtol=1e-15)


def test_the_order_of_the_images_does_not_matter() -> None:
    images = pixels(50, 2, 7, 9)
    for forward, backward in zip(statistics(images), statistics(images[::-1]), strict=True):
        assert forward.tolist() == backward.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_measured_as_they_are(dtype: type[np.floating[Any]]) -> None:
    images = (np.random.default_rng(1).normal(1e3, 2.0, (40, 2, 5, 5))).astype(dtype)
    means, deviations = statistics(images)
    exact = images.astype(np.float64)
    np.testing.assert_allclose(means, exact.mean((0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(deviations, exact.std((0, 2, 3)), rtol=1e-10)


@pytest.mark.parametrize("images", [np.full((3, 1, 4, 4), 77, np.uint8), np.full((3, 1, 4, 4), 0.1)])
def test_a_constant_channel_has_the_deviation_1(images: NDArray[Any]) -> None:
    assert statistics(images)[1].tolist() == [1.0]


def test_chunks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    images = pixels(33, 1, 4, 4)
    whole = statistics(images), statistics(images / 255.0)
    monkeypatch.setattr(moments, "_CHUNK", 100)
    assert [m.tolist() for m in statistics(images)] == [m.tolist() for m in whole[0]]
    np.testing.assert_allclose(statistics(images / 255.0), whole[1], rtol=1e-14)


@pytest.mark.parametrize("sign", [[1, 1], [1, -1]])
def test_values_without_room_for_their_squares_are_refused(sign: list[int]) -> None:
    images = np.array(sign).reshape(2, 1, 1, 1) * [[[[1e308, -1e308]]]]
    with pytest.raises(DataError, match="too large to have a mean and a deviation"):
        statistics(images)


def test_no_images_have_no_mean() -> None:
    with pytest.raises(DataError, match="shape"):
        statistics(np.zeros((0, 1, 4, 4), np.uint8))
