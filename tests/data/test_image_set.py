from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data import ImageSet
from pellucid.errors import DataError, UsageError


def labelled(labels: list[int], classes: int = 10) -> ImageSet:
    images = np.arange(len(labels), dtype=np.float64).reshape(-1, 1, 1, 1)
    paths = tuple(f"{n}.png" for n in range(len(labels)))
    return ImageSet(images, np.array(labels, np.int64), tuple(map(str, range(classes))), "set", paths)


def test_images_are_contiguous_and_labels_int64() -> None:
    images = np.zeros((2, 2, 3, 1), np.uint8).transpose(0, 3, 1, 2)
    whole = ImageSet(images, np.array([0, 1], np.uint8), ("a", "b"), "set")
    assert whole.images.flags.c_contiguous
    assert whole.labels.dtype == np.int64
    assert (len(whole), whole.shape) == (2, (1, 2, 3))


@pytest.mark.parametrize(
    ("shape", "dtype", "labels", "sentence"),
    [
        ((2, 3, 3), "u1", [0, 1], "shape"),
        ((2, 1, 0, 3), "u1", [0, 1], "shape"),
        ((2, 1, 3, 3), "i4", [0, 1], "int32"),
        ((2, 1, 3, 3), "u1", [0], "2 whole numbers"),
        ((2, 1, 3, 3), "u1", [0.0, 1.0], "float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    shape: tuple[int, ...], dtype: str, labels: list[float], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        ImageSet(np.zeros(shape, dtype), np.array(labels), ("a", "b"), "set")


def test_an_image_set_tells_its_sizes_not_its_pixels() -> None:
    assert repr(labelled([0] * 1200)) == "<ImageSet 'set': 1,200 images of 1 × 1 × 1, float64, 10 classes>"


def test_paths_have_to_be_as_many_as_images() -> None:
    with pytest.raises(DataError, match="1 paths were given for 2 images"):
        ImageSet(np.zeros((2, 1, 1, 1), np.uint8), np.array([0, 0]), ("a",), "set", ("x",))


def test_take_keeps_images_labels_and_paths_together() -> None:
    part = labelled([3, 1, 4, 1, 5]).take([4, 0, 0])
    assert part.images.ravel().tolist() == [4, 0, 0]
    assert part.labels.tolist() == [5, 3, 3]
    assert part.paths == ("4.png", "0.png", "0.png")
    assert len(labelled([1, 2]).take([])) == 0


@pytest.mark.parametrize("indices", [[5], [-1], [[0]]])
def test_take_refuses_indices_that_are_not_there(indices: list[int]) -> None:
    with pytest.raises(UsageError, match="from 0 to 4"):
        labelled([0] * 5).take(indices)


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=200),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_a_split_divides_each_class_alike(labels: list[int], fraction: float, seed: int) -> None:
    whole = labelled(labels)
    size = round(fraction * len(labels))
    if not 0 < size < len(labels):
        with pytest.raises(UsageError, match="neither part empty"):
            whole.split(fraction, seed)
        return
    rest, part = whole.split(fraction, seed)
    assert len(part) == size
    assert sorted([*rest.images.ravel(), *part.images.ravel()]) == list(range(len(labels)))
    share = np.bincount(labels, minlength=5) * size / len(labels)
    assert (np.abs(np.bincount(part.labels, minlength=5) - share) < 1).all()
    for half in (rest, part):
        assert half.labels.tolist() == [labels[int(at)] for at in half.images.ravel()]
        assert (np.diff(half.images.ravel()) > 0).all()


def test_the_seed_decides_the_split() -> None:
    whole = labelled([n % 3 for n in range(60)])
    first, again, other = (whole.split(0.25, seed)[1].paths for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_split_needs_two_parts(fraction: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        labelled([0, 1, 2]).split(fraction, 0)
