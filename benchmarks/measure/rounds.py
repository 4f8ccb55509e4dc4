"""Sides measured in turns, so that a slow minute of the machine is a slow minute for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.measure.quiet import Others

__all__ = ["Timing", "in_turns"]

# Threads of the side before stop spinning after some milliseconds.
PAUSE = 0.02
# Share of a turn that runs before the clock does: caches and the processor's clock settle.
WARM_UP = 0.2
# A reading is taken again if other programs took a larger share of the cores meanwhile, so often at most.
DISTURBED, TRIES, WAIT = 0.08, 6, 0.3


@dataclass(frozen=True)
class Timing:
    """Seconds of one unit of work, a reading for each round.

    Attributes:
        seconds: the readings.
        disturbed: how many of them were taken although other programs were at work.

    >>> timing = Timing((1.0, 2.0, 3.0, 4.0, 5.0))
    >>> timing.median, round(timing.spread, 3)
    (3.0, 0.333)
    """

    seconds: tuple[float, ...]
    disturbed: int = 0

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(high - low) / 2 / self.median


def in_turns(sides: Mapping[str, Callable[[int], object]], rounds: int, seconds: float) -> dict[str, Timing]:
    """The time of one unit of each side's work.

    Args:
        sides: functions that do so many units.
        rounds: how often each has its turn; the order rotates.
        seconds: about how long a turn is.
    """
    counts = {name: _count(side, seconds) for name, side in sides.items()}
    readings: dict[str, list[tuple[float, bool]]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            readings[name].append(_reading(sides[name], counts[name]))
    return {
        name: Timing(tuple(t for t, _ in found), sum(disturbed for _, disturbed in found))
        for name, found in readings.items()
    }


def _reading(side: Callable[[int], object], count: int) -> tuple[float, bool]:
    """Seconds of one unit, and whether even the last try was disturbed."""
    for _ in range(TRIES):
        time.sleep(PAUSE)
        side(max(1, int(count * WARM_UP)))
        others = Others()
        began = time.perf_counter()
        side(count)
        passed = time.perf_counter() - began
        if others.share() <= DISTURBED:
            return passed / count, False
        time.sleep(WAIT)
    return passed / count, True


def _count(side: Callable[[int], object], seconds: float) -> int:
    """Units that take about so long; the first one, which may compile something, does not count."""
    side(1)
    count, passed = 0, 0.0
    while passed < seconds / 4:
        count = max(1, count * (2 if passed > seconds / 64 else 8))
        began = time.perf_counter()
        side(count)
        passed = time.perf_counter() - began
    return max(1, round(count * seconds / passed))
