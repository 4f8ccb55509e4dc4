"""The learning rate that suits a network, its images and its optimiser: a range test.

The network is trained a little at each of several rates, from the same values, on the same images in the same
order, so that the results differ by the rate alone.  Each little training has the schedule of the long one,
squeezed into a few steps: it begins at its full rate and ends as the long one ends, which is what a rate is
good or bad at.  Its result is the mean loss of its last steps; the rate with the least one is taken.

After Smith, "Cyclical learning rates for training neural networks", 2017, who raises the rate from step to
step of one training and looks where the loss falls.  There what a rate does depends on what the rates before
it did, and one has to look; here the least loss decides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pellucid.training.checkpoint import Checkpoint
from pellucid.training.setting import Setting

__all__ = ["FACTORS", "best_rate"]

# Of the optimiser's own rate: half a power of ten apart.
FACTORS = tuple(10.0 ** (k / 2) for k in range(-4, 5))
STEPS = 60  # of each little training
TAIL = 0.25  # share of them whose losses count


def best_rate(setting: Setting, start: Checkpoint) -> float:
    """The rate at which a little training ends with the least loss; of equals, the smallest.

    Args:
        setting: the training for which a rate is wanted; its own rate does not matter.
        start: the values that it begins with.
    """
    rates: list[float] = [setting.options.optimizer.rate * factor for factor in FACTORS]
    losses = [final_loss(setting, start, rate) for rate in rates]
    return rates[int(np.argmin(losses))]


def final_loss(setting: Setting, start: Checkpoint, rate: float, steps: int = STEPS) -> float:
    """The mean loss of the last steps of a little training; infinite if it failed."""
    order = _order(setting, steps)
    count = -(-len(order) // setting.options.batch_size)
    options = replace(setting.options, lr=rate, epochs=1)
    rates = options.schedule.rates(rate, 1, count)
    log = replace(setting, options=options).trainer(start.parameters, {}).run(order, 0, rates)
    losses = log.losses[int((1 - TAIL) * count) :]
    complete = len(log.losses) == count and bool(np.isfinite(losses).all())
    return float(losses.mean()) if complete else float("inf")


def _order(setting: Setting, steps: int) -> NDArray[np.int64]:
    """The images of that many steps: those of the first epochs, as the long training has them."""
    epochs = -(-steps // setting.steps)
    order = np.concatenate([setting.order(epoch) for epoch in range(epochs)])
    return order[: steps * setting.options.batch_size]
