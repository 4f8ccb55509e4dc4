"""Processors by name, so that code for one can be read on another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import llvmlite.binding as llvm

from pellucid.compiler.machine import Host, host
from pellucid.errors import unknown

__all__ = ["TARGETS", "target"]

# Vectors of 512, 256 and 128 bits; without a preference, LLVM halves the widest.
TARGETS: Mapping[str, Host] = {
    "avx512": Host("x86_64-unknown-linux-gnu", "x86-64-v4", "-prefer-256-bit"),
    "avx2": Host("x86_64-unknown-linux-gnu", "x86-64-v3", ""),
    "aarch64": Host("aarch64-unknown-linux-gnu", "neoverse-n1", ""),
}


def target(name: str) -> Host:
    """A processor by its name; "host" is this one.

    Raises:
        UsageError: there is no such name.

    >>> target("aarch64").triple
    'aarch64-unknown-linux-gnu'
    """
    if name == "host":
        return host()
    if name not in TARGETS:
        raise unknown("target", name, ["host", *TARGETS])
    _with_all_targets()
    return TARGETS[name]


@cache
def _with_all_targets() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
