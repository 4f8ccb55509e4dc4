from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pellucid.data import Limits, load
from pellucid.errors import DataError, FileFormatError
from tests.data.samples import npz, pixels, zipped

LABELS = np.array([0, 1, 2, 1])


def saved(folder: Path, compressed: bool = True, **arrays: Any) -> Path:
    path = folder / "set.npz"
    path.write_bytes(npz(compressed, **{name: np.asarray(values) for name, values in arrays.items()}))
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_images_and_labels_with_names(tmp_path: Path, compressed: bool) -> None:
    images = pixels(4, 3, 5, 6)
    splits = load(
        saved(tmp_path, compressed, images=images, labels=LABELS, classes=["x", "y", "ž"], more=[1])
    )
    assert splits.test is None
    assert splits.train.images.tolist() == images.tolist()
    assert splits.train.labels.tolist() == LABELS.tolist()
    assert splits.train.classes == ("x", "y", "ž")
    assert splits.train.name == "set"


def test_four_arrays_are_two_parts(tmp_path: Path) -> None:
    train, test = pixels(4, 5, 6), pixels(2, 5, 6)
    path = saved(tmp_path, x_train=train, y_train=LABELS[:, np.newaxis], x_test=test, y_test=[3, 0])
    splits = load(path)
    assert splits.test is not None
    assert splits.train.images[:, 0].tolist() == train.tolist()
    assert splits.test.labels.tolist() == [3, 0]
    assert splits.train.classes == splits.test.classes == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pixels(4, 1, 3, 3).astype(">i4"), "u1"),
        (np.asfortranarray(pixels(4, 1, 3, 3)), "u1"),
        (pixels(4, 1, 3, 3) > 128, "u1"),
        (np.linspace(0, 1, 36).reshape(4, 1, 3, 3).astype(">f8"), "f8"),
        (np.linspace(-1, 1, 36).reshape(4, 1, 3, 3).astype("f4"), "f4"),
        (np.linspace(0, 1, 36).reshape(4, 1, 3, 3).astype("f2"), "f4"),
    ],
)
def test_numbers_of_other_types(tmp_path: Path, values: NDArray[Any], dtype: str) -> None:
    images = load(saved(tmp_path, images=values, labels=LABELS)).train.images
    assert images.dtype == np.dtype(dtype)
    assert images.dtype.isnative
    scale = 255 if values.dtype == np.bool_ else 1
    assert images.tolist() == (values.astype(dtype) * np.array(scale, dtype)).tolist()


def test_channels_last_has_to_be_said(tmp_path: Path) -> None:
    images = pixels(4, 5, 6, 3)
    path = saved(tmp_path, images=images, labels=LABELS)
    with pytest.raises(DataError, match=r"\(4, 5, 6, 3\) look as if the channels came last"):
        load(path)
    assert load(path, channels_last=True).train.images.tolist() == images.transpose(0, 3, 1, 2).tolist()
    assert load(path, channels_last=False).train.shape == (5, 6, 3)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"labels": LABELS}, "x_train is missing"),
        ({"images": pixels(4, 3, 3)}, "labels is missing"),
        ({"x_train": pixels(4, 3, 3), "y_train": LABELS, "x_test": pixels(4, 3, 3)}, "y_test is missing"),
        ({"images": pixels(4, 9), "labels": LABELS}, "shape"),
        ({"images": pixels(4, 3, 3).astype("i4") * 2, "labels": LABELS}, "int32 values from"),
        ({"images": pixels(4, 3, 3) * 1j, "labels": LABELS}, "complex128"),
        ({"images": pixels(4, 3, 3), "labels": LABELS[:3]}, "labels"),
        ({"images": pixels(4, 3, 3), "labels": LABELS - 1}, "images: image 0 has the label -1"),
        ({"images": pixels(4, 3, 3), "labels": LABELS * 0.5}, "row of whole numbers"),
        ({"images": pixels(4, 3, 3), "labels": LABELS.astype("u8") + np.uint64(2**63)}, "too large"),
        ({"images": pixels(4, 3, 3), "labels": LABELS * 10**9}, "label 2000000000 is too large"),
        ({"images": pixels(4, 3, 3), "labels": LABELS, "classes": ["a", "b"]}, "label 2; 0 to 1"),
        ({"images": pixels(4, 3, 3), "labels": LABELS, "classes": ["a", "b", "a"]}, "same name"),
        ({"images": pixels(4, 3, 3), "labels": LABELS, "classes": [1, 2, 3]}, "row of at most"),
        ({"images": pixels(4, 3, 3) * np.nan, "labels": LABELS}, "images: image 0 has the value nan"),
        ({"images": np.zeros((0, 3, 3)), "labels": LABELS}, "at least 1"),
        (
            {"x_train": pixels(4, 3, 3), "y_train": LABELS, "x_test": pixels(4, 3, 4), "y_test": LABELS},
            "x_train has images of",
        ),
    ],
)
def test_arrays_that_make_no_set(tmp_path: Path, arrays: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as error:
        load(saved(tmp_path, **arrays))
    assert "set" in str(error.value)


def npy(header: str, content: bytes = bytes(36), version: int = 1) -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 * version, "little") + text + content


HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 3, 3)}"


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (npy(HEADER.replace("(4,", "(5,")), "do not fill the member"),
        (npy(HEADER.replace("(4,", "(4000000000,")), "do not fill the member"),
        (npy(HEADER.replace("|u1", "|O")), "type object"),
        (npy(HEADER.replace("|u1", "|V1")), "numbers or text"),
        (npy(HEADER.replace("'|u1'", "[('a', '|u1')]")), "numbers or text"),
        (npy(HEADER.replace("|u1", "<U0")), "at least 1"),
        (npy(HEADER.replace("(4,", "(-4,")), "at least 1"),
        (npy(HEADER.replace("(4, 3, 3)", "(1, 1, 1, 4, 9)")), "at least 1"),
        (npy(HEADER.replace("(4, 3, 3)", "__import__('os')")), "header cannot be read"),
        (npy("(" * 9000), "header cannot be read"),
        (npy("{"), "header cannot be read"),
        (npy(HEADER + " " * 20_000), "20060 bytes, 10000 are allowed"),
        (npy(HEADER, version=2)[:10] + b"\xff\xff", "are allowed"),
        (npy(HEADER, version=3), "format 1.0 or 2.0"),
        (npy(HEADER)[:30], "the file ends"),
        (b"", "the file ends"),
        (b"\x80\x04\x95", "the file ends"),
        (b"\x80\x04\x95 this is no array", "format 1.0 or 2.0"),
    ],
)
def test_an_array_is_held_to_its_header(tmp_path: Path, array: bytes, sentence: str) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(zipped({"images.npy": array, "labels.npy": b""}))
    with pytest.raises(FileFormatError, match=rf"set\.npz: member images\.npy at byte 0: .*{sentence}"):
        load(path)


def test_version_2_headers_are_read(tmp_path: Path) -> None:
    labels = io.BytesIO()
    np.save(labels, LABELS)
    path = tmp_path / "set.npz"
    path.write_bytes(zipped({"images.npy": npy(HEADER, version=2), "labels.npy": labels.getvalue()}))
    assert load(path).train.shape == (1, 3, 3)


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    path = saved(tmp_path, images=pixels(4, 3, 3), labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("images", b"")
    with pytest.raises(FileFormatError, match="two of this name"):
        load(path)


def test_all_arrays_together_are_limited(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=pixels(4, 3, 3), y_train=LABELS, x_test=pixels(4, 3, 3), y_test=LABELS)
    with pytest.raises(FileFormatError, match="500 are allowed"):
        load(path, limits=Limits(total_bytes=500))
