"""Small valid image sets of each format, written by other libraries or by hand, never by what is tested."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.data.cifar import BATCHES

Files = dict[str, bytes]


def pixels(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng([seed, *shape]).integers(0, 256, shape, np.uint8)


def idx(values: NDArray[np.uint8]) -> bytes:
    extents = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, 8, values.ndim]) + extents + values.tobytes()


def idx_files(train: int = 6, test: int = 4, size: tuple[int, int] = (4, 5)) -> Files:
    """MNIST's four files, not packed."""
    files = {}
    for part, count in (("train", train), ("t10k", test)):
        files[f"{part}-images-idx3-ubyte"] = idx(pixels(count, *size))
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(count, dtype=np.uint8) % 10)
    return files


def packed(files: Mapping[str, bytes]) -> Files:
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}


def cifar_records(labels: list[int], seed: int = 0) -> bytes:
    images = pixels(len(labels), 3 * 32 * 32, seed=seed)
    return np.hstack([np.array(labels, np.uint8)[:, np.newaxis], images]).tobytes()


def cifar_files() -> Files:
    """The six files of CIFAR-10's binary version, two records each."""
    return {name: cifar_records([n, 9 - n], seed=n) for n, name in enumerate(BATCHES)}


def encoded(values: NDArray[Any], format: str = "PNG", **options: Any) -> bytes:
    """An image file of (H, W) or (H, W, C) values, uint8 or uint16."""
    return file_of(Image.fromarray(values), format, **options)


def file_of(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def image_files(format: str = "PNG", suffix: str = "png") -> Files:
    """Two images of 6 x 5 pixels of each of two classes for training, one of each for testing."""
    return {
        f"{part}/{name}/{number}.{suffix}": encoded(pixels(6, 5, 3, seed=number), format)
        for part, count in (("train", 2), ("test", 1))
        for name in ("cat", "dog")
        for number in range(count)
    }


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tar(files: Mapping[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def npz(compressed: bool = True, **arrays: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def archive(suffix: str, files: Mapping[str, bytes]) -> bytes:
    """The files as a .tar, .tar.gz, .tar.xz or .zip archive."""
    if suffix == ".zip":
        return zipped(files)
    packers = {".tar": bytes, ".tar.gz": lambda data: gzip.compress(data, mtime=0), ".tar.xz": lzma.compress}
    return packers[suffix](tar(files))
