"""An image set by its name or path, whatever it is stored in."""

from __future__ import annotations

import os
from pathlib import Path

from pellucid.data import cifar
from pellucid.data.catalog import CATALOG
from pellucid.data.class_folders import class_folders
from pellucid.data.collect import Mode
from pellucid.data.digits import digits
from pellucid.data.folder import archive_files, folder_files
from pellucid.data.image_set import Splits
from pellucid.data.limits import Limits
from pellucid.data.named import idx_splits, required
from pellucid.data.npz import npz_set
from pellucid.data.pixels import fitted
from pellucid.data.source import printable
from pellucid.errors import NotFoundError, ResourceError, UsageError

__all__ = ["load"]

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".zip")
_DEFAULT_LIMITS = Limits()


def load(
    spec: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    resize: tuple[int, int] | None = None,
    mode: Mode = "auto",
    channels_last: bool | None = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> Splits:
    """Reads an image set.

    Args:
        spec: "digits", "mnist", "fashion-mnist" or "cifar10"; or the path of a folder with one folder a class
            (or with such folders inside train, test and validation), of a .tar, .tar.gz, .tar.xz or .zip
            archive of one, which is read without unpacking it, of an .npz file with the arrays images and
            labels or x_train, y_train, x_test, y_test, or of a folder with the files of MNIST or CIFAR-10.
        data_dir: where named sets are looked for first; then in $PELLUCID_DATA_DIR, then in the user's.
        resize: (H, W) in pixels that all images are brought to; without it they have to have one size.
        mode: "gray", "rgb", or "auto": gray if all images are.
        channels_last: of an .npz file, whether its arrays are (N, H, W, C); None refuses those that look so.
        limits: how much one set may take.

    Returns:
        The images to train on, those to test with, and those for validation, where the set has them. Folders
        alone are all for training. uint8, or as the .npz file has them.

    Raises:
        DataError: a set that cannot be used, for instance of mixed sizes.
        FileFormatError: a damaged or hostile file; the sentence names file and offset.
        NotFoundError: a file or set that is not there.
        ResourceError: one that cannot be read.
        UsageError: an argument that cannot be used.

    >>> digits = load("digits")
    >>> len(digits.train), len(digits.test), digits.train.shape
    (1438, 359, (1, 28, 28))
    """
    _check_arguments(resize, mode, limits)
    try:
        if isinstance(spec, str) and spec in CATALOG:
            splits = _named(spec, data_dir, resize, mode, limits)
        else:
            splits = _at(Path(spec), resize, mode, channels_last, limits)
        held_out = (part and fitted(part, resize, mode, limits) for part in (splits.test, splits.validation))
        return Splits(fitted(splits.train, resize, mode, limits), *held_out)
    except MemoryError as error:
        raise ResourceError(f"there is not enough memory for the image set {printable(str(spec))}") from error


def _check_arguments(resize: tuple[int, int] | None, mode: str, limits: Limits) -> None:
    if mode not in ("auto", "gray", "rgb"):
        raise UsageError(f"the mode {mode!r} was given; auto, gray or rgb was expected")
    if resize is not None and (min(resize) < 1 or resize[0] * resize[1] > limits.pixels):
        raise UsageError(
            f"the size {resize[0]} x {resize[1]} was asked for; 1 to {limits.pixels} pixels were expected"
        )


def _named(
    name: str,
    data_dir: str | os.PathLike[str] | None,
    resize: tuple[int, int] | None,
    mode: Mode,
    limits: Limits,
) -> Splits:
    entry = CATALOG[name]
    if not entry.files:
        return digits()
    path = required(entry, data_dir)
    if name != "cifar10":
        return idx_splits(name, path, limits)
    if path.is_dir():
        return cifar.cifar_folder(path, limits)
    if path.name == entry.files[0].name:
        return cifar.cifar_archive(path, limits)
    return _archive(path, "cifar10", resize, mode, limits)


def _at(
    path: Path, resize: tuple[int, int] | None, mode: Mode, channels_last: bool | None, limits: Limits
) -> Splits:
    """The set at a path."""
    where = printable(str(path))
    name = printable(os.path.basename(os.path.abspath(path)))
    if path.is_dir():
        if (path / cifar.TEST).is_file():
            return cifar.cifar_folder(path, limits)
        if any(path.glob("train-images-idx3-ubyte*")):
            return idx_splits(name, path, limits)
        files = folder_files(path, limits)
        return class_folders(files, where=where, name=name, resize=resize, mode=mode, limits=limits)
    if not path.exists():
        raise NotFoundError(
            f"there is no file or folder {where}, nor a named image set ({', '.join(CATALOG)}) of this name"
        )
    if path.suffix.lower() == ".npz":
        return npz_set(path, channels_last=channels_last, limits=limits)
    if path.name == CATALOG["cifar10"].files[0].name:
        return cifar.cifar_archive(path, limits)
    if path.name.lower().endswith(_ARCHIVES):
        return _archive(path, name, resize, mode, limits)
    raise UsageError(f"{where} is no image set; a folder, {', '.join(_ARCHIVES)} or .npz was expected")


def _archive(path: Path, name: str, resize: tuple[int, int] | None, mode: Mode, limits: Limits) -> Splits:
    files = archive_files(path, limits)
    return class_folders(
        files, where=printable(str(path)), name=name, resize=resize, mode=mode, limits=limits
    )
