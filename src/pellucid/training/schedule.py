"""Schedules: the learning rate of each step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import UsageError, unknown
from pellucid.layers.options import is_number, is_whole

__all__ = ["SCHEDULES", "Constant", "Cosine", "OneCycle", "Schedule", "Step", "schedule"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """An immutable description.

    Attributes:
        warmup: epochs, or a part of one, in which the rate rises evenly to its full value; what the schedule
            says comes after them.
    """

    name: ClassVar[str]

    warmup: float = 0.0

    def __post_init__(self) -> None:
        if not (is_number(self.warmup) and self.warmup >= 0):
            raise UsageError(f"a warm-up takes 0 epochs or more, not {self.warmup!r}")

    @abstractmethod
    def factors(self, steps: int, epoch: int) -> Array:
        """What the full rate is multiplied by in each of these steps, of which `epoch` make an epoch."""

    def rates(self, rate: float, epochs: int, epoch: int) -> Array:
        """The learning rate of every step.

        Args:
            rate: the full rate.
            epochs: of the training.
            epoch: steps of one.

        Returns:
            float64, shape (epochs * epoch,).

        >>> Constant(warmup=0.5).rates(0.1, epochs=2, epoch=4).tolist()
        [0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
        """
        steps = epochs * epoch
        rising = min(round(self.warmup * epoch), steps)
        ramp = np.arange(1, rising + 1) / max(rising, 1)
        factors = np.concatenate([ramp, self.factors(steps - rising, epoch)])
        # C libraries differ in the last bits of a cosine; rates are the same everywhere.
        return rate * np.round(factors, 12)

    def options(self) -> dict[str, Any]:
        """The schedule in JSON's types, as `schedule` takes it."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Constant(Schedule):
    """The full rate from beginning to end."""

    name: ClassVar[str] = "constant"

    def factors(self, steps: int, epoch: int) -> Array:
        return np.ones(steps)


@dataclass(frozen=True)
class Step(Schedule):
    """A rate that falls all at once, every few epochs.

    Args:
        every: epochs between two falls.
        factor: what the rate is multiplied by at each of them.
    """

    name: ClassVar[str] = "step"

    every: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_whole(self.every, 1) or not (is_number(self.factor) and 0 < self.factor <= 1):
            raise UsageError(
                "a step schedule falls every 1 or more epochs by a factor of at most 1, "
                f"not every {self.every} by {self.factor}"
            )

    def factors(self, steps: int, epoch: int) -> Array:
        return self.factor ** (np.arange(steps) // (self.every * epoch)).astype(np.float64)


@dataclass(frozen=True)
class Cosine(Schedule):
    """A rate that falls slowly, then fast, then slowly: half a cosine.  Source: Loshchilov and Hutter, 2017.

    Args:
        floor: what is left of the rate at the end, as a share.
    """

    name: ClassVar[str] = "cosine"

    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (is_number(self.floor) and 0 <= self.floor <= 1):
            raise UsageError(f"the floor of a cosine schedule is a share from 0 to 1, not {self.floor!r}")

    def factors(self, steps: int, epoch: int) -> Array:
        return _between(1.0, self.floor, np.arange(steps) / max(steps, 1))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """A rate that rises from a small one and falls to almost nothing.  Source: Smith and Topin, 2019.

    Args:
        rise: share of the steps in which the rate rises.
        start: the first rate, as a share of the full one.
        end: the last rate, as a share of the full one.
    """

    name: ClassVar[str] = "one-cycle"

    rise: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(is_number(share) and 0 <= share <= 1 for share in (self.rise, self.start, self.end)):
            raise UsageError("the rise, start and end of a one-cycle schedule are shares from 0 to 1")

    def factors(self, steps: int, epoch: int) -> Array:
        at = np.arange(steps, dtype=np.float64)
        top = self.rise * steps - 1
        rising = _between(self.start, 1.0, np.clip(at / top, 0.0, 1.0) if top > 0 else np.ones(steps))
        falling = _between(1.0, self.end, np.clip((at - top) / max(steps - 1 - top, 1.0), 0.0, 1.0))
        return np.where(at <= top, rising, falling)


def _between(first: float, last: float, place: Array) -> Array:
    """From the first value at place 0 to the last at place 1 along half a cosine."""
    return last + (first - last) * (1.0 + np.cos(math.pi * place)) / 2.0


SCHEDULES: Mapping[str, type[Schedule]] = {s.name: s for s in (Constant, Step, Cosine, OneCycle)}


def schedule(kind: str | Schedule | Mapping[str, Any], warmup: float | None = None) -> Schedule:
    """A schedule by its name, or one that exists, with another warm-up if that is not None.

    Raises:
        UsageError: there is none of that name.

    >>> schedule("cosine", warmup=1)
    Cosine(warmup=1, floor=0.0)
    """
    if isinstance(kind, Mapping):
        given = dict(kind)
        kind = schedule(given.pop("name"))
        return replace(kind, **given)
    if isinstance(kind, str):
        if kind not in SCHEDULES:
            raise unknown("schedule", kind, SCHEDULES)
        kind = SCHEDULES[kind]()
    if not isinstance(kind, Schedule):
        raise UsageError(f"a schedule or its name was expected, not {kind!r}")
    return kind if warmup is None else replace(kind, warmup=warmup)
