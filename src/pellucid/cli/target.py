"""Where a training leaves its model and its checkpoint, without ever taking the place of another's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path

from pellucid.errors import ModelFileError, NotFoundError, ResourceError, UsageError
from pellucid.files import resource_error

__all__ = ["Target", "check_apart", "check_figure", "check_model", "check_writable", "target"]

MODEL, CHECKPOINT = ".safetensors", ".checkpoint"


@dataclass(frozen=True)
class Target:
    """Files that a training writes: the model at its end, the checkpoint on the way there."""

    model: Path
    checkpoint: Path


@contextmanager
def target(data: str, out: Path | None, checkpoint: Path | None, resume: Path | None) -> Iterator[Target]:
    """Chooses the files of a training, before it begins.

    Args:
        data: the image set. Where no file is named, the model goes to `pellucid-DATA.safetensors` in the
            current folder, with a number (`pellucid-DATA-2.safetensors`) if there is one already.
        out: the model's file; a model that is there is replaced when training has ended well.
        checkpoint: its file, which is kept. Where neither this nor `resume` is named, it goes beside the
            model, is reserved for this training alone, and removed when that has ended well.
        resume: the checkpoint with which training goes on.

    Raises:
        ResourceError: a file that cannot be written.
        UsageError: a file that is there and must not be replaced.
    """
    if out is not None:
        check_writable(out)
        check_model(out)
    if checkpoint is not None and checkpoint != resume and checkpoint.exists():
        raise UsageError(f"{checkpoint} exists; --resume {checkpoint} goes on with it, or else remove it")
    named = checkpoint or resume
    stem = _stem(data) if out is None else out.with_suffix("")
    if named is not None:
        yield Target(out or next(path for path in _numbered(stem, MODEL) if not path.exists()), named)
        return
    files = _reserved(stem, out)
    try:
        yield files
    except BaseException:
        if files.checkpoint.exists() and not files.checkpoint.stat().st_size:
            files.checkpoint.unlink()
        raise
    files.checkpoint.unlink()


def check_apart(*paths: Path | None) -> None:
    """Refuses one file for two purposes, of which the later one would take the place of the earlier.

    Raises:
        UsageError: two of the paths lead to one file.
    """
    named = [path for path in paths if path is not None]
    for one, other in combinations(named, 2):
        if _is_same(one, other):
            raise UsageError(f"{other} cannot hold two things; each takes a file of its own")


def check_writable(path: Path) -> None:
    """Finds out before a training whether a file can be written after it.

    Raises:
        ResourceError: it cannot; NotFoundError if its folder is not there.
    """
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise NotFoundError(f"cannot write {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise ResourceError(f"cannot write {path}: no permission for its folder")


def check_figure(path: Path) -> None:
    """Finds out, before anything is computed, whether a figure can be drawn and written after it.

    Raises:
        MissingPackageError: there is nothing that could draw.
        ResourceError: the file cannot be written; NotFoundError if its folder is not there.
        UsageError: the file's ending is none that a figure has.
    """
    from pellucid.figures import check_suffix

    check_suffix(path)
    check_writable(path)


def check_model(path: Path) -> None:
    """Refuses to replace anything but a model, and a name that stands for an ONNX file.

    Raises:
        UsageError: there is a file that is no model, or the name ends in .onnx.
    """
    from pellucid.model import Model

    if path.suffix == ".onnx":
        raise UsageError(f"{path} is the name of an ONNX file, which is exported; a model file was expected")
    if path.exists():
        try:
            Model.load(path)
        except ModelFileError:
            raise UsageError(f"{path} exists and is no model; it is not replaced") from None


def _reserved(stem: Path, out: Path | None) -> Target:
    """The first files of this name that nobody has; making the checkpoint keeps others from taking them."""
    for model, checkpoint in zip(_numbered(stem, MODEL), _numbered(stem, CHECKPOINT), strict=True):
        if out is None and model.exists():
            continue
        if out is not None and _is_same(checkpoint, out):
            continue
        try:
            checkpoint.open("x").close()
        except FileExistsError:
            continue
        except OSError as error:
            raise resource_error("write", checkpoint, error) from error
        return Target(out or model, checkpoint)
    raise AssertionError("numbers do not end")


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _numbered(stem: Path, suffix: str) -> Iterator[Path]:
    """stem, stem-2, stem-3, ..., each with the suffix."""
    yield Path(f"{stem}{suffix}")
    for number in count(2):
        yield Path(f"{stem}-{number}{suffix}")


def _stem(data: str) -> Path:
    name = Path(data).resolve().name.partition(".")[0]
    return Path("pellucid-" + (re.sub(r"[^\w-]+", "-", name).strip("-") or "data"))
