"""A training by PyTorch with a recipe of ours, in the layout that is the fastest for the network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from benchmarks.sides.problem import Problem
from benchmarks.sides.torch_side import batches_of, forward, layout, parameters_of
from pellucid.data import ImageSet

__all__ = ["LAYOUTS", "Recipe", "fastest_layout", "trained"]

# Channels last or not, compiled or not.
LAYOUTS = {"contiguous": (False, False), "channels last": (True, False), "compiled": (False, True)}
TRIAL = 60

Tensor = torch.Tensor
Outputs = Callable[[list[Tensor], Tensor], Tensor]


@dataclass(frozen=True)
class Recipe:
    """Adam at a rate that falls as half a cosine."""

    epochs: int
    batch: int
    rate: float


def made(problem: Problem, way: str) -> tuple[Outputs, list[Tensor], torch.memory_format]:
    """The network and its parameters, ready to be trained."""
    channels_last, compiled = LAYOUTS[way]
    order, form = layout(channels_last=channels_last)
    outputs = forward(problem.network, order)
    parameters = [p.requires_grad_() for p in parameters_of(problem, order, form)]
    return (torch.compile(outputs) if compiled else outputs), parameters, form


def step(
    outputs: Outputs, parameters: list[Tensor], optimiser: torch.optim.Adam, x: Tensor, y: Tensor
) -> None:
    """Forward, backward, update."""
    optimiser.zero_grad(set_to_none=True)
    functional.cross_entropy(outputs(parameters, x), y).backward()
    optimiser.step()


def fastest_layout(problem: Problem) -> str:
    """The layout in which steps take the least time; compiling does not count."""
    times = {}
    for way in LAYOUTS:
        outputs, parameters, form = made(problem, way)
        optimiser = torch.optim.Adam(parameters, fused=True)
        batches = batches_of(problem, form)
        for count in (TRIAL, TRIAL):  # the second time counts
            began = time.perf_counter()
            for number in range(count):
                step(outputs, parameters, optimiser, *batches[number % len(batches)])
            times[way] = time.perf_counter() - began
    return min(times, key=lambda way: times[way])


def compile_now(
    outputs: Outputs, values: list[Tensor], problem: Problem, recipe: Recipe, form: torch.memory_format
) -> None:
    """A pass with a whole batch and one with the last of an epoch, after which nothing is left to compile."""
    for size in {recipe.batch, len(problem.images) % recipe.batch or recipe.batch}:
        x = torch.zeros(size, *problem.network.input_shape).contiguous(memory_format=form)
        torch.autograd.grad(functional.cross_entropy(outputs(values, x), torch.zeros(size).long()), values)


def trained(problem: Problem, test: ImageSet, recipe: Recipe, seed: int, way: str) -> tuple[float, float]:
    """Seconds of the training on the problem's images (uint8), and the accuracy on the test images."""
    outputs, values, form = made(problem, way)
    random = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(values, fused=True)
    steps = recipe.epochs * -(-len(problem.images) // recipe.batch)
    done = 0
    compile_now(outputs, values, problem, recipe, form)
    began = time.perf_counter()
    images = torch.tensor(problem.images).float().div_(255)
    mean, deviation = images.mean((0, 2, 3), keepdim=True), images.std((0, 2, 3), keepdim=True)
    images = images.sub_(mean).div_(deviation).contiguous(memory_format=form)
    labels = torch.tensor(problem.labels)
    for _ in range(recipe.epochs):
        for numbers in torch.randperm(len(images), generator=random).split(recipe.batch):
            optimiser.param_groups[0]["lr"] = recipe.rate * 0.5 * (1 + math.cos(math.pi * done / steps))
            x = images[numbers].contiguous(memory_format=form)
            step(outputs, values, optimiser, x, labels[numbers])
            done += 1
    seconds = time.perf_counter() - began
    images = (
        torch.tensor(test.images).float().div_(255).sub_(mean).div_(deviation).contiguous(memory_format=form)
    )
    with torch.inference_mode():
        guesses = torch.cat([outputs(values, part).argmax(1) for part in images.split(500)])
    return seconds, float((guesses == torch.tensor(test.labels)).float().mean())
