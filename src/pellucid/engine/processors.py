"""How many threads are worth having here: one for each physical core that this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["MOST_THREADS", "cores", "quota", "threads_by_default"]

# More threads than this are a mistake.
MOST_THREADS = 256
_TOPOLOGY = Path("/sys/devices/system/cpu")
_CGROUPS = Path("/sys/fs/cgroup")


def threads_by_default() -> int:
    """Physical cores that the process may use, and no more than its share of processor time allows."""
    told = hasattr(os, "sched_getaffinity")
    usable = cores(os.sched_getaffinity(0)) if told else os.cpu_count() or 1
    share = quota(_own_group())
    return max(1, min(usable, MOST_THREADS, usable if share is None else math.ceil(share)))


def cores(processors: Iterable[int], topology: Path = _TOPOLOGY) -> int:
    """Physical cores among logical processors; one whose place nobody tells is a core of its own.

    Args:
        processors: numbers of the logical processors.
        topology: where the system tells which of them are one core.
    """
    lists = {n: topology / f"cpu{n}" / "topology" / "thread_siblings_list" for n in processors}
    return len({_text(path) or str(n) for n, path in lists.items()})


def quota(group: str, root: Path = _CGROUPS) -> float | None:
    """Processors' worth of time that a group of processes may use, those above it included; None if any.

    Args:
        group: path of the group below the root.
        root: where the system keeps groups, of either version.
    """
    found: list[float] = []
    place = Path("/") / group
    for folder in (place, *place.parents):
        below = folder.relative_to("/")
        limit = _text(root / below / "cpu.max").split()
        if not limit:
            older = root / "cpu" / below
            limit = [_text(older / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
        if len(limit) == 2 and all(part.isdigit() for part in limit) and int(limit[1]):
            found.append(int(limit[0]) / int(limit[1]))
    return min(found, default=None)


def _own_group() -> str:
    """The path of this process's group that bounds its processor time."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            return path.lstrip("/")
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
