"""Files that are never half written, and files that are safe to open."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pellucid.errors import NotFoundError, PellucidError, ResourceError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["System", "open_regular", "resource_error", "system", "write_atomically"]

# Some file systems cannot sync a folder and say so with one of these.
_FOLDER_SYNC_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP}


class System:
    """The operating system's calls that a save makes, so that a test can let each one fail in turn."""

    def create(self, path: Path, mode: int) -> int:
        """Descriptor of a new file; the umask takes its bits from the mode, as for any other file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, mode)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Number of bytes that were taken from the front of the data."""
        return os.write(descriptor, data)

    def size(self, descriptor: int) -> int:
        """Bytes that the file holds."""
        return os.fstat(descriptor).st_size

    def sync(self, descriptor: int) -> None:
        """Bring the file's bytes to the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back; a network file system may report a lost write only here."""
        os.close(descriptor)

    def permit(self, path: Path, mode: int) -> None:
        """Set the file's permissions."""
        path.chmod(mode)

    def rename(self, source: Path, target: Path) -> None:
        """Put the source in the target's place, in one step."""
        os.replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        """Bring the folder's entries to the disk, where the file system can."""
        if os.name == "nt":  # Windows opens no folder; its rename is journalled
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _FOLDER_SYNC_UNSUPPORTED:
                raise
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Delete the file."""
        path.unlink()


system = System()
"""What every save goes through; looked up at each call."""


def write_atomically(path: str | os.PathLike[str], write: Callable[[BinaryIO], object]) -> None:
    """Give a file new content such that every crash leaves the old content or the new.

    The bytes go to a temporary file in the same folder, whose name nobody can foresee; it is synced and
    renamed, and the folder is synced. A failure or an interrupt removes the temporary file; only a process
    that is killed leaves it behind (``.NAME.….tmp``), and nothing ever reads it.

    An existing file keeps its permissions, a new one gets the umask's. Where the path is a symbolic link,
    the file that it points to is replaced and the link stays.

    Args:
        path: the file to write; its folder must exist.
        write: called once with a binary stream that can be written to, but not sought in.

    Raises:
        ResourceError: the file cannot be written; it names the path and the reason, and carries ``errno``.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(target, lambda stream: stream.write(b"clear"))
    >>> target.read_bytes()
    b'clear'
    """
    try:
        _replace(Path(os.path.realpath(path)), write)
    except PellucidError:
        raise
    except OSError as error:
        raise resource_error("write", path, error) from error


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open an existing file for reading; pipes, devices and folders are refused, not waited for.

    Raises:
        ResourceError: there is no such file, it may not be read, or it is not a regular file.
    """
    try:
        _refuse_irregular(Path(path))
        return Path(path).open("rb")
    except OSError as error:
        raise resource_error("read", path, error) from error


def resource_error(verb: str, path: str | os.PathLike[str], error: OSError) -> ResourceError:
    """The sentence for a call of the operating system that failed on a file.

    >>> print(resource_error("read", "a.txt", FileNotFoundError(errno.ENOENT, "No such file or directory")))
    cannot read a.txt: No such file or directory
    """
    reason = error.strerror or str(error) or type(error).__name__
    kind = NotFoundError if error.errno == errno.ENOENT else ResourceError
    sentence = kind(f"cannot {verb} {os.fspath(path)}: {reason}")
    sentence.errno = error.errno
    return sentence


def _replace(target: Path, write: Callable[[BinaryIO], object]) -> None:
    mode = _refuse_irregular(target) if target.exists() else None
    temporary = target.with_name(f".{target.name[:50]}.{secrets.token_hex(16)}.tmp")
    # The name is known before the file is made, so that an interrupt at any point can remove it.
    try:
        _fill(temporary, write, 0o666 if mode is None else mode)
        if mode is not None:
            system.permit(temporary, mode)  # the bits that the umask took
        system.rename(temporary, target)
    except BaseException:
        with suppress(OSError):
            system.remove(temporary)
        raise
    system.sync_folder(target.parent)


def _fill(path: Path, write: Callable[[BinaryIO], object], mode: int) -> None:
    """Create the file, write it, and make sure that all of it is on the disk."""
    descriptor = system.create(path, mode)
    try:
        with _Stream(descriptor) as stream:
            write(stream)
        if (size := system.size(descriptor)) != stream.written:
            raise OSError(errno.EIO, f"{stream.written} bytes were written but {size} have arrived")
        system.sync(descriptor)
    except BaseException:
        with suppress(OSError):
            system.close(descriptor)
        raise
    system.close(descriptor)


def _refuse_irregular(path: Path) -> int:
    """Permissions of an existing regular file; anything else is an error."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return stat.S_IMODE(status.st_mode)


class _Stream(io.FileIO):
    """A descriptor as a stream that writes everything or fails, and counts."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.written = 0

    def write(self, data: ReadableBuffer) -> int:
        view = memoryview(data)
        rest = view.cast("B") if view.nbytes else memoryview(b"")  # empty views refuse the cast
        total = len(rest)
        while rest:
            taken = system.write(self.fileno(), rest)
            if taken <= 0:
                raise OSError(errno.EIO, "the system took none of the bytes")
            self.written += taken
            rest = rest[taken:]
        return total

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("a file that is written atomically is written from start to end")
