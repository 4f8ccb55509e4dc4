"""Named image sets from their public homes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pellucid.data.catalog import named
from pellucid.data.download import Progress, download
from pellucid.data.named import data_folders, has_content
from pellucid.data.source import printable
from pellucid.errors import UsageError
from pellucid.files import resource_error

__all__ = ["fetch"]


def fetch(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    mirrors: Sequence[str] | None = None,
    timeout: float = 30.0,
) -> Path:
    """Downloads a named image set; files that are already there and unharmed are kept.

    Args:
        name: "mnist", "fashion-mnist" or "cifar10".
        data_dir: the set goes into the folder NAME inside it; else $PELLUCID_DATA_DIR, or the user's folder.
        progress: called with a file's name, the bytes that are there, and their number in the end or None.
        mirrors: addresses of folders that hold the files, instead of the public ones.
        timeout: seconds of silence after which a mirror is given up.

    Returns:
        The folder of the set, `data_dir/NAME`.

    Raises:
        ResourceError: no mirror has a file unharmed, or the folder cannot be written. What has arrived is
            kept, and the next call asks for the rest.
        UsageError: a name that is not known, or a set that needs no files.
    """
    entry = named(name)
    if not entry.files:
        raise UsageError(f"the image set {name} is part of the installation; there is nothing to fetch")
    folder = data_folders(data_dir)[0] / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise resource_error("write", printable(str(folder)), error) from error
    for file in entry.files:
        if not has_content(folder / file.name, file):
            download(
                file,
                entry.mirrors if mirrors is None else mirrors,
                folder,
                progress=progress,
                timeout=timeout,
            )
    return folder
