"""What does not change while a training runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pellucid import random
from pellucid.engine import Engine, Score, Task, Trainer, score
from pellucid.errors import NotFoundError, ResourceError, UsageError
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.training.options import Options
from pellucid.training.samples import Samples

__all__ = ["Saving", "Setting"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Setting:
    """All that a training is made of.

    Attributes:
        network: with its loss.
        samples: to learn from.
        validation: to be scored after each epoch, if there are any.
        normalisation: of the images.
        options: the recipe.
        engine: that does the work.
        threads: for the engine.
    """

    network: Network
    samples: Samples
    validation: Samples | None
    normalisation: Normalisation | None
    options: Options
    engine: Engine
    threads: int | None = None

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return -(-len(self.samples) // self.options.batch_size)

    @property
    def classifies(self) -> bool:
        return self.network.loss is not None and self.network.loss.classification

    def order(self, epoch: int) -> Array:
        """Numbers of the images in the order of an epoch, from 0."""
        return random.permutation(random.key(self.options.seed, "order", epoch), len(self.samples))

    def rates(self, epoch: int) -> Array:
        """The learning rates of an epoch's steps."""
        rates = self.options.schedule.rates(self.options.rate, self.options.epochs, self.steps)
        return rates[epoch * self.steps : (epoch + 1) * self.steps]

    def trainer(self, parameters: Mapping[str, Array], state: Mapping[str, Array]) -> Trainer:
        """The engine's, ready to go on with these values."""
        task = Task(
            self.network,
            self.samples.images,
            self.samples.targets,
            parameters,
            self.options.optimizer.update,
            state=state,
            sample_weight=self.samples.weights,
            normalisation=self.normalisation,
            batch_size=self.options.batch_size,
            dtype=self.options.dtype,
            seed=self.options.seed,
            clip_norm=self.options.clip_norm,
            threads=self.threads,
        )
        return self.engine.trainer(task)

    def validated(self, parameters: Mapping[str, Array]) -> Score | None:
        """How good the parameters are on the validation images."""
        if self.validation is None:
            return None
        predict = self.engine.predictor(
            self.network, parameters, self.normalisation, self.options.dtype, self.threads
        )
        outputs = predict(self.validation.images)
        return score(self.network, outputs, self.validation.targets, self.validation.weights)

    def fingerprints(self) -> tuple[str, ...]:
        """Of the images to learn from and those to validate with."""
        sets = (self.samples, self.validation)
        return tuple(s.fingerprint() for s in sets if s is not None)


@dataclass(frozen=True)
class Saving:
    """Where checkpoints go: at the end of each epoch, and more often if that is asked for.

    Attributes:
        path: of the file; None saves nothing.
        steps: of an epoch between two checkpoints.
        seconds: between two checkpoints.
        holds_start: whether the file holds the state that training begins with.

    Raises:
        UsageError: steps or seconds that cannot be used.
        ResourceError: a file that could not be written.
    """

    path: str | os.PathLike[str] | None = None
    steps: int | None = None
    seconds: float | None = None
    holds_start: bool = False

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"a checkpoint is saved after 1 or more steps, not after {self.steps}")
        if self.seconds is not None and not self.seconds > 0:
            raise UsageError(f"a checkpoint is saved after more than 0 seconds, not after {self.seconds}")
        if self.path is not None:
            _check_target(Path(self.path))

    def next_step(self, step: int, steps: int) -> int:
        """The step at which training has to pause to save, or the last one."""
        return min(steps, (step // self.steps + 1) * self.steps) if self.path and self.steps else steps

    def is_due(self, step: int, seconds: float) -> bool:
        """Whether it is time to save, so many seconds after the last time."""
        if self.path is None:
            return False
        at_step = self.steps is not None and step % self.steps == 0
        return at_step or (self.seconds is not None and seconds >= self.seconds)


def _check_target(path: Path) -> None:
    """Finds out before the first step, not after the first epoch."""
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise NotFoundError(f"cannot write {path}: there is no folder {folder}")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise ResourceError(f"cannot write {path}: {'it is a folder' if path.is_dir() else 'no permission'}")
