from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from pellucid.data import Limits, Splits, load
from pellucid.data.cifar import BATCHES
from pellucid.errors import DataError, FileFormatError
from tests.data.samples import Files, cifar_files, cifar_records, tar, write


def check(splits: Splits) -> None:
    assert splits.test is not None
    assert splits.train.shape == splits.test.shape == (3, 32, 32)
    assert splits.train.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert splits.test.labels.tolist() == [5, 4]
    assert splits.train.classes[3] == "cat"
    records = np.frombuffer(cifar_files()["data_batch_2.bin"], np.uint8).reshape(2, -1)
    assert splits.train.images[2].ravel().tolist() == records[0, 1:].tolist()


def test_the_files_in_a_folder(tmp_path: Path) -> None:
    check(load(write(tmp_path, cifar_files())))


@pytest.mark.parametrize("place", ["cifar10", ".", "cifar10/cifar-10-batches-bin"])
def test_the_files_by_name(tmp_path: Path, place: str) -> None:
    write(tmp_path / place, cifar_files())
    check(load("cifar10", data_dir=tmp_path))


def published(files: Files) -> bytes:
    inside = {f"cifar-10-batches-bin/{name}": content for name, content in reversed(files.items())}
    return gzip.compress(tar(inside | {"cifar-10-batches-bin/readme.html": b"hello"}))


def test_the_archive_as_published(tmp_path: Path) -> None:
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(published(cifar_files()))
    check(load(archive))
    check(load("cifar10", data_dir=tmp_path))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "at byte 0: the file ends within a record"),
        (cifar_records([1, 2])[:-1], "at byte 6145: the file ends within a record"),
        (cifar_records([1, 2]) + b"!", "at byte 6147"),
        (cifar_records([1, 10]), "at byte 3073: the label is 10, 0 to 9 were expected"),
    ],
)
def test_records_that_are_none(tmp_path: Path, content: bytes, sentence: str) -> None:
    files = cifar_files() | {"data_batch_3.bin": content}
    with pytest.raises(FileFormatError, match=rf"data_batch_3\.bin.*{sentence}"):
        load(write(tmp_path, files))
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(published(files))
    with pytest.raises(FileFormatError, match=rf"cifar-10-binary\.tar\.gz.*data_batch_3\.bin.*{sentence}"):
        load(archive)


@pytest.mark.parametrize("name", BATCHES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    files = cifar_files()
    del files[name]
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(published(files))
    with pytest.raises(FileFormatError, match=f"{name} is missing"):
        load(archive)


def test_a_file_that_is_there_twice(tmp_path: Path) -> None:
    files = {f"a/{name}": content for name, content in cifar_files().items()}
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(gzip.compress(tar(files | cifar_files())))
    with pytest.raises(FileFormatError, match="two files of this name"):
        load(archive)


def test_files_are_not_read_beyond_the_limit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than the 5000 bytes allowed"):
        load(write(tmp_path, cifar_files()), limits=Limits(file_bytes=5000))
