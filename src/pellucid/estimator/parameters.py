"""An estimator's parameters as the rest of the package takes them."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import numpy as np
from sklearn.utils import check_random_state

from pellucid.errors import UsageError
from pellucid.estimator.recipe import batch_size_for, dtype_for, epochs_for
from pellucid.training.callbacks import Callback
from pellucid.training.optimiser import Optimiser
from pellucid.training.options import Options
from pellucid.training.progress import ProgressBar

__all__ = ["PATIENCE", "listeners", "options_for", "rate_asked", "seed_for"]

# Epochs, where early stopping is asked for without a number.
PATIENCE = 10


def options_for(
    samples: int,
    features: int,
    *,
    epochs: object,
    batch_size: object,
    optimizer: str | Optimiser,
    seed: int,
    early_stopping: object = False,
    validation_fraction: object = None,
) -> Options:
    """The recipe for so many samples.

    Raises:
        UsageError: a parameter that cannot be used.

    >>> options_for(100, 64, epochs="auto", batch_size="auto", optimizer="sgd", seed=0).batch_size
    100
    """
    size = batch_size_for(samples) if batch_size == "auto" else _whole("batch_size", batch_size)
    count = epochs_for(samples, size) if epochs == "auto" else _whole("epochs", epochs)
    given: dict[str, object] = {"epochs": count, "batch_size": size, "optimizer": optimizer, "seed": seed}
    if early_stopping is not False:
        if validation_fraction is None:
            raise UsageError("early stopping needs a validation_fraction between 0 and 1, not None")
        patience = PATIENCE if early_stopping is True else _whole("early_stopping", early_stopping)
        given |= {"early_stopping": patience, "validation": _real(validation_fraction)}
    return Options().changed(dtype=dtype_for(samples, features), **given)


def rate_asked(lr: object) -> float | None:
    """The learning rate, or None if it is to be found."""
    if isinstance(lr, str) and lr == "auto":
        return None
    rate = _real(lr)
    if not (isinstance(rate, float) and 0 < rate < float("inf")):
        raise UsageError(f"lr is 'auto' or a number above 0, not {lr!r}")
    return rate


def seed_for(random_state: int | np.random.RandomState | None) -> int:
    """A seed drawn as scikit-learn draws: the same for the same number, the next one of a generator."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def listeners(callbacks: object, verbose: object) -> list[Callback]:
    """Who is told of steps and epochs."""
    if callbacks is None:
        callbacks = []
    if not isinstance(callbacks, Sequence) or not all(isinstance(one, Callback) for one in callbacks):
        raise UsageError(f"callbacks are a list of objects whose class is a Callback, not {callbacks!r}")
    return [*callbacks, *([ProgressBar(asked=True)] if verbose else [])]


def _whole(name: str, value: object) -> int:
    """A whole number of Python's, for searches over parameters give NumPy's."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    wanted = "a whole number or True" if name == "early_stopping" else "'auto' or a whole number"
    raise UsageError(f"{name} is {wanted}, not {value!r}")


def _real(value: object) -> object:
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else value
