"""JAX: one jitted call a step with donated parameters; and, for comparison, all steps in one call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.sides.problem import Array, Problem, conv_padding, dense_weight, pool_window
from pellucid.layers import AveragePool2D, Conv2D, Dense, Flatten, MaxPool2D, ReLU
from pellucid.network import Network, Node

__all__ = ["INFERENCE", "SCANNED", "TRAINING"]

FIRST, LAST, SCANNED = "jax", "jax, channels last", "jax, scan"
Parameters = tuple[jax.Array, ...]


def operation(node: Node, order: str) -> Callable[..., jax.Array]:
    """A layer as a function of its parameters and of what it reads."""
    spatial = slice(2, 4) if order == "CHW" else slice(1, 3)

    def windowed(window: tuple[int, int]) -> tuple[int, ...]:
        sizes = [1, 1, 1, 1]
        sizes[spatial] = window
        return tuple(sizes)

    match node.layer:
        case Conv2D() as layer:
            padding = [(p, p) for p in conv_padding(layer)]
            form = ("NCHW", "OIHW", "NCHW") if order == "CHW" else ("NHWC", "HWIO", "NHWC")
            bias = (1, -1, 1, 1) if order == "CHW" else (1, 1, 1, -1)
            return lambda w, b, x: (
                lax.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=form) + b.reshape(bias)
            )
        case Dense():
            return lambda w, b, x: x @ w + b
        case ReLU():
            return jax.nn.relu
        case MaxPool2D() as layer:
            window = windowed(pool_window(layer))
            return lambda x: lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        case AveragePool2D() as layer:
            window = windowed(pool_window(layer))
            area = float(np.prod(window))
            return lambda x: lax.reduce_window(x, 0.0, lax.add, window, window, "VALID") / area
        case Flatten():
            return lambda x: x.reshape(len(x), -1)
    raise NotImplementedError(f"JAX is not given {node.layer}")


def forward(network: Network, order: str) -> Callable[[Parameters, jax.Array], jax.Array]:
    """The network as a function of a flat tuple of parameters and of images."""
    parts = [(operation(node, order), len(node.parameters)) for node in network.nodes]

    def outputs(parameters: Parameters, x: jax.Array) -> jax.Array:
        at = 0
        for apply, count in parts:
            x = apply(*parameters[at : at + count], x)
            at += count
        return x

    return outputs


def parameters_of(problem: Problem, order: str) -> Parameters:
    """The initial values: (in, out) for dense layers, and the layout's for convolutions."""
    found = []
    for before, node in pairwise([None, *problem.network.nodes]):
        for name, _ in node.parameters.values():
            value = problem.parameters[name]
            if value.ndim == 2:
                value = dense_weight(node, before, value, order).T
            if value.ndim == 4 and order == "HWC":
                value = value.transpose(2, 3, 1, 0)
            found.append(jnp.array(value))
    return tuple(found)


def arranged(images: Array, order: str) -> Array:
    """Images in the layout."""
    return images if order == "CHW" else np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def batches_of(problem: Problem, order: str) -> list[tuple[jax.Array, jax.Array]]:
    """Every batch on the device, ready."""
    return [(jnp.array(arranged(x, order)), jnp.array(y, jnp.int32)) for x, y in problem.batches()]


def stepping(problem: Problem, order: str) -> Callable[..., tuple[Parameters, jax.Array]]:
    """One step of SGD as a function that may be jitted."""
    outputs = forward(problem.network, order)

    def loss_of(parameters: Parameters, x: jax.Array, labels: jax.Array) -> jax.Array:
        logs = jax.nn.log_softmax(outputs(parameters, x))
        return -jnp.take_along_axis(logs, labels[:, None], 1).mean()

    def step(parameters: Parameters, x: jax.Array, labels: jax.Array) -> tuple[Parameters, jax.Array]:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, labels)
        return tuple(p - problem.rate * g for p, g in zip(parameters, gradients, strict=True)), loss

    return step


def trainer(problem: Problem, order: str) -> Callable[[int], float]:
    """A jitted call a step; the parameters' memory is given to the new ones."""
    step = jax.jit(stepping(problem, order), donate_argnums=0)
    parameters, batches, done = parameters_of(problem, order), batches_of(problem, order), 0

    def steps(count: int) -> float:
        nonlocal parameters, done
        for number in range(done, done + count):
            parameters, loss = step(parameters, *batches[number % len(batches)])
        done += count
        return float(loss)

    return steps


def scanner(problem: Problem, order: str) -> Callable[[int], float]:
    """Steps inside one jitted call: of all batches, or of one, and of the same ones again and again."""
    step = stepping(problem, order)
    batches = batches_of(problem, order)
    x, labels = (jnp.stack(part) for part in zip(*batches, strict=True))

    @partial(jax.jit, donate_argnums=0)
    def run(parameters: Parameters, first: int, count: int) -> tuple[Parameters, jax.Array]:
        def body(number: int, carried: tuple[Parameters, jax.Array]) -> tuple[Parameters, jax.Array]:
            at = number % len(batches)
            return step(carried[0], x[at], labels[at])

        return lax.fori_loop(first, first + count, body, (parameters, jnp.zeros(())))

    parameters, done = parameters_of(problem, order), 0

    def steps(count: int) -> float:
        nonlocal parameters, done
        parameters, loss = run(parameters, done, count)
        done += count
        return float(loss)

    return steps


def predictor(problem: Problem, order: str) -> Callable[[int], Array]:
    """A jitted call a batch."""
    outputs = jax.jit(forward(problem.network, order))
    parameters = parameters_of(problem, order)
    batches = [x for x, _ in batches_of(problem, order)]

    def times(count: int) -> Array:
        for number in range(count):
            found = outputs(parameters, batches[number % len(batches)])
        return np.asarray(found)

    return times


TRAINING = {
    FIRST: lambda problem: trainer(problem, "CHW"),
    LAST: lambda problem: trainer(problem, "HWC"),
    SCANNED: lambda problem: scanner(problem, "HWC"),
}
INFERENCE = {
    FIRST: lambda problem: predictor(problem, "CHW"),
    LAST: lambda problem: predictor(problem, "HWC"),
}
