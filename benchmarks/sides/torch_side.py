"""PyTorch at its best: contiguous, channels last, and compiled; no modules, loaders or optimiser classes.

Functions are called directly, the update is one call for all parameters, and every batch lies ready as a
tensor in the layout that the side likes: what is timed is the mathematics and what PyTorch needs for it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch.nn import functional

from benchmarks.measure.setting import THREADS
from benchmarks.sides.problem import Array, Problem, conv_padding, dense_weight, pool_window
from pellucid.layers import AveragePool2D, Conv2D, Dense, Flatten, MaxPool2D, ReLU
from pellucid.network import Network, Node

__all__ = ["COMPILED", "INFERENCE", "TRAINING"]

Tensor = torch.Tensor
CONTIGUOUS, CHANNELS_LAST, COMPILED = "torch", "torch, channels last", "torch.compile"

torch.set_num_threads(THREADS)


def operation(node: Node, order: str) -> Callable[..., Tensor]:
    """A layer as a function of its parameters and of what it reads."""
    match node.layer:
        case Conv2D() as layer:
            padding = conv_padding(layer)
            return lambda w, b, x: functional.conv2d(x, w, b, padding=padding)
        case Dense():
            return lambda w, b, x: functional.linear(x, w, b)
        case ReLU():
            return functional.relu
        case MaxPool2D() as layer:
            window = pool_window(layer)
            return lambda x: functional.max_pool2d(x, window)
        case AveragePool2D() as layer:
            window = pool_window(layer)
            return lambda x: functional.avg_pool2d(x, window)
        case Flatten() if order == "HWC":
            return lambda x: x.permute(0, 2, 3, 1).flatten(1)
        case Flatten():
            return lambda x: x.flatten(1)
    raise NotImplementedError(f"PyTorch is not given {node.layer}")


def forward(network: Network, order: str) -> Callable[[list[Tensor], Tensor], Tensor]:
    """The network as a function of a flat list of parameters and of images."""
    parts = [(operation(node, order), len(node.parameters)) for node in network.nodes]

    def outputs(parameters: list[Tensor], x: Tensor) -> Tensor:
        at = 0
        for apply, count in parts:
            x = apply(*parameters[at : at + count], x)
            at += count
        return x

    return outputs


def parameters_of(problem: Problem, order: str, form: torch.memory_format) -> list[Tensor]:
    """The initial values, in the layout of the images."""
    found = []
    nodes = problem.network.nodes
    for before, node in pairwise([None, *nodes]):
        for name, _ in node.parameters.values():
            value = problem.parameters[name]
            if isinstance(node.layer, Dense) and value.ndim == 2:
                value = dense_weight(node, before, value, order)
            tensor = torch.tensor(value)
            found.append(tensor.contiguous(memory_format=form) if value.ndim == 4 else tensor)
    return found


def batches_of(problem: Problem, form: torch.memory_format) -> list[tuple[Tensor, Tensor]]:
    """Every batch as tensors, ready."""
    return [
        (torch.tensor(x).contiguous(memory_format=form), torch.tensor(labels))
        for x, labels in problem.batches()
    ]


def layout(*, channels_last: bool) -> tuple[str, torch.memory_format]:
    """The order in which images are flattened at no cost, and the storage order itself."""
    return ("HWC", torch.channels_last) if channels_last else ("CHW", torch.contiguous_format)


def trainer(problem: Problem, *, channels_last: bool) -> Callable[[int], float]:
    """Eager steps."""
    order, form = layout(channels_last=channels_last)
    outputs = forward(problem.network, order)
    parameters = [p.requires_grad_() for p in parameters_of(problem, order, form)]
    batches = batches_of(problem, form)
    done = 0

    def steps(count: int) -> float:
        nonlocal done
        for number in range(done, done + count):
            x, labels = batches[number % len(batches)]
            loss = functional.cross_entropy(outputs(parameters, x), labels)
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-problem.rate)
        done += count
        return loss.item()

    return steps


def compiled_trainer(problem: Problem) -> Callable[[int], float]:
    """The whole step, gradients and update included, as one compiled function."""
    order, form = layout(channels_last=False)
    outputs = forward(problem.network, order)
    parameters = parameters_of(problem, order, form)
    batches = batches_of(problem, form)
    done = 0

    def loss_of(parameters: list[Tensor], x: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(outputs(parameters, x), labels)

    @torch.compile
    def step(parameters: list[Tensor], x: Tensor, labels: Tensor) -> Tensor:
        gradients, loss = torch.func.grad_and_value(loss_of)(parameters, x, labels)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=problem.rate)
        return loss

    def steps(count: int) -> float:
        nonlocal done
        with torch.no_grad():
            for number in range(done, done + count):
                loss = step(parameters, *batches[number % len(batches)])
        done += count
        return loss.item()

    return steps


def predictor(problem: Problem, *, channels_last: bool, compiled: bool = False) -> Callable[[int], Array]:
    """Batches in inference mode."""
    order, form = layout(channels_last=channels_last)
    outputs = forward(problem.network, order)
    if compiled:
        outputs = torch.compile(outputs)
    parameters = parameters_of(problem, order, form)
    batches = [x for x, _ in batches_of(problem, form)]

    def times(count: int) -> Array:
        with torch.inference_mode():
            for number in range(count):
                found = outputs(parameters, batches[number % len(batches)])
        return found.numpy()

    return times


TRAINING = {
    CONTIGUOUS: lambda problem: trainer(problem, channels_last=False),
    CHANNELS_LAST: lambda problem: trainer(problem, channels_last=True),
    COMPILED: compiled_trainer,
}
INFERENCE = {
    CONTIGUOUS: lambda problem: predictor(problem, channels_last=False),
    CHANNELS_LAST: lambda problem: predictor(problem, channels_last=True),
    COMPILED: lambda problem: predictor(problem, channels_last=False, compiled=True),
}
