"""The learning rate that suits a network, its images and its optimiser: a range test.

The network is trained a little at each of several rates, from the same values, on the same images in the same
order, so that the results differ by the rate alone.  Each little training has the schedule of the long one,
squeezed into a few steps: it begins at its full rate and ends as the long one ends, which is what a rate is
good or bad at.  Its result is the mean loss of its last steps.

The rate with the least result is taken, moved to the bottom of the parabola through it and its two neighbours
over the rate's logarithm.  That is at most half a step of the grid, and away from a neighbour that failed.

After Smith, "Cyclical learning rates for training neural networks", 2017, who raises the rate from step to
step of one training and looks where the loss falls.  There, what a rate does depends on what the rates before
it did, and a person has to look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.training.checkpoint import Checkpoint
from pellucid.training.setting import Setting

__all__ = ["FACTORS", "best_rate", "final_loss"]

# Of the optimiser's own rate: from a hundredth of it to the hundredfold.
STEPS_A_DECADE = 2
FACTORS = tuple(10.0 ** (k / STEPS_A_DECADE) for k in range(-2 * STEPS_A_DECADE, 2 * STEPS_A_DECADE + 1))
# Steps of each little training: a tenth of the long one's, for what a rate does to it shows late.
SHARE, FEWEST, MOST = 10, 120, 400
# Share of them, the last ones, whose losses count.
TAIL = 4


def best_rate(setting: Setting, start: Checkpoint) -> float:
    """The rate at which a little training ends with the least loss.

    Args:
        setting: the training for which a rate is wanted; its own rate does not matter.
        start: the values that it begins with.
    """
    rates: list[float] = [setting.options.optimizer.rate * factor for factor in FACTORS]
    losses = [final_loss(setting, start, rate) for rate in rates]
    at = int(np.argmin(losses))
    moved: float = 10.0 ** (bottom(losses[max(at - 1, 0) : at + 2]) / STEPS_A_DECADE)
    return rates[at] * moved


def bottom(losses: Sequence[float]) -> float:
    """Where the parabola through three points has its bottom, in steps from the middle one, which is least.

    0 if there are fewer, for the least of all is at an end of the grid.

    >>> bottom([2.0, 1.0, 2.0]), bottom([1.0, 1.0, 2.0]), bottom([1.5, 1.0, math.inf])
    (0.0, -0.5, -0.5)
    """
    if len(losses) < 3:
        return 0.0
    left, middle, right = losses
    if math.isinf(right) or math.isinf(left):
        return (math.isinf(left) - math.isinf(right)) / 2
    curve = left - 2 * middle + right
    return (left - right) / (2 * curve) if curve > 0 else 0.0


def final_loss(setting: Setting, start: Checkpoint, rate: float) -> float:
    """The mean loss of the last steps of a little training; infinite if it failed."""
    order = _order(setting)
    steps = -(-len(order) // setting.options.batch_size)
    rates = setting.options.schedule.rates(rate, 1, steps)
    log = setting.trainer(start.parameters, {}).run(order, 0, rates)
    losses = log.losses[-(steps // TAIL) :]
    whole = len(log.losses) == steps and bool(np.isfinite(losses).all())
    return float(losses.mean()) if whole else math.inf


def _order(setting: Setting) -> NDArray[np.int64]:
    """The images of the first epochs, as the long training has them, or a part of the first one."""
    little = min(max(setting.steps * setting.options.epochs // SHARE, FEWEST), MOST)
    order = np.concatenate([setting.order(epoch) for epoch in range(-(-little // setting.steps))])
    return order[: little * setting.options.batch_size]
