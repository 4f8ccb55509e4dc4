"""Damaged and hostile image sets, and what independent readers say that they mean."""

from __future__ import annotations

import gzip
import os
import random
import re
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image

from pellucid.data import ImageSet, Splits, load
from pellucid.data.cifar import BATCHES
from tests.hostile.data_bombs import BOMBS
from tests.hostile.data_lies import LIES
from tests.hostile.data_paths import TRICKS
from tests.hostile.data_samples import FORMATS, Sample
from tests.hostile.outcome import Outcome, judged

Mutation = Callable[[random.Random, Sample], None]

# What a reader imports when it is first used is no part of the memory that it takes.
PIL.Image.preinit()
_IMAGE = re.compile(r"/*((\./+)*[^./][^/]*/+)*[^./][^/]*\.(png|jpe?g|bmp)", re.IGNORECASE)  # nothing hidden


def truncation(draw: random.Random, sample: Sample) -> None:
    content = sample.files[sample.victim]
    sample.files[sample.victim] = content[: draw.randrange(len(content))]


def bit_flip(draw: random.Random, sample: Sample) -> None:
    content = bytearray(sample.files[sample.victim])
    for _ in range(draw.choice([1, 1, 1, 2, 8, 64])):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    sample.files[sample.victim] = bytes(content)


MUTATIONS: dict[str, Mutation] = {
    "truncation": truncation,
    "bit flip": bit_flip,
    "lying header": lambda draw, sample: LIES[sample.format](draw, sample),
    "bomb": lambda draw, sample: BOMBS[sample.format](draw, sample),
    "path trick": lambda draw, sample: TRICKS[sample.format](draw, sample),
}


def run(count: int, seed: int) -> list[Outcome]:
    """Make that many image sets, load each one and judge the result.

    The sets are numbered from `seed` on, and the number decides format, mutation and everything else, so that
    consecutive runs together have equal quotas of all pairs.
    """
    pairs = [(format, mutation) for mutation in MUTATIONS for format in FORMATS]
    return [_outcome(number, *pairs[number % len(pairs)]) for number in range(seed, seed + count)]


def _outcome(number: int, format: str, mutation: str) -> Outcome:
    draw = random.Random(number)
    sample = FORMATS[format](draw)
    MUTATIONS[mutation](draw, sample)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = sample.write(Path(folder))
        before = _listing(folder)

        def read() -> str | None:
            splits = load(path)
            if mutation == "truncation" and not _may_be_cut(sample):
                return "a truncated file was read"
            return _flaw(splits) or _difference(splits, sample, path)

        outcome = judged(format, mutation, path.name, read)
        if _listing(folder) != before:
            return Outcome(format, mutation, "files were written or removed", outcome.seconds)
        return outcome


def _listing(folder: str) -> list[str]:
    """All that is there, for comparison."""
    return sorted(
        os.path.join(top, name) for top, folders, names in os.walk(folder) for name in folders + names
    )


def _may_be_cut(sample: Sample) -> bool:
    """Whether what was cut off may be filling only: zeros at the end of an archive or of a row."""
    return sample.format == "bmp" or (sample.format == "tar" and sample.content.endswith(bytes(512)))


def _flaw(splits: Splits) -> str | None:
    """What is wrong with sets of whatever content."""
    for part in (splits.train, splits.test, splits.validation):
        if part is not None and not _is_sound(part):
            return f"an image set that is none: {part.images.shape}, {part.labels[:9]}, {part.classes}"
    return None


def _is_sound(part: ImageSet) -> bool:
    return (
        len(part) == len(part.labels) > 0
        and bool((part.labels >= 0).all())
        and int(part.labels.max()) < len(part.classes) == len(set(part.classes))
        and all(name.isprintable() for name in (*part.classes, part.name, *(part.paths or ())))
        and bool(np.isfinite(part.images).all())
    )


def _difference(splits: Splits, sample: Sample, path: Path) -> str | None:
    """How the set differs from what other readers make of the same bytes."""
    parts = [part for part in (splits.train, splits.test, splits.validation) if part is not None]
    return None if MEANINGS[sample.format](path, parts) else "the set is not what the bytes mean"


def _means_idx(path: Path, parts: list[ImageSet]) -> bool:
    return all(
        _unpacked(next(path.glob(f"{prefix}-{kind}-ubyte*")))[header:] == values.astype(np.uint8).tobytes()
        for prefix, part in zip(("train", "t10k"), parts, strict=True)
        for kind, header, values in (("images-idx3", 16, part.images), ("labels-idx1", 8, part.labels))
    )


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _means_cifar(path: Path, parts: list[ImageSet]) -> bool:
    if path.is_dir():
        files = {name: (path / name).read_bytes() for name in BATCHES}
    else:
        with tarfile.open(path) as archive:
            contents = [(member.name, archive.extractfile(member)) for member in archive if member.isreg()]
            files = {
                name.rsplit("/", 1)[-1]: content.read() for name, content in contents if content is not None
            }
    expected = b"".join(files[name] for name in BATCHES)
    found = [np.hstack([part.labels[:, np.newaxis], part.images.reshape(len(part), -1)]) for part in parts]
    return np.vstack(found).astype(np.uint8).tobytes() == expected


def _means_npz(path: Path, parts: list[ImageSet]) -> bool:
    arrays = np.load(path, allow_pickle=False)
    keys = ("images", "labels") if "images" in arrays else ("x_train", "y_train")
    return np.array_equal(parts[0].images[:, 0], arrays[keys[0]]) and np.array_equal(
        parts[0].labels, arrays[keys[1]]
    )


def _means_images(path: Path, parts: list[ImageSet]) -> bool:
    files = [os.path.join(top, name) for top, _, names in os.walk(path, followlinks=True) for name in names]
    return _count(parts) == _images([os.path.relpath(file, path) for file in files])


def _means_tar(path: Path, parts: list[ImageSet]) -> bool:
    with tarfile.open(path) as archive:
        return _count(parts) == _images(archive.getnames())


def _means_zip(path: Path, parts: list[ImageSet]) -> bool:
    with zipfile.ZipFile(path) as archive:
        return _count(parts) == _images(archive.namelist())


def _images(names: list[str]) -> int:
    return sum(bool(_IMAGE.fullmatch(name)) for name in names)


def _count(parts: list[ImageSet]) -> int:
    return sum(map(len, parts))


MEANINGS: dict[str, Callable[[Path, list[ImageSet]], bool]] = {
    "idx": _means_idx,
    "idx.gz": _means_idx,
    "cifar.bin": _means_cifar,
    "cifar.tar.gz": _means_cifar,
    "npz": _means_npz,
    "png": _means_images,
    "jpeg": _means_images,
    "bmp": _means_images,
    "tar": _means_tar,
    "tar.gz": _means_tar,
    "tar.xz": _means_tar,
    "zip": _means_zip,
}
