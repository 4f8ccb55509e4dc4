"""From distinct samples and a recipe to a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from pellucid import engine as engines
from pellucid.engine import state_name
from pellucid.estimator.range_test import best_rate
from pellucid.estimator.samples import Distinct
from pellucid.model import Model, Normalisation
from pellucid.network import Network
from pellucid.training.callbacks import Callback, Row
from pellucid.training.checkpoint import Checkpoint, Place
from pellucid.training.fit import Fit
from pellucid.training.options import Options
from pellucid.training.samples import Samples, as_samples, held_out, measured
from pellucid.training.setting import Saving, Setting

__all__ = ["Before", "Learned", "learned"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Before:
    """What an estimator has learned before, and goes on from.

    Attributes:
        model: with the parameters and the normalisation.
        rate: the full learning rate that it had, if that is known.
        state: of its optimiser; empty for a fresh one.
        history: rows of the epochs that count as part of the same training.
    """

    model: Model
    rate: float | None
    state: Mapping[str, Array] = field(default_factory=dict)
    history: tuple[Row, ...] = ()


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained model, the full learning rate that it was trained at, and its optimiser's state."""

    model: Model
    rate: float
    state: Mapping[str, Array]


def learned(
    network: Network,
    samples: Distinct,
    options: Options,
    *,
    rate: float | None,
    before: Before | None = None,
    threads: int | None = None,
    callbacks: Sequence[Callback] = (),
) -> Learned:
    """Trains a network.

    Args:
        network: with a loss.
        samples: rows of pixels in the order of the network's input.
        options: the recipe; its rate does not matter.
        rate: full learning rate; None for that of `before`, or else for the one that the range test finds.
        before: where to go on; None for the first values of the seed.
        threads: for the engine.
        callbacks: told of steps and epochs.

    Raises:
        UsageError: a share for validation that leaves nothing to learn from, or nothing to validate with.
        TrainingError: the loss is no longer finite.
    """
    setting = _setting(network, samples, options, before, threads)
    start = _start(setting, before)
    if rate is None and before is not None:
        rate = before.rate
    if rate is None:
        rate = best_rate(setting, start)
    setting = replace(setting, options=replace(options, lr=rate))
    fit = Fit(setting, replace(start, options=setting.options), Saving(), callbacks)
    return Learned(fit.run(), rate, fit.trainer.state)


def _setting(
    network: Network, samples: Distinct, options: Options, before: Before | None, threads: int | None
) -> Setting:
    images = samples.rows.reshape(len(samples), *network.input_shape)
    kept, held = as_samples(network, (images, samples.targets), samples.weights), None
    if options.validation is not None:
        kept, held = held_out(kept, options.validation, options.seed)
    normalisation = _normalisation(kept) if before is None else before.model.normalisation
    return Setting(network, kept, held, normalisation, options, engines.get(), threads)


def _normalisation(samples: Samples) -> Normalisation:
    """On the scale of the pixels as they are: 255 means the same, be it of uint8 or of float64."""
    found = measured(samples.images)
    return Normalisation(found.mean / found.scale, found.deviation / found.scale)


def _start(setting: Setting, before: Before | None) -> Checkpoint:
    """The state before the first step; that of another optimiser than before is dropped."""
    network, options = setting.network, setting.options
    parameters: Mapping[str, Array] = network.initial_parameters(options.seed, options.dtype)
    state: Mapping[str, Array] = {}
    history: tuple[Row, ...] = ()
    if before is not None:
        parameters, state, history = before.model.parameters, before.state, before.history
    states = options.optimizer.states
    known = {state_name(name, one) for one in states for name in network.parameter_shapes}
    return Checkpoint(
        network, options, setting.engine.name, (), setting.normalisation, Place(len(history)), history,
        parameters, state if state.keys() == known else {}, None,
    )  # fmt: skip
