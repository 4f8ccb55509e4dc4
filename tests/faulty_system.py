"""The operating system's calls with one of them going wrong, for the tests of everything that saves.

A test puts one in the place of ``pellucid.files.system``:

    monkeypatch.setattr(files, "system", FaultySystem(at=3, fault=fails(errno.ENOSPC)))
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable
from typing import Any

from pellucid.files import System

Call = Callable[..., Any]
# What happens in the place of a call: gets the real call and its arguments.
Fault = Callable[..., Any]


class FaultySystem:
    """Every call works and is noted by name, except the one at a position, which the fault replaces."""

    def __init__(self, at: int = -1, fault: Fault | None = None) -> None:
        self.calls: list[str] = []
        self._at = at
        self._fault = fault

    def __getattr__(self, name: str) -> Call:
        return functools.partial(self._call, name, getattr(System(), name))

    def _call(self, name: str, real: Call, *arguments: Any) -> Any:
        self.calls.append(name)
        if self._fault is not None and len(self.calls) - 1 == self._at:
            return self._fault(name, real, *arguments)
        return real(*arguments)


def fails(code: int) -> Fault:
    """The call does nothing and reports an error."""

    def fault(name: str, real: Call, *arguments: Any) -> Any:
        if name == "close":  # a descriptor is gone even where closing reports an error
            real(*arguments)
        raise OSError(code, os.strerror(code))

    return fault


def fails_afterwards(code: int) -> Fault:
    """The call does its work and reports an error all the same."""

    def fault(name: str, real: Call, *arguments: Any) -> Any:
        real(*arguments)
        raise OSError(code, os.strerror(code))

    return fault


def interrupts(name: str, real: Call, *arguments: Any) -> Any:
    """Ctrl-C arrives just before the call takes effect."""
    if name == "close":
        real(*arguments)
    raise KeyboardInterrupt


def interrupts_afterwards(name: str, real: Call, *arguments: Any) -> Any:
    """Ctrl-C arrives just after the call took effect."""
    result = real(*arguments)
    if name == "create":  # nobody else will close it
        os.close(result)
    raise KeyboardInterrupt


def half(name: str, real: Call, *arguments: Any) -> Any:
    """A write takes only the first half, and says so."""
    descriptor, data = arguments
    return real(descriptor, data[: (len(data) + 1) // 2])


def loses(name: str, real: Call, *arguments: Any) -> Any:
    """A write loses the second half, and does not say so."""
    descriptor, data = arguments
    real(descriptor, data[: len(data) // 2])
    return len(data)


def takes_nothing(name: str, real: Call, *arguments: Any) -> int:
    """A write takes no byte, and says so."""
    return 0


# By the name of the call; every call may also end as in the second table.
WRITE_FAULTS: dict[str, Fault] = {"loses": loses, "takes nothing": takes_nothing}
FAULTS: dict[str, Fault] = {
    "no space": fails(errno.ENOSPC),
    "I/O error": fails(errno.EIO),
    "late I/O error": fails_afterwards(errno.EIO),
}
