"""What a training was asked for, all in one place, with the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pellucid.errors import UsageError
from pellucid.layers.options import MOST, is_number
from pellucid.training.optimiser import Adam, Optimiser, optimiser
from pellucid.training.schedule import Cosine, Schedule, schedule

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """A recipe: with the network, the images and the engine it decides every bit of the result.

    Attributes:
        epochs: how often each image is seen.
        batch_size: images a step.
        optimizer: how parameters move along their gradients.
        lr: the full learning rate; the optimiser's own if None is given.
        schedule: how the learning rate changes.
        clip_norm: most that the norm of all gradients together may be; None if it is not bounded.
        label_smoothing: share of each label that is spread over all classes; None leaves it to the loss.
        early_stopping: epochs without a smaller loss on the validation images after which training stops and
            the best parameters are taken; None never stops, and takes the last ones.
        validation: share of the images that is kept for validation; None keeps none.
        seed: of the initial values, the order of the images, the random masks and the share for validation.
        dtype: "float32" or "float64".

    >>> Options().changed(optimizer="sgd", momentum=None, epochs=3).lr
    0.05
    """

    epochs: int = 15
    batch_size: int = 32
    optimizer: Optimiser = field(default_factory=Adam)
    lr: float | None = None
    schedule: Schedule = field(default_factory=Cosine)
    clip_norm: float | None = None
    label_smoothing: float | None = None
    early_stopping: int | None = None
    validation: float | None = None
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.lr is None:
            object.__setattr__(self, "lr", self.optimizer.rate)
        for name, least in (("epochs", 0), ("batch_size", 1), ("seed", 0), ("early_stopping", 1)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise UsageError(f"{name} is a whole number of at least {least}, not {value!r}")
        for name, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if count > MOST:
                raise UsageError(f"{name} is at most {MOST:,}, not {count:,}")
        for name in ("lr", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 0):
                raise UsageError(f"{name} is finite and above 0, not {value!r}")
        if self.validation is not None and not (is_number(self.validation) and 0 < self.validation < 1):
            raise UsageError(f"a share for validation is between 0 and 1, not {self.validation!r}")
        if self.dtype not in ("float32", "float64"):
            raise UsageError(f"dtype is 'float32' or 'float64', not {self.dtype!r}")

    @property
    def rate(self) -> float:
        """The full learning rate."""
        assert self.lr is not None
        return self.lr

    def changed(self, **given: Any) -> Options:
        """These options with those that are not None put in; names stand for optimisers and schedules.

        Besides the attributes, `momentum` and `weight_decay` are given to the optimiser and `warmup` to the
        schedule.  A new optimiser brings its own learning rate.

        Raises:
            UsageError: an option that cannot be used.
        """
        given = {name: value for name, value in given.items() if value is not None}
        if given.keys() & {"optimizer", "momentum", "weight_decay"}:
            inner = {name: given.pop(name, None) for name in ("momentum", "weight_decay")}
            given["optimizer"] = optimiser(given.get("optimizer", self.optimizer), **inner)
            if given["optimizer"].name != self.optimizer.name:
                given.setdefault("lr", given["optimizer"].rate)
        if given.keys() & {"schedule", "warmup"}:
            given["schedule"] = schedule(given.get("schedule", self.schedule), given.pop("warmup", None))
        return replace(self, **given)

    def document(self) -> dict[str, Any]:
        """The options in JSON's types."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain | {"optimizer": self.optimizer.options(), "schedule": self.schedule.options()}

    @staticmethod
    def restored(document: Mapping[str, Any]) -> Options:
        """The options of which this is the document."""
        return Options(
            **{
                **document,
                "optimizer": optimiser(document["optimizer"]),
                "schedule": schedule(document["schedule"]),
            }
        )
