"""Named image sets in the folders where they are looked for."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pellucid.data import cifar
from pellucid.data.catalog import CATALOG, Named, RemoteFile
from pellucid.data.idx import idx_set
from pellucid.data.image_set import Splits
from pellucid.data.limits import Limits
from pellucid.data.source import md5, opened, printable
from pellucid.data.unpack import unpacked
from pellucid.errors import NotFoundError, PellucidError

__all__ = ["Found", "available", "data_folders", "has_content", "idx_splits", "located", "required"]

_CLASSES = {
    "mnist": tuple(str(digit) for digit in range(10)),
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}
_CIFAR_JPEG = "cifar10-jpeg.tar.xz"
_LABELS = "train-labels-idx1-ubyte"


@dataclass(frozen=True)
class Found:
    """A named set and where it is.

    Attributes:
        name: of the set.
        title: one line about it.
        path: its folder or archive; None if no folder searched has it, or if it is embedded.
        embedded: whether it needs no files.
    """

    name: str
    title: str
    path: Path | None
    embedded: bool


def data_folders(data_dir: str | os.PathLike[str] | None = None) -> list[Path]:
    """Where named sets are looked for, in this order, and fetched to, the first one.

    Args:
        data_dir: a folder that the user names; then come $PELLUCID_DATA_DIR and pellucid/data in the user's
            data folder ($XDG_DATA_HOME, or ~/.local/share).
    """
    environment = os.environ.get("PELLUCID_DATA_DIR")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    folders = [data_dir, environment or None, Path(home) / "pellucid" / "data"]
    return list(dict.fromkeys(Path(folder) for folder in folders if folder is not None))


def available(data_dir: str | os.PathLike[str] | None = None) -> list[Found]:
    """All sets that have a name, each with the place where it was found."""
    return [
        Found(entry.name, entry.title, located(entry, data_dir), not entry.files)
        for entry in CATALOG.values()
    ]


def located(entry: Named, data_dir: str | os.PathLike[str] | None) -> Path | None:
    """The folder or archive that holds a set, or None."""
    find = _find_cifar if entry.name == "cifar10" else _find_idx
    for folder in data_folders(data_dir) if entry.files else ():
        for place in (folder / entry.name, folder):
            path = find(entry, place)
            if path is not None:
                return path
    return None


def required(entry: Named, data_dir: str | os.PathLike[str] | None) -> Path:
    """The folder or archive that holds a set.

    Raises:
        NotFoundError: it is in none of the folders.
    """
    path = located(entry, data_dir)
    if path is None:
        searched = ", ".join(printable(str(folder)) for folder in data_folders(data_dir))
        raise NotFoundError(
            f"the image set {entry.name} was not found in {searched}; "
            f"`pellucid data fetch {entry.name}` downloads it"
        )
    return path


def _find_idx(entry: Named, folder: Path) -> Path | None:
    """The folder if it has the labels, and they are not those of a set with the same file names."""
    labels = _plain_or_packed(folder, _LABELS)
    others = [file for other in CATALOG.values() if other is not entry for file in other.files]
    if labels is None or any(has_content(labels, file) for file in others if file.name.startswith(_LABELS)):
        return None
    return folder


def _find_cifar(entry: Named, folder: Path) -> Path | None:
    for place in (folder, folder / "cifar-10-batches-bin"):
        if (place / cifar.TEST).is_file():
            return place
    for name in (entry.files[0].name, _CIFAR_JPEG):
        if (folder / name).is_file():
            return folder / name
    return None


def _plain_or_packed(folder: Path, name: str) -> Path | None:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    return None


def has_content(path: Path, published: RemoteFile) -> bool:
    """Whether a file is the published one, or has the same content packed otherwise."""
    try:
        with opened(path) as file:
            if hashlib.file_digest(file, md5).hexdigest() == published.md5:
                return True
            if published.content_md5 is None:
                return False
            file.seek(0)
            stream = unpacked(file, printable(str(path)), Limits(total_bytes=16 * published.most_bytes))
            digest = md5()
            while piece := stream.read(2**20):
                digest.update(piece)
            return digest.hexdigest() == published.content_md5
    except PellucidError:
        return False


def idx_splits(name: str, folder: Path, limits: Limits) -> Splits:
    """A set of MNIST's four files, each packed or not.

    Raises:
        NotFoundError: one of the files is missing.
        FileFormatError: one of them is damaged.
    """
    sets = []
    for part in ("train", "t10k"):
        files = []
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
            path = _plain_or_packed(folder, f"{part}-{kind}")
            if path is None:
                raise NotFoundError(f"{printable(str(folder))}: the file {part}-{kind}.gz is missing")
            files.append(path)
        sets.append(idx_set(*files, classes=_CLASSES.get(name, _CLASSES["mnist"]), name=name, limits=limits))
    return Splits(*sets)
