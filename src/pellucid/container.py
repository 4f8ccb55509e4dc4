"""One file for arrays and a JSON document, in which every changed byte is noticed.

The file is a valid ``.safetensors`` file: eight bytes with the header's length, a JSON header, the arrays'
bytes. Two decisions make it trustworthy:

- The header holds the SHA-256 of the entire file, taken with the digest's own 64 characters as zeros. So no
  byte, of header or data, can change, go missing or be added without a contradiction.
- A file has one form. The header is accepted only if it is, byte for byte, the one that `save` writes for the
  names, types, shapes and document read from it. Offsets are therefore never believed but computed; and
  repeated keys, gaps, overlaps and stray bytes are all refused by the same comparison, also in files whose
  digest was made to fit.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from pellucid import canonical_json
from pellucid.errors import ModelFileError, ResourceError, UsageError
from pellucid.files import open_regular, resource_error, write_atomically

__all__ = ["Array", "Document", "load", "save"]

Array = npt.NDArray[Any]
Document = dict[str, Any]

FORMAT = "1"
MAX_HEADER = 8 << 20  # bytes; parsed JSON may take twenty times as much memory
MAX_ARRAYS = 4 << 30  # bytes of all arrays together
MAX_AXES = 32

_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
}
_CODES = {dtype: code for code, dtype in _TYPES.items()}
_NAME = re.compile(r"\w[\w.\-]*(/\w[\w.\-]*)*")
_BLANK = "0" * 64


def save(
    path: str | os.PathLike[str], tensors: Mapping[str, npt.ArrayLike], document: Document, *, kind: str
) -> None:
    """Write arrays and a document to a file, atomically; equal content gives equal bytes.

    Args:
        path: the file; see `pellucid.files.write_atomically` for what becomes of an older one.
        tensors: arrays by name, of any shape; integers of 8 to 64 bits or floats of 16 to 64. A name is made
            of letters, digits, ``_``, ``-`` and ``.``; slashes may divide it into parts.
        document: what else is to be kept, of JSON's types: keys are strings, numbers are finite. The order
            of its keys is kept; a tuple comes back as a list.
        kind: what the file is, for instance "model" or "checkpoint"; `load` asks for it.

    Raises:
        UsageError: a name, type, shape or part of the document that cannot be stored.
        ResourceError: the file cannot be written; it names the reason.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/tiny.safetensors"
    >>> save(path, {"dense1.bias": np.zeros(2)}, {"classes": ["no", "yes"]}, kind="model")
    >>> load(path, kind="model")
    ({'dense1.bias': array([0., 0.])}, {'classes': ['no', 'yes']})
    """
    try:
        arrays = {name: _stored(name, array) for name, array in tensors.items()}
        specs = {name: _Spec(_CODES[array.dtype], array.shape) for name, array in arrays.items()}
        content = _Content(specs, canonical_json.dumps(document), kind)
        header = content.header(_BLANK)
    except ValueError as error:
        raise UsageError(f"cannot store this in {os.fspath(path)}: {error}") from error
    chunks = [_bytes(arrays[name]) for name in content.order()]
    digest = hashlib.sha256(header)
    for chunk in chunks:
        digest.update(chunk)
    header = content.header(digest.hexdigest())

    def write(stream: BinaryIO) -> None:
        stream.write(header)
        for chunk in chunks:
            stream.write(chunk)

    write_atomically(path, write)


def load(path: str | os.PathLike[str], *, kind: str) -> tuple[dict[str, Array], Document]:
    """Arrays and document of a file that `save` wrote, bit for bit.

    The bytes that come back are the bytes whose digest was compared. Memory is bounded by the file's size.

    Args:
        path: the file.
        kind: what the file must be; the same word as at `save`.

    Returns:
        The arrays, writable and in the order of their names, and the document.

    Raises:
        ModelFileError: the file is damaged, is of another kind, or was not written by `save`.
        ResourceError: the file cannot be read.
    """
    name = os.fspath(path)
    with open_regular(path) as file:
        try:
            return _read(file, kind)
        except ValueError as error:
            raise ModelFileError(f"{name}: {error}") from error
        except MemoryError as error:
            raise ResourceError(f"cannot read {name}: its arrays do not fit into memory") from error
        except OSError as error:
            raise resource_error("read", path, error) from error


@dataclass(frozen=True)
class _Spec:
    """Type and shape of one array that is small enough to exist."""

    code: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        # Empty axes count as one: NumPy bounds the product of the others even then.
        extent = math.prod(max(size, 1) for size in self.shape) * _TYPES[self.code].itemsize
        if len(self.shape) > MAX_AXES or extent > MAX_ARRAYS:
            raise ValueError(f"an array has more than {MAX_AXES} axes or {MAX_ARRAYS:,} bytes")

    @property
    def size(self) -> int:
        """Bytes that the array takes."""
        return math.prod(self.shape) * _TYPES[self.code].itemsize


@dataclass(frozen=True)
class _Content:
    """All that a header says, and the one header that says it."""

    specs: Mapping[str, _Spec]
    document: str
    kind: str

    def order(self) -> list[str]:
        """Names in the order of their bytes: large elements first, so that each array is aligned."""
        return sorted(self.specs, key=lambda name: (-_TYPES[self.specs[name].code].itemsize, name))

    def size(self) -> int:
        """Bytes of all arrays."""
        return sum(spec.size for spec in self.specs.values())

    def header(self, digest: str) -> bytes:
        """The file's first bytes, up to the arrays.

        Raises:
            ValueError: a name that is not allowed, or more than a file may hold.
        """
        metadata = {"sha256": digest, "pellucid": FORMAT, "kind": self.kind, "document": self.document}
        entries: dict[str, object] = {"__metadata__": metadata}
        offset = 0
        for name in self.order():
            _check_name(name)
            spec, start = self.specs[name], offset
            offset += spec.size
            entries[name] = {"dtype": spec.code, "shape": spec.shape, "data_offsets": [start, offset]}
        text = canonical_json.dumps(entries).encode()
        text += b" " * (-len(text) % 8)
        if len(text) > MAX_HEADER or offset > MAX_ARRAYS:
            raise ValueError(
                f"names, shapes and document take {len(text):,} bytes and arrays {offset:,}; "
                f"{MAX_HEADER:,} and {MAX_ARRAYS:,} are allowed"
            )
        return len(text).to_bytes(8, "little") + text


def _check_name(name: str) -> None:
    if len(name) > 200 or name == "__metadata__" or not _NAME.fullmatch(name):
        raise ValueError(f"{name[:60]!r} is not a name for a tensor")


def _stored(name: str, array: npt.ArrayLike) -> Array:
    """The array in row-major order and little-endian bytes."""
    array = np.asarray(array)
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _CODES:
        raise ValueError(f"tensor {name!r} has the type {array.dtype}, which a model file does not hold")
    return np.asarray(array, dtype=dtype, order="C")


def _bytes(array: Array) -> memoryview:
    """The bytes of a contiguous array, in place, for 0-d and empty arrays too."""
    return array.reshape(-1).view(np.uint8).data


def _read(file: BufferedReader, kind: str) -> tuple[dict[str, Array], Document]:
    """Everything in the file; a ValueError says what is wrong with it."""
    size = os.fstat(file.fileno()).st_size
    header = _read_header(file, size)
    digest, content = _parse(header[8:], kind)
    if content.header(digest) != header:
        raise ValueError("its header has entries that contradict each other or that pellucid does not write")
    if size != len(header) + content.size():
        raise ValueError(f"it has {size:,} bytes, but its header says {len(header) + content.size():,}")
    seal = hashlib.sha256(content.header(_BLANK))
    arrays = {}
    for name in content.order():
        spec = content.specs[name]
        array = np.empty(spec.shape, _TYPES[spec.code])
        if file.readinto(_bytes(array)) != spec.size:
            raise ValueError(f"it ended early, within tensor {name!r}")
        seal.update(_bytes(array))
        arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
    if seal.hexdigest() != digest:
        raise ValueError("its checksum does not match: it was changed or damaged after it was written")
    document = canonical_json.loads(content.document)
    if not isinstance(document, dict):
        raise ValueError("its document is not a JSON object")
    return {name: arrays[name] for name in sorted(arrays)}, document


def _read_header(file: BufferedReader, size: int) -> bytes:
    """The file's first bytes up to the arrays; nothing is read that the file's size rules out."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > min(size - 8, MAX_HEADER):
        raise ValueError(f"the first 8 of its {size:,} bytes do not give the length of a header")
    return start + file.read(length)


def _parse(text: bytes, kind: str) -> tuple[str, _Content]:
    """The digest that a header claims, and what else it says."""
    if not text.isascii():
        offset = next(place for place, byte in enumerate(text) if byte > 127) + 8
        raise ValueError(f"its header has a byte at offset {offset} that is not ASCII")
    entries = canonical_json.loads(text.decode().rstrip(" "))
    metadata = entries.pop("__metadata__", None) if isinstance(entries, dict) else None
    match metadata:
        case {"pellucid": str(form)} if form != FORMAT:
            raise ValueError(f"it has format {form[:20]!r}, and this version reads format {FORMAT!r}")
        case {"pellucid": _, "kind": str(found)} if found != kind:
            raise ValueError(f"it is a {found[:20]!r} file, and a {kind!r} file is needed")
        case {"pellucid": _, "kind": _, "sha256": str(digest), "document": str(document)}:
            specs = {name: _spec(name, entry) for name, entry in entries.items()}
            return digest, _Content(specs, document, kind)
    raise ValueError("it is not a file that pellucid wrote")


def _spec(name: str, entry: object) -> _Spec:
    match entry:
        # True equals 1 and 1.0 equals 1, but neither is a size.
        case {"dtype": str(code), "shape": list(shape)} if code in _TYPES and all(
            type(size) is int and size >= 0 for size in shape
        ):
            return _Spec(code, tuple(shape))
    raise ValueError(f"its header gives no type and shape that are known for tensor {name[:60]!r}")
