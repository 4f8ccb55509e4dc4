"""Machine code kept on disk, so that it is made once: entries under keys, in a folder of the user's own.

An entry counts only if it is a regular file of this user's that nobody else may write to, and if its
checksum, which covers the key too, is right; whatever is not so is removed and made anew.  Processes share a
folder without locks, since an entry appears in one step.  Nothing here fails: a folder that cannot be used
only costs the time of making the code again.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CAP_BYTES", "OFF", "VARIABLE", "Cache", "Held", "folder", "opened"]

VARIABLE = "PELLUCID_CACHE_DIR"
OFF = "off"
CAP_BYTES = 256 << 20
# The first bytes of an entry: what it is, and in which form.
MAGIC = b"pellucid code 1\n"
HEAD = len(MAGIC) + hashlib.sha256().digest_size
# Files that a killed process may have left are nobody's after so many seconds.
STALE_SECONDS = 3600
# Never through a link, and never waiting for a pipe; systems without such files have no such flags.
READING = os.O_RDONLY | sum(getattr(os, f, 0) for f in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_ENTRY = re.compile(r"[0-9a-f]{64}\.code")
_TEMPORARY = re.compile(r"\.code-.*\.tmp")


@dataclass(frozen=True)
class Held:
    """How much there is: entries, and their bytes."""

    entries: int
    bytes: int


def folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where code is kept: $PELLUCID_CACHE_DIR, or else ``pellucid`` in the user's cache folder.

    Args:
        environment: variables; those of the process if None.

    Returns:
        None if $PELLUCID_CACHE_DIR is ``off``, or if the user has no home.

    >>> folder({"PELLUCID_CACHE_DIR": "off"}) is None
    True
    """
    given = os.environ if environment is None else environment
    asked = given.get(VARIABLE)
    if asked:
        return None if asked == OFF else Path(asked).absolute()
    try:
        return _users_folder(given) / "pellucid"
    except RuntimeError:  # there is no home
        return None


def _users_folder(given: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(given.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    chosen = given.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):  # others are to be ignored, says the standard
        return Path(chosen)
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def opened() -> Cache | None:
    """The user's cache; None where it is switched off."""
    where = folder()
    return None if where is None else Cache(where)


class Cache:
    """Contents under keys of 64 hexadecimal digits, in one folder."""

    def __init__(self, folder: Path, cap: int = CAP_BYTES) -> None:
        self.folder, self.cap = folder, cap

    def get(self, key: str) -> bytes | None:
        """The content under the key, if it is there, ours and whole; its use is noted."""
        path = self._path(key)
        try:
            entry = _read(path, self.cap)
        except FileNotFoundError:
            return None
        except OSError:
            entry = None
        content = None if entry is None else _checked(entry, key)
        if content is None:
            _discard(path)
        else:
            with suppress(OSError):
                os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keeps the content under the key, and lets entries go that were used longest ago, if it must."""
        temporary = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # only this user may read and write it; not synced, as the checksum finds what a crash lost
            descriptor, temporary = tempfile.mkstemp(".tmp", ".code-", self.folder)
            with open(descriptor, "wb") as stream:
                stream.write(_sealed(key, content))
            os.replace(temporary, self._path(key))
        except OSError:
            return
        finally:
            if temporary is not None:
                with suppress(OSError):
                    os.unlink(temporary)
        self._shrink()

    def problem(self) -> str | None:
        """Why nothing can be kept in the folder, if nothing can; nothing is made or changed to find out."""
        there = next(path for path in (self.folder, *self.folder.parents) if os.path.lexists(path))
        if not there.is_dir():
            return f"{there} is no folder"
        return None if os.access(there, os.W_OK | os.X_OK) else f"there is no permission to write to {there}"

    def held(self) -> Held:
        """What is there."""
        sizes = [status.st_size for _, status in self._files(_ENTRY)]
        return Held(len(sizes), sum(sizes))

    def clear(self) -> Held:
        """Removes all entries; returns what was removed."""
        gone = [status.st_size for path, status in self._files(_ENTRY) if _discard(path)]
        for path, _ in self._files(_TEMPORARY):
            _discard(path)
        return Held(len(gone), sum(gone))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.code"

    def _files(self, names: re.Pattern[str]) -> list[tuple[Path, os.stat_result]]:
        """Files with such names; other files that may be in the folder are none of ours."""
        found: list[tuple[Path, os.stat_result]] = []
        with suppress(OSError), os.scandir(self.folder) as files:
            for file in files:
                if names.fullmatch(file.name):
                    with suppress(OSError):  # another process may have removed it
                        found.append((Path(file.path), file.stat(follow_symlinks=False)))
        return found

    def _shrink(self) -> None:
        entries = sorted(self._files(_ENTRY), key=lambda found: (found[1].st_mtime_ns, found[0].name))
        total = sum(status.st_size for _, status in entries)
        for path, status in entries:
            if total <= self.cap:
                break
            total -= status.st_size if _discard(path) else 0
        for path, status in self._files(_TEMPORARY):
            if time.time() - status.st_mtime > STALE_SECONDS:
                _discard(path)


def _sealed(key: str, content: bytes) -> bytes:
    return b"".join([MAGIC, _digest(key, content), content])


def _checked(entry: bytes, key: str) -> bytes | None:
    content = entry[HEAD:]
    return content if entry[:HEAD] == MAGIC + _digest(key, content) else None


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def _read(path: Path, most: int) -> bytes | None:
    """The bytes of a file that only this user can have written; None of any other."""
    descriptor = os.open(path, READING)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not (stat.S_ISREG(status.st_mode) and _private(status) and status.st_size <= most):
            return None
        return file.read(most)


def _private(status: os.stat_result) -> bool:
    return _ours(status) and (os.name == "nt" or not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _ours(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _discard(path: Path) -> bool:
    """Removes a file of this user's; whether it is gone."""
    try:
        if not _ours(path.lstat()):
            return False
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
