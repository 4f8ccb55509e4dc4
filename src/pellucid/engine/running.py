"""One run of a network on one batch, forward and backward, with every value kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid import random
from pellucid.engine.executor import Executor
from pellucid.engine.inputs import as_array, as_inputs, as_targets, as_weights, float_type
from pellucid.engine.program import LOSS, TARGETS, WEIGHTS, Program
from pellucid.engine.run import Gradients, Run
from pellucid.errors import NetworkError, UsageError
from pellucid.network import INPUT, Network

__all__ = ["Passes", "masks_for", "run"]

Array = NDArray[Any]


def run(
    network: Network, x: object, y: object = None, parameters: Mapping[str, Array] | None = None, *,
    upstream: Mapping[str, Array] | None = None, sample_weight: object = None, dtype: DTypeLike = np.float32,
    training: bool = False, seed: int = 0, step: int = 0, passes: type[Passes] = Executor,
) -> Run:  # fmt: skip
    """Runs the network, with one engine's `passes`; see `pellucid.network.Network.run`."""
    dtype = float_type(dtype)
    values: dict[str, Array] = {INPUT: as_inputs(network, x, dtype)}
    count = len(values[INPUT])
    values.update(
        network.checked_parameters(
            parameters if parameters is not None else network.initial_parameters(seed), dtype
        )
    )
    if y is not None:
        if network.loss is None:
            raise NetworkError("targets were given, but the network has no loss")
        values[TARGETS] = as_targets(network, y, count, dtype)
    if sample_weight is not None:
        values[WEIGHTS] = as_weights(sample_weight, count, dtype)
    above = _checked_upstream(network, {} if upstream is None else upstream, count, dtype)
    loss = y is not None
    if loss and above:
        raise UsageError("give targets or upstream gradients, not both")
    wanted = {*network.parameter_shapes, *(n.name for n in network.nodes)} if loss or above else set()

    def executor(*names: str) -> Passes:
        weighted = sample_weight is not None
        program = Program.build(
            network, count, wanted={*wanted, *names}, training=training, loss=loss, weighted=weighted
        )
        return passes(program, dtype)

    first = executor()
    values.update(masks_for(first.program, np.arange(count), seed, step, dtype))
    inner = first.forward(values)
    for one, local in zip(first.program.steps, inner, strict=True):
        values.update(
            {
                f"{one.name}:{k}": v
                for k, v in local.items()
                if k in one.forward.defined and k != one.forward.output
            }
        )
    known = first.backward(inner, above) if wanted else {}

    def input_gradient() -> dict[str, Array]:
        again = executor(INPUT)
        return again.backward(again.forward(dict(values)), above)

    others = {INPUT: INPUT} if wanted else {}
    gradients = Gradients({k: v for k, v in known.items() if k != LOSS}, others, input_gradient)
    return Run(first.program, values, gradients, above)


class Passes(Protocol):
    """The forward and the backward pass of a program, as an engine runs them."""

    program: Program

    def __init__(self, program: Program, dtype: DTypeLike) -> None: ...

    def forward(self, values: dict[str, Array]) -> list[dict[str, Array]]:
        """Adds every step's output to the values; returns what each formula computed, under its own names."""

    def backward(self, inner: list[dict[str, Array]], upstream: Mapping[str, Array]) -> dict[str, Array]:
        """Gradients by name, given those from above."""


def masks_for(program: Program, images: Array, seed: int, step: int, dtype: DTypeLike) -> dict[str, Array]:
    """Random masks of one training step; an image's depends on its number, not on its place in the batch."""
    found: dict[str, Array] = {}
    for name, (shape, keep) in program.masks.items():
        key = random.key(seed, "mask", name, step)
        mask = random.mask(key, images, int(np.prod(shape)), keep)
        found[name] = mask.reshape(len(images), *shape).astype(dtype)
    return found


def _checked_upstream(
    network: Network, upstream: Mapping[str, Array], count: int, dtype: DTypeLike
) -> dict[str, Array]:
    if not isinstance(upstream, Mapping):
        raise UsageError(
            f"upstream is a mapping from layers' names to gradients, not {type(upstream).__name__}"
        )
    arrays: dict[str, Array] = {}
    for name, value in upstream.items():
        if name not in network.by_name:
            raise UsageError(
                f"{name!r} is no layer; upstream gradients are given for layers: {', '.join(network.by_name)}"
            )
        arrays[name] = np.ascontiguousarray(as_array(value, f"upstream gradients of {name}", dtype))
        shape = (count, *network.by_name[name].shape)
        if arrays[name].shape != shape:
            raise UsageError(
                f"the upstream gradient of {name} has the shape {shape}, not {arrays[name].shape}"
            )
    return arrays
