"""What every engine asks of a training before it begins."""

from __future__ import annotations

import operator
from typing import Any

from numpy.typing import NDArray

from pellucid.engine.inputs import as_weights, check_targets, float_type
from pellucid.engine.interface import Task
from pellucid.engine.processors import MOST_THREADS
from pellucid.errors import UsageError
from pellucid.layers.options import is_whole
from pellucid.network import Network

__all__ = ["check_order", "check_trainable", "checked_task", "checked_threads"]

Array = NDArray[Any]


def checked_task(task: Task) -> Task:
    """The task, if it can be done at all.

    Raises:
        UsageError: no loss, nothing to train, or arrays that do not go together.
    """
    network, count = task.network, len(task.images)
    check_trainable(network)
    if task.images.shape[1:] != network.input_shape:
        wanted, given = network.input_shape, task.images.shape[1:]
        raise UsageError(f"{network.name} takes inputs of the shape {wanted}, not {given}")
    check_targets(network, task.targets, count)
    if task.sample_weight is not None:
        as_weights(task.sample_weight, count, task.dtype)
    if task.batch_size < 1:
        raise UsageError(f"a batch has at least 1 image, not {task.batch_size}")
    checked_threads(task.threads)
    float_type(task.dtype)
    return task


def checked_threads(threads: int | None) -> int | None:
    """The number of threads, if there is one and it makes sense."""
    if threads is None:
        return None
    if not is_whole(threads, 1) or operator.index(threads) > MOST_THREADS:
        raise UsageError(f"an engine uses 1 to {MOST_THREADS} threads, not {threads!r}")
    return operator.index(threads)


def check_trainable(network: Network) -> None:
    """Raises a UsageError if the network has no loss or no parameters."""
    if network.loss is None:
        raise UsageError(f"{network.name} has no loss, so there is nothing that training could make small")
    if not network.parameter_shapes:
        raise UsageError(f"{network.name} has no parameters to train")


def check_order(order: Array, count: int, rates: Array, size: int) -> None:
    """Raises a UsageError unless each step has a rate and each number is that of an image."""
    steps = -(-len(order) // size)
    if len(rates) != steps:
        raise UsageError(
            f"{len(order)} images in batches of {size} make {steps} steps, but there are {len(rates)} rates"
        )
    if len(order) and not 0 <= order.min() <= order.max() < count:
        raise UsageError(f"the order names an image that is none of 0 to {count - 1}")
