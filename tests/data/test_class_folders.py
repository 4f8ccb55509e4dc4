from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.data import Limits, Splits, load
from pellucid.errors import DataError, FileFormatError, ResourceError, UsageError
from tests.data.samples import Files, archive, encoded, file_of, image_files, pixels, write

ARCHIVES = (".tar", ".tar.gz", ".tar.xz", ".zip")
PICTURE = encoded(pixels(6, 5, 3))
Store = Callable[[Files], Path]
GRAY = encoded(pixels(6, 5))


@pytest.fixture(params=["folder", *ARCHIVES])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Stores files as a folder or as an archive and returns the path."""

    def store(files: Files) -> Path:
        if request.param == "folder":
            return write(tmp_path / "set", files)
        path = tmp_path / f"set{request.param}"
        path.write_bytes(archive(request.param, files))
        return path

    return store


def check(splits: Splits, where: Path) -> None:
    assert splits.test is not None
    assert splits.train.classes == ("cat", "dog")
    assert splits.train.shape == (3, 6, 5)
    assert splits.train.labels.tolist() == [0, 0, 1, 1]
    assert splits.test.labels.tolist() == [0, 1]
    assert splits.train.paths is not None
    assert splits.train.paths[1] == f"{where}/train/cat/1.png"
    assert splits.train.images[1].tolist() == pixels(6, 5, 3, seed=1).transpose(2, 0, 1).tolist()


def test_one_folder_a_class_inside_train_and_test(stored: Store) -> None:
    path = stored(image_files())
    check(load(path), path)


def test_an_enclosing_folder_and_other_files_do_not_matter(stored: Store) -> None:
    files = {f"pets/{name}": content for name, content in image_files().items()}
    files |= {"readme.md": b"", "pets/train/list.csv": b"", "pets/._x.png": b"", ".DS_Store/y.png": b""}
    splits = load(stored(files))
    assert [len(splits.train), splits.test and len(splits.test)] == [4, 2]


def test_classes_alone_are_for_training(stored: Store) -> None:
    splits = load(stored({"b/1.png": PICTURE, "a/1.png": PICTURE, "train/1.png": PICTURE}))
    assert (splits.train.classes, splits.test, splits.validation) == (("a", "b", "train"), None, None)
    assert sorted(splits.train.labels) == [0, 1, 2]


def test_train_alone(stored: Store) -> None:
    assert load(stored({"train/a/1.png": PICTURE, "train/b/1.png": PICTURE})).train.classes == ("a", "b")


def test_validation_takes_the_place_of_a_missing_test(stored: Store) -> None:
    splits = load(stored({"Train/a/1.png": PICTURE, "Train/b/1.png": PICTURE, "Val/b/2.png": PICTURE}))
    assert splits.test is not None
    assert (splits.test.labels.tolist(), splits.validation) == ([1], None)


def test_three_parts(tmp_path: Path) -> None:
    files = {f"{part}/a/1.png": PICTURE for part in ("train", "valid", "test")}
    splits = load(write(tmp_path, files))
    assert [part and len(part) for part in (splits.train, splits.test, splits.validation)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"readme.md": b""}, "no PNG, JPEG or BMP images were found"),
        ({"1.png": PICTURE}, "1.png does not lie in the folder of a class"),
        ({"a/1.png": PICTURE, "a/b/1.png": PICTURE}, "a/b/1.png does not lie in the folder of a class"),
        ({"train/a/1.png": PICTURE, "other/a/1.png": PICTURE}, "does not lie in the folder of a class"),
        ({"train/a/1.png": PICTURE, "test/b/1.png": PICTURE}, "the class b has no images to train on"),
        ({"test/a/1.png": PICTURE, "val/a/1.png": PICTURE}, "the class a has no images to train on"),
        ({"a\x01/1.png": PICTURE, "a\x02/1.png": PICTURE}, "differ only in characters that cannot be shown"),
        ({"a/1.webp": b""}, "a/1.webp: images of this format are not read"),
        ({"a/1.png": b"not an image"}, "no PNG, JPEG or BMP image"),
        ({"a/1.png": PICTURE[:-20]}, "1.png.*at byte 33: the file ends, but the image does not"),
    ],
)
def test_folders_that_are_no_set(stored: Store, files: Files, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as error:
        load(stored(files))
    assert "set" in str(error.value)
    assert str(error.value).isprintable()


def test_class_names_are_fit_to_be_printed(stored: Store) -> None:
    splits = load(stored({"\x1b[2Jcat\n/1.png": PICTURE, "Žába/1.png": PICTURE}))
    assert splits.train.classes == ("Žába", "\ufffd[2Jcat\ufffd")
    assert all(path.isprintable() for path in splits.train.paths or ())


def test_mixed_sizes_are_refused_or_brought_to_one(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.png": PICTURE, "a/2.png": encoded(pixels(9, 9, 3))})
    with pytest.raises(DataError, match=r"a/2\.png has 9 x 9 pixels, .*a/1\.png has 6 x 5"):
        load(tmp_path)
    images = load(tmp_path, resize=(8, 7)).train.images
    assert images.shape == (2, 3, 8, 7)
    expected = Image.fromarray(pixels(6, 5, 3)).resize((7, 8), Image.Resampling.BILINEAR)
    assert images[0].tolist() == np.asarray(expected).transpose(2, 0, 1).tolist()


def test_gray_images_among_colours_are_repeated(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.png": GRAY, "a/2.png": GRAY, "a/3.png": PICTURE, "a/4.png": GRAY})
    images = load(tmp_path).train.images
    assert images.shape == (4, 3, 6, 5)
    for number in (0, 1, 3):
        assert images[number].tolist() == [pixels(6, 5).tolist()] * 3
    assert images[2].tolist() == pixels(6, 5, 3).transpose(2, 0, 1).tolist()


def test_the_mode_decides_the_channels(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.png": GRAY, "a/2.png": GRAY})
    assert load(tmp_path).train.shape == (1, 6, 5)
    assert load(tmp_path, mode="rgb").train.shape == (3, 6, 5)
    write(tmp_path, {"a/3.png": PICTURE})
    images = load(tmp_path, mode="gray").train.images
    assert images.shape == (3, 1, 6, 5)
    assert images[2, 0].tolist() == np.asarray(Image.fromarray(pixels(6, 5, 3)).convert("L")).tolist()


def test_jpeg_and_bmp(tmp_path: Path) -> None:
    check_shapes = {"JPEG": "jpg", "BMP": "bmp"}
    for format, suffix in check_shapes.items():
        splits = load(write(tmp_path / suffix, image_files(format, suffix)))
        assert len(splits.train) == 4


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(file_bytes=100), "100 "),
        (Limits(members=2), "more than the 2 |2 in"),
        (Limits(total_bytes=300), "more than "),
        (Limits(pixels=29), "29 are allowed"),
        (Limits(classes=1), "2 classes, 1 are allowed"),
    ],
)
def test_the_limits_hold(stored: Store, limits: Limits, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        load(
            stored({"a/1.png": PICTURE, "b/2.png": PICTURE, "b/3.png": PICTURE, "b/4.png": PICTURE}),
            limits=limits,
        )


def test_gray_images_that_become_colours_count_thrice(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.png": GRAY, "a/2.png": GRAY, "a/3.png": PICTURE})
    with pytest.raises(DataError, match="take more than 170 bytes"):
        load(tmp_path, limits=Limits(total_bytes=170))
    assert len(load(tmp_path, limits=Limits(total_bytes=270)).train) == 3


def test_pipes_and_broken_links_are_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, {"a/1.png": PICTURE})
    os.mkfifo(tmp_path / "a/2.png")
    with pytest.raises(ResourceError, match=r"2\.png: it is not a regular file"):
        load(tmp_path)
    os.unlink(tmp_path / "a/2.png")
    os.symlink(tmp_path / "nowhere", tmp_path / "a/3.png")
    with pytest.raises(ResourceError, match=r"3\.png"):
        load(tmp_path)


def test_links_to_images_and_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", {"a/1.png": PICTURE})
    write(tmp_path / "elsewhere", {"2.png": PICTURE})
    os.symlink(tmp_path / "elsewhere", folder / "b")
    os.symlink(tmp_path / "elsewhere/2.png", folder / "a/2.png")
    assert load(folder).train.labels.tolist() == [0, 0, 1]
    os.symlink(folder, folder / "c")
    with pytest.raises(DataError, match="deep"):
        load(folder)


def test_a_folder_that_is_named_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "a/1.png").mkdir(parents=True)
    with pytest.raises(DataError, match="no PNG"):
        load(tmp_path)


def test_names_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "set") + b"/caf\xe9"
    os.makedirs(folder)
    with open(folder + b"/\xff.png", "wb") as file:
        file.write(PICTURE)
    train = load(tmp_path / "set").train
    assert train.classes == ("caf\ufffd",)
    assert train.paths == (f"{tmp_path}/set/caf\ufffd/\ufffd.png",)


@pytest.mark.parametrize(
    ("spec", "error", "sentence"),
    [
        ("nowhere", ResourceError, r"no file or folder .*nowhere, nor a named image set \(digits, mnist"),
        ("notes.txt", UsageError, "notes.txt is no image set"),
        ("broken.zip", FileFormatError, "end record"),
        ("broken.tar", FileFormatError, "header of a tar archive|without its mark"),
        ("broken.npz", FileFormatError, "end record"),
        ("nul\0byte", ResourceError, "nul"),
    ],
)
def test_paths_that_are_no_set(tmp_path: Path, spec: str, error: type[Exception], sentence: str) -> None:
    write(
        tmp_path, {"notes.txt": b"x", "broken.zip": b"PK\3\4", "broken.tar": b"x" * 600, "broken.npz": b"PK"}
    )
    with pytest.raises(error, match=sentence):
        load(tmp_path / spec)


def test_arguments_are_checked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="auto, gray or rgb"):
        load("digits", mode="color")  # type: ignore[arg-type]
    for size in ((0, 5), (10**5, 10**5)):
        with pytest.raises(UsageError, match="pixels were expected"):
            load("digits", resize=size)


def test_animated_images_give_their_first_picture(tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels(6, 5, seed=n)) for n in range(3)]
    data = file_of(frames[0], save_all=True, append_images=frames[1:])
    assert load(write(tmp_path, {"a/1.png": data})).train.images[0, 0].tolist() == pixels(6, 5).tolist()
