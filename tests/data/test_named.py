from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pellucid.data
from pellucid.data import available, data_folders, load, named, statistics
from pellucid.data.catalog import CATALOG, RemoteFile
from pellucid.data.source import md5
from pellucid.errors import ResourceError
from tests.data.samples import archive, cifar_files, encoded, idx_files, packed, pixels, write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PELLUCID_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "pellucid" / "data"


def test_digits_are_always_the_same() -> None:
    splits = load("digits")
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (1438, 359)
    assert splits.train.shape == (1, 28, 28)
    assert splits.train.images.max() == 255
    counts = np.bincount(splits.train.labels), np.bincount(splits.test.labels)
    assert (np.abs(counts[1] - sum(counts) * 0.2) < 1).all()
    digest = md5(splits.test.labels.astype("u1").tobytes()).hexdigest()
    assert digest == "009732a351b66fc6a28d9a6d7ad4bf5b"


def test_folders_are_searched_in_order(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folders() == [home]
    monkeypatch.setenv("PELLUCID_DATA_DIR", str(tmp_path / "env"))
    assert data_folders(tmp_path / "mine") == [tmp_path / "mine", tmp_path / "env", home]
    for place in ("home/pellucid/data/mnist", "env", "mine/mnist"):
        write(tmp_path / place, idx_files(train=len(place)))
        train = load("mnist", data_dir=tmp_path / "mine").train
        assert (len(train), train.name) == (len(place), "mnist")


def test_home_is_found_without_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert data_folders() == [Path("/home/someone/.local/share/pellucid/data")]


def test_a_missing_set_says_where_it_was_looked_for(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as error:
        load("mnist", data_dir=tmp_path / "mine")
    assert f"not found in {tmp_path / 'mine'}, {home}" in str(error.value)
    assert "`pellucid data fetch mnist`" in str(error.value)


def test_available_lists_all_sets(tmp_path: Path) -> None:
    write(tmp_path / "mnist", packed(idx_files()))
    found = {entry.name: entry for entry in available(tmp_path)}
    assert list(found) == list(CATALOG) == ["digits", "mnist", "fashion-mnist", "cifar10"]
    assert found["mnist"].path == tmp_path / "mnist"
    assert (found["digits"].path, found["digits"].embedded) == (None, True)
    assert (found["cifar10"].path, found["cifar10"].embedded) == (None, False)


def test_fashion_has_names(tmp_path: Path) -> None:
    write(tmp_path / "fashion-mnist", packed(idx_files()))
    assert load("fashion-mnist", data_dir=tmp_path).train.classes[-1] == "Ankle boot"


def test_files_of_another_set_with_the_same_names_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = packed(idx_files())
    write(tmp_path, files)
    labels = files["train-labels-idx1-ubyte.gz"]
    original = CATALOG["mnist"]
    packed_md5, content_md5 = md5(labels).hexdigest(), md5(gzip.decompress(labels)).hexdigest()
    for known in (
        RemoteFile("train-labels-idx1-ubyte.gz", packed_md5, 2**20),
        RemoteFile("train-labels-idx1-ubyte.gz", "", 2**20, content_md5),
    ):
        changed = type(original)("mnist", original.title, (known,), original.mirrors)
        monkeypatch.setitem(CATALOG, "mnist", changed)
        with pytest.raises(ResourceError, match="fashion-mnist was not found"):
            load("fashion-mnist", data_dir=tmp_path)
        assert len(load("mnist", data_dir=tmp_path).train) == 6


def test_cifar10_may_come_as_jpeg(tmp_path: Path) -> None:
    files = {
        f"{part}/{name}/1.jpg": encoded(pixels(32, 32, 3), "JPEG")
        for part in ("train", "test")
        for name in "ba"
    }
    (tmp_path / "cifar10-jpeg.tar.xz").write_bytes(archive(".tar.xz", files))
    splits = load("cifar10", data_dir=tmp_path)
    assert (splits.train.classes, splits.train.name, splits.train.shape) == (
        ("a", "b"),
        "cifar10",
        (3, 32, 32),
    )
    write(tmp_path / "cifar10", cifar_files())
    assert len(load("cifar10", data_dir=tmp_path).train) == 10


def test_contents_are_recognised_however_they_are_packed(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"content", 1, mtime=5))
    exact = RemoteFile("file.gz", md5(path.read_bytes()).hexdigest(), 100)
    same = RemoteFile("file.gz", "", 100, md5(b"content").hexdigest())
    other = RemoteFile("file.gz", "", 100)
    assert [named.has_content(path, file) for file in (exact, same, other)] == [True, True, False]
    path.write_bytes(gzip.compress(b"content")[:-3])
    assert not named.has_content(path, same)
    assert not named.has_content(tmp_path / "nowhere", same)


REAL = os.environ.get("PELLUCID_DATA_DIR")
with_real_data = pytest.mark.skipif(REAL is None, reason="PELLUCID_DATA_DIR is not set")


@with_real_data
def test_the_real_mnist() -> None:
    splits = load("mnist", data_dir=REAL)
    assert splits.test is not None
    assert (splits.train.images.shape, splits.test.images.shape) == ((60_000, 1, 28, 28), (10_000, 1, 28, 28))
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60_000, 28, 28)
    assert md5(header + splits.train.images.tobytes()).hexdigest() == CATALOG["mnist"].files[0].content_md5
    assert splits.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    means, deviations = statistics(splits.train.images)
    assert (round(float(means[0]), 4), round(float(deviations[0]), 4)) == (0.1307, 0.3081)


def test_importing_is_cheap() -> None:
    code = (
        "import sys, pellucid.data as data; "
        "heavy = {'PIL', 'sklearn', 'numpy'} & set(sys.modules); "
        "data.Limits, data.ImageSet; "
        "print(heavy | {'PIL', 'sklearn'} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert output.strip() == "set()"


def test_public_names_are_there() -> None:
    assert all(hasattr(pellucid.data, name) for name in pellucid.data.__all__)
    with pytest.raises(AttributeError, match="nothing_such"):
        pellucid.data.nothing_such  # noqa: B018
