"""Whether other programs took processor time while something was measured."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["Others"]

_STATISTICS = Path("/proc/stat")


class Others:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._busy, self._own, self._began = _busy_seconds(), _own_seconds(), time.perf_counter()

    def share(self) -> float:
        """Of all cores' time, what was neither idle nor ours; 0 where the system does not tell."""
        spent = _busy_seconds() - self._busy - (_own_seconds() - self._own)
        passed = time.perf_counter() - self._began
        return max(0.0, spent) / (os.cpu_count() or 1) / passed if self._busy else 0.0


def _own_seconds() -> float:
    """Processor time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _busy_seconds() -> float:
    """Processor time of the whole machine that was not idle."""
    if not _STATISTICS.is_file():
        return 0.0
    first = _STATISTICS.read_text(encoding="ascii").split("\n", 1)[0]
    user, nice, system, _idle, _waiting, *rest = map(int, first.split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
