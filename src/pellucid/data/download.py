"""One published file over HTTP: resumed, checked and put in place in one step, whatever the servers do."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pellucid import files
from pellucid.data.catalog import RemoteFile
from pellucid.data.source import md5, printable
from pellucid.errors import ResourceError
from pellucid.files import resource_error

__all__ = ["Progress", "download"]

Progress = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that are there, and their number in the end, if it is known."""

_ATTEMPTS = 5  # at one mirror, as long as each brings something
_SLOWEST = 1024  # bytes a second
_PIECE = 2**16


class _Broken(Exception):
    """A transfer that ended before the file did."""


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirections, to web addresses only and never from a secured one to an open one."""

    max_redirections = 5

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request at the new address, or an error."""
        allowed = ("https:",) if req.type == "https" else ("https:", "http:")
        if not newurl.lower().startswith(allowed):
            raise urllib.error.URLError(f"it redirects to {printable(newurl)[:200]}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    file: RemoteFile,
    mirrors: Sequence[str],
    folder: Path,
    *,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """Gets one file from the first mirror that has it unharmed.

    What arrives is kept in `NAME.part` until it is complete, so that the next attempt, also after an
    interruption, asks for the rest only. The file gets its name when its checksum is right.

    Args:
        file: what to get.
        mirrors: addresses of folders.
        folder: where to put it; it has to exist.
        progress: told what has arrived.
        timeout: seconds without an answer, or with less than a kilobyte each, that end an attempt.

    Returns:
        The file's path.

    Raises:
        ResourceError: no mirror has it; the sentence says what each did. Or the disk is full.
    """
    target = folder / file.name
    part = folder / f"{file.name}.part"
    if _is_complete(part, file):
        return _placed(part, target)
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}"
        for _ in range(_ATTEMPTS):
            before = _size(part)
            try:
                _receive(url, part, file, progress, timeout)
            except (OSError, http.client.HTTPException, ValueError, _Broken) as error:
                if isinstance(error, ResourceError):
                    raise
                failure = _reason(error)
                if _size(part) == before:
                    break
                continue
            if _is_complete(part, file):
                return _placed(part, target)
            _discard(part)
            failure = "the checksum is wrong"
            if not before:
                break
        failures.append(f"{printable(url)}: {failure}")
    raise ResourceError(f"{file.name} could not be fetched ({'; '.join(failures)})")


def _receive(url: str, part: Path, file: RemoteFile, progress: Progress | None, timeout: float) -> None:
    """Appends what the server sends to the part, or starts it anew if the server doesn't resume."""
    have = _size(part)
    headers = {"User-Agent": "pellucid", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response = _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            _discard(part)  # it is not the beginning of the server's file
        raise
    with response:
        resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT
        if resumes and not re.match(rf"bytes {have}-\d+/", response.headers.get("Content-Range", "")):
            _discard(part)
            raise _Broken("another range than the one asked for")
        have = have if resumes else 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() and len(length) < 20 else None
        with _part_file(part, have) as store:
            for piece in _pieces(response, timeout):
                have += len(piece)
                if have > file.most_bytes:
                    _discard(part)
                    raise _Broken(f"it sent more than {file.most_bytes} bytes")
                store(piece)
                if progress is not None:
                    progress(file.name, have, total)
    if total is not None and have < total:
        raise _Broken(f"the connection was lost after {have} of {total} bytes")


@contextmanager
def _part_file(part: Path, size: int) -> Iterator[Callable[[bytes], None]]:
    """Keeps `size` bytes of the part and appends to them; what the disk refuses is not the mirror's fault."""

    def store(piece: bytes) -> None:
        with _disk(part):
            output.write(piece)

    with _disk(part):
        output = part.open("ab")
    try:
        with _disk(part):
            output.truncate(size)
        yield store
        with _disk(part):
            output.flush()
            files.system.sync(output.fileno())
    finally:
        with _disk(part):
            output.close()


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise resource_error("write", printable(str(path)), error) from error


def _pieces(response: http.client.HTTPResponse, timeout: float) -> Iterator[bytes]:
    """The body as it arrives; too slow a trickle is an error, as silence is."""
    start, arrived = time.monotonic(), 0
    while piece := response.read1(_PIECE):
        yield piece
        arrived += len(piece)
        if time.monotonic() - start > timeout:
            if arrived < _SLOWEST * timeout:
                raise _Broken(f"it sent only {arrived} bytes in {timeout:g} s")
            start, arrived = time.monotonic(), 0


def _opener() -> urllib.request.OpenerDirector:
    """Speaks HTTP and HTTPS; unlike urllib's own one no FTP, files or data addresses."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}, {printable(str(error.reason))[:200]}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return printable(str(cause))[:200] or type(error).__name__


def _is_complete(part: Path, file: RemoteFile) -> bool:
    with _disk(part):
        if not part.is_file():
            return False
        with part.open("rb") as content:
            return hashlib.file_digest(content, md5).hexdigest() == file.md5


def _placed(part: Path, target: Path) -> Path:
    """The file under its own name, on the disk."""
    with _disk(target):
        files.system.rename(part, target)
        files.system.sync_folder(target.parent)
    return target


def _size(part: Path) -> int:
    with _disk(part):
        return part.stat().st_size if part.exists() else 0


def _discard(part: Path) -> None:
    with _disk(part):
        part.unlink(missing_ok=True)
