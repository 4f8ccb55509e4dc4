"""What machine code depends on besides what it computes: our sources, LLVM's version, the processor."""

from __future__ import annotations

import hashlib
import time
from functools import cache
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

from pellucid import canonical_json
from pellucid.compiler.machine import Host

__all__ = ["digest", "key", "sources"]

# Rooms that take part in making code.
ROOMS = (".", "formula", "layers", "network", "network_file", "compiler", "engine")
_BEGAN = time.time()


@cache
def sources() -> str | None:
    """A digest of the sources that make code; None where there are none, or where they changed meanwhile.

    What runs may then be older than what lies on the disk, and nobody could tell which of them made the code.
    """
    return digest(Path(__file__).parents[1], _BEGAN)


def digest(package: Path, before: float) -> str | None:
    """Of a package's sources, all of which must have been written before a time, seconds since 1970."""
    paths = sorted(p for room in ROOMS for p in (package / room).glob("*.py"))
    total = hashlib.sha256()
    try:
        if not paths or any(p.stat().st_mtime > before for p in paths):
            return None
        for path in paths:
            text = path.read_bytes()
            total.update(f"{path.relative_to(package).as_posix()} {len(text)}\n".encode() + text)
    except OSError:
        return None
    return total.hexdigest()


def key(description: object, where: Host) -> str | None:
    """The name of the code for what is described, in JSON's types; None if it cannot be known.

    That is so without `sources`, and where the description holds what JSON does not have, such as infinity.
    """
    ours = sources()
    if ours is None:
        return None
    whole = {
        "description": description,
        "sources": ours,
        "llvmlite": llvmlite.__version__,
        "llvm": list(llvm.llvm_version_info),
        "processor": [where.triple, where.cpu, where.features],
    }
    try:
        text = canonical_json.dumps(whole)
    except ValueError:
        return None
    return hashlib.sha256(text.encode()).hexdigest()
