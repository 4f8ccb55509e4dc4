from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from pellucid.data import Limits, load
from pellucid.data.idx import read_idx
from pellucid.errors import FileFormatError, ResourceError
from tests.data.samples import Files, idx, idx_files, packed, pixels, write

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize("pack", [dict, packed])
def test_a_folder_of_the_four_files_is_an_image_set(pack: type[Files], tmp_path: Path) -> None:
    splits = load(write(tmp_path / "letters", pack(idx_files())))
    assert splits.test is not None
    assert splits.train.images[:, 0].tolist() == pixels(6, 4, 5).tolist()
    assert splits.test.images[:, 0].tolist() == pixels(4, 4, 5).tolist()
    assert splits.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert splits.train.classes == tuple("0123456789")
    assert splits.train.name == "letters"


def refused(folder: Path, name: str, content: bytes, sentence: str) -> None:
    files = idx_files() | {name: content}
    with pytest.raises(FileFormatError, match=sentence) as error:
        load(write(folder, files))
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "at byte 0: the file ends"),
        (b"\0\0\x08", "at byte 3: the file ends, 1 more bytes of the magic number"),
        (b"\0\0\x0d\x03" + bytes(12), "at byte 0: the magic number is 00 00 0d 03, 00 00 08 03 was expected"),
        (b"\0\0\x08\x01" + bytes(12), "00 00 08 01"),
        (b"\0\0\x08\x03" + bytes(5), "at byte 9: the file ends, 7 more bytes of the extents"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "at byte 16: the header promises 4294967295 x .*, 0 follow"),
        (idx(pixels(6, 4, 5))[:-1], "6 x 4 x 5 = 120 values of one byte, 119 follow"),
        (idx(pixels(6, 4, 5)) + b"!", "120 values of one byte, 121 follow"),
        (idx(pixels(5, 4, 5)), "5 images of 4 x 5 .* 6 labels"),
        (idx(pixels(6, 0, 5)), "6 images of 0 x 5"),
    ],
)
def test_images_that_are_not_what_the_format_requires(tmp_path: Path, content: bytes, sentence: str) -> None:
    refused(tmp_path, IMAGES, content, sentence)


def test_a_label_out_of_range_is_found_in_its_byte(tmp_path: Path) -> None:
    refused(
        tmp_path, LABELS, idx(np.array([0, 1, 2, 10, 4, 5], np.uint8)), "at byte 11: the label is 10, 0 to 9"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(idx(pixels(6, 4, 5)))[:-4], "ends too early"),
        (gzip.compress(idx(pixels(6, 4, 5))[:-1]), "at byte 135: the file ends, 1 more bytes of values"),
        (gzip.compress(idx(pixels(6, 4, 5)) + b"!"), "at byte 137: more bytes follow"),
        (
            gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 2**26, 1, 1)),
            "the file ends, 67108864 more bytes",
        ),
        (gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 2**27, 1, 1)), "134217712 are allowed"),
        (gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12), "are allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # packed files hold the time of packing
)
def test_packed_files_are_held_to_their_header(tmp_path: Path, content: bytes, sentence: str) -> None:
    files = packed(idx_files()) | {f"{IMAGES}.gz": content}
    with pytest.raises(FileFormatError, match=sentence):
        load(write(tmp_path, files))


def test_the_limit_counts_what_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "zeros.gz").write_bytes(gzip.compress(idx(np.zeros((100, 100, 100), np.uint8))))
    with pytest.raises(FileFormatError, match="are allowed"):
        read_idx(tmp_path / "zeros.gz", 3, Limits(total_bytes=10**5))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    files = idx_files()
    del files["t10k-labels-idx1-ubyte"]
    with pytest.raises(ResourceError, match=r"the file t10k-labels-idx1-ubyte\.gz is missing"):
        load(write(tmp_path, files))
