"""A small valid image set of each format, one of whose files is to be damaged."""

from __future__ import annotations

import gzip
import lzma
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.data import samples


@dataclass
class Sample:
    """The files of one image set.

    Attributes:
        format: of the set.
        spec: what is loaded: a folder or a file, inside the folder that the files are written to.
        files: contents by name.
        victim: the file that is damaged.
        tricks: done to the folder when the files are written.
    """

    format: str
    spec: str
    files: dict[str, bytes]
    victim: str
    tricks: Callable[[Path], None] = lambda folder: None

    @property
    def content(self) -> bytes:
        """What the victim holds, unpacked."""
        return UNPACK.get(self.format, bytes)(self.files[self.victim])

    @content.setter
    def content(self, value: bytes) -> None:
        self.files[self.victim] = PACK.get(self.format, bytes)(value)

    def write(self, folder: Path) -> Path:
        """Writes the set and returns the path to load."""
        samples.write(folder, self.files)
        self.tricks(folder)
        return folder / self.spec


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


def _xz(content: bytes) -> bytes:
    return lzma.compress(content, preset=0)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "idx.gz": _gzip,
    "cifar.tar.gz": _gzip,
    "tar.gz": _gzip,
    "tar.xz": _xz,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "idx.gz": gzip.decompress,
    "cifar.tar.gz": gzip.decompress,
    "tar.gz": gzip.decompress,
    "tar.xz": lzma.decompress,
}


def images(draw: random.Random) -> dict[str, bytes]:
    """Class folders with images of all three formats."""
    height, width = draw.randint(1, 9), draw.randint(1, 9)
    files = {}
    for name, format in (("a", "PNG"), ("b", "JPEG"), ("c", "BMP")):
        values = samples.pixels(height, width, 3, seed=draw.randrange(99))
        files[f"{name}/{draw.randrange(99)}.{format.lower()}"] = samples.encoded(values, format)
    return files


def _folder(format: str, files: dict[str, bytes], victim: str) -> Sample:
    return Sample(
        format,
        "hostile",
        {f"hostile/{name}": content for name, content in files.items()},
        f"hostile/{victim}",
    )


def _idx(format: str) -> Callable[[random.Random], Sample]:
    def sample(draw: random.Random) -> Sample:
        files = samples.idx_files(
            draw.randint(1, 5), draw.randint(1, 5), (draw.randint(1, 5), draw.randint(1, 5))
        )
        if format == "idx.gz":
            files = samples.packed(files)
        return _folder(format, files, draw.choice(sorted(files)))

    return sample


def _cifar(draw: random.Random) -> Sample:
    files = samples.cifar_files()
    return _folder("cifar.bin", files, draw.choice(sorted(files)))


def _cifar_archive(draw: random.Random) -> Sample:
    inner = samples.tar(
        {f"cifar-10-batches-bin/{name}": data for name, data in samples.cifar_files().items()}
    )
    name = "cifar-10-binary.tar.gz"
    return Sample("cifar.tar.gz", name, {name: _gzip(inner)}, name)


def _npz(draw: random.Random) -> Sample:
    n = draw.randint(1, 5)
    values = samples.pixels(n, 3, 4) if draw.random() < 0.5 else np.linspace(0, 1, n * 12).reshape(n, 3, 4)
    labels = np.arange(n) % 3
    keys = draw.choice([("images", "labels"), ("x_train", "y_train")])
    content = samples.npz(draw.random() < 0.5, **dict(zip(keys, (values, labels), strict=True)))
    return Sample("npz", "hostile.npz", {"hostile.npz": content}, "hostile.npz")


def _image(format: str) -> Callable[[random.Random], Sample]:
    def sample(draw: random.Random) -> Sample:
        suffix = {"png": "png", "jpeg": "jpg", "bmp": "bmp"}[format]
        files = samples.image_files(format.upper(), suffix)
        if draw.random() < 0.3:
            victim = draw.choice(sorted(files))
            files[victim] = samples.encoded(samples.pixels(6, 5, seed=3), format.upper())
        return _folder(format, files, draw.choice(sorted(files)))

    return sample


def _archive(format: str) -> Callable[[random.Random], Sample]:
    def sample(draw: random.Random) -> Sample:
        name = f"hostile.{format}"
        content = samples.archive(f".{format}", images(draw))
        return Sample(format, name, {name: content}, name)

    return sample


FORMATS: dict[str, Callable[[random.Random], Sample]] = {
    "idx": _idx("idx"),
    "idx.gz": _idx("idx.gz"),
    "cifar.bin": _cifar,
    "cifar.tar.gz": _cifar_archive,
    "npz": _npz,
    "png": _image("png"),
    "jpeg": _image("jpeg"),
    "bmp": _image("bmp"),
    "tar": _archive("tar"),
    "tar.gz": _archive("tar.gz"),
    "tar.xz": _archive("tar.xz"),
    "zip": _archive("zip"),
}
