"""What every engine offers: runs of one batch, training, and prediction, under the same names.

All of it is a function of arrays and numbers that are given at the start, so that an engine may train a
whole epoch in native code: the order of the images and the rates come as arrays, and random masks follow
from (seed, step, layer, image, element).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.run import Run
from pellucid.formula.formula import Formula
from pellucid.network import Network

__all__ = ["Engine", "OnStep", "Predictor", "Scaling", "StepLog", "Task", "Trainer", "Update", "state_name"]

Array = NDArray[Any]
# Asked with (steps done, images done, mean loss so far) of a call of `Trainer.run`; a true answer stops it.
OnStep = Callable[[int, int, float], object]
# From images (N, C, H, W), as they lie in a file, to the network's outputs (N, ...).
Predictor = Callable[[Array], Array]


class Scaling(Protocol):
    """How images become the network's input: ``(image * scale - mean) / deviation``, channel by channel.

    Whole numbers are multiplied by the scale; fractions are taken to be on the scale of the mean already.
    """

    @property
    def mean(self) -> Array: ...
    @property
    def deviation(self) -> Array: ...
    @property
    def scale(self) -> float: ...


@dataclass(frozen=True)
class Update:
    """One step of an optimiser, as equations over the elements d of all parameters.

    Attributes:
        formula: from ``p[d]``, its gradient ``g[d]``, each state ``s[d]``, the scalars ``rate`` and ``t`` (1
            at the first step) to ``new_p[d]`` and ``new_s[d]``.
        states: names of the states; they are 0 before the first step.
    """

    formula: Formula
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """All that a training is made of, but for its length.

    Attributes:
        network: with a loss.
        images: (N, C, H, W) or (N, features), uint8 or floats, as they lie in memory once.
        targets: labels (N,) from 0, or what the network is to give: (N, ...) in its output's shape.
        parameters: values before the first step.
        update: the optimiser's equations.
        state: the optimiser's states by `state_name`, to go on with; empty before the first step.
        sample_weight: (N,), above 0; None if all images count alike.
        normalisation: how images become inputs; None if they are inputs already.
        batch_size: images a step; the last step of an order may have fewer.
        dtype: float32 or float64.
        seed: of the random masks.
        clip_norm: most that the norm of all gradients together may be; None if it is not bounded.
        threads: to use; None for the engine's own choice.
    """

    network: Network
    images: Array
    targets: Array
    parameters: Mapping[str, Array]
    update: Update
    state: Mapping[str, Array] = field(default_factory=dict)
    sample_weight: Array | None = None
    normalisation: Scaling | None = None
    batch_size: int = 32
    dtype: DTypeLike = np.float32
    seed: int = 0
    clip_norm: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class StepLog:
    """What happened in each step of a call of `Trainer.run`; arrays of one length, the number of steps.

    Attributes:
        losses: of the step's images, before its update; float64.
        corrects: images whose largest output was their target's largest element; 0 without classes.
        counts: images.
    """

    losses: Array
    corrects: Array
    counts: Array


class Trainer(Protocol):
    """A training in progress; its parameters change from call to call."""

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies of the present values, by name."""

    @property
    def state(self) -> dict[str, Array]:
        """Copies of the optimiser's states, by `state_name`."""

    def run(self, order: Array, first_step: int, rates: Array, on_step: OnStep | None = None) -> StepLog:
        """Trains on the images in this order, once.

        A step whose loss is not finite is the last one, and changes no parameter.

        Args:
            order: numbers of images, int64; all of an epoch, or what is left of it.
            first_step: number of the first step, 0 at the training's beginning.
            rates: learning rate of each step.
            on_step: asked now and then, at most once a step.

        Returns:
            One entry for each step that was done.

        Raises:
            UsageError: an image that there is not, or a number of rates other than the number of steps.
        """


class Engine(Protocol):
    """Runs networks."""

    @property
    def name(self) -> str: ...

    def run(
        self, network: Network, x: object, y: object = None, parameters: Mapping[str, Array] | None = None, *,
        upstream: Mapping[str, Array] | None = None, sample_weight: object = None,
        dtype: DTypeLike = np.float32, training: bool = False, seed: int = 0, step: int = 0,
    ) -> Run:  # fmt: skip
        """One batch, forward and backward, with every value kept; see `pellucid.engine.running.run`."""

    def trainer(self, task: Task) -> Trainer:
        """Everything made ready to train.

        Raises:
            UsageError: a task that cannot be done as given.
        """

    def predictor(
        self, network: Network, parameters: Mapping[str, Array], normalisation: Scaling | None = None,
        dtype: DTypeLike = np.float32, threads: int | None = None,
    ) -> Predictor:  # fmt: skip
        """A function from any number of images to outputs, in memory that does not grow with it."""


def state_name(parameter: str, state: str) -> str:
    """The name of one optimiser state.

    >>> state_name("conv1.weight", "velocity")
    'conv1.weight:velocity'
    """
    return f"{parameter}:{state}"
