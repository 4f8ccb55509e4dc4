from __future__ import annotations

from pathlib import Path

import pytest

from pellucid.data import Limits, image_paths, read_images
from pellucid.errors import DataError, FileFormatError, ResourceError, UsageError
from tests.data.samples import encoded, pixels, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "b.png": encoded(pixels(6, 5, 3)),
        "a.png": encoded(pixels(6, 5)),
        "notes.txt": b"",
        "c/d.bmp": b"",
    }
    return write(tmp_path, files)


def test_a_folder_stands_for_its_images(folder: Path) -> None:
    expected = [folder / "b.png", *(folder / name for name in ("a.png", "b.png", "c/d.bmp"))]
    assert image_paths([folder / "b.png", str(folder)]) == expected


def test_images_come_in_the_shape_of_the_network(folder: Path) -> None:
    files = [folder / "b.png", folder / "a.png"]
    images = read_images(files, shape=(3, 6, 5))
    assert images[0].tolist() == pixels(6, 5, 3).transpose(2, 0, 1).tolist()
    assert images[1].tolist() == [pixels(6, 5).tolist()] * 3
    assert read_images(files, shape=(1, 6, 5))[1, 0].tolist() == pixels(6, 5).tolist()
    assert read_images(files, shape=(1, 28, 20), resize=True).shape == (2, 1, 28, 20)


def test_what_cannot_be_read(folder: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png has 6 x 5 pixels, the network expects 7 x 5"):
        read_images([folder / "a.png"], shape=(1, 7, 5))
    with pytest.raises(FileFormatError, match=r"d\.bmp: this is no PNG"):
        read_images([folder / "c"], shape=(1, 7, 5))
    with pytest.raises(FileFormatError, match=r"notes\.txt: this is no PNG"):
        read_images([folder / "notes.txt"], shape=(1, 7, 5))
    with pytest.raises(ResourceError, match=r"no file or folder .*nowhere"):
        read_images([folder / "nowhere"], shape=(1, 7, 5))
    with pytest.raises(UsageError, match="2 input channels"):
        read_images([folder / "a.png"], shape=(2, 7, 5))
    with pytest.raises(DataError, match="no images were given"):
        read_images([], shape=(1, 7, 5))
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no PNG"):
        read_images([folder / "empty"], shape=(1, 7, 5))
    with pytest.raises(DataError, match="10 bytes allowed"):
        read_images([folder / "a.png"], shape=(1, 6, 5), limits=Limits(file_bytes=10))
