"""This project's compiled engine, as its users run it: an epoch of steps a call, images in any order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.measure.setting import THREADS
from benchmarks.sides.problem import Array, Problem
from pellucid import engine
from pellucid.engine import Task
from pellucid.model import Normalisation
from pellucid.training.optimiser import SGD

__all__ = ["BYTES", "INFERENCE", "OURS", "TRAINING", "trainer"]

OURS, BYTES = "pellucid", "pellucid, bytes"


def trainer(problem: Problem, threads: int = THREADS, *, as_bytes: bool = False) -> Callable[[int], float]:
    """Steps on the compiled engine; with `as_bytes` images are uint8 and normalised on the way in."""
    network, images, scaling = problem.network, problem.images, None
    if as_bytes:
        images = np.clip(images * 50 + 128, 0, 255).astype(np.uint8)
        channels = network.input_shape[0]
        scaling = Normalisation(np.full(channels, 0.5), np.full(channels, 0.2), 1 / 255)
    task = Task(
        network, images, problem.labels, problem.parameters, SGD().update, normalisation=scaling,
        batch_size=problem.batch, threads=threads,
    )  # fmt: skip
    made = engine.get("compiled").trainer(task)
    done = 0
    epoch = len(problem.order) // problem.batch

    def steps(count: int) -> float:
        nonlocal done
        first = done % epoch
        rounds = -(-(first + count) // epoch)
        order = np.tile(problem.order, rounds)[first * problem.batch : (first + count) * problem.batch]
        log = made.run(order, done, np.full(count, problem.rate))
        done += count
        return float(log.losses[-1])

    return steps


def predictor(problem: Problem) -> Callable[[int], Array]:
    """Batches through the compiled engine, one call each."""
    predict = engine.get("compiled").predictor(problem.network, problem.parameters, threads=THREADS)
    batches = [images for images, _ in problem.batches()]

    def times(count: int) -> Array:
        for number in range(count):
            outputs = predict(batches[number % len(batches)])
        return outputs

    return times


TRAINING: dict[str, Callable[[Problem], Callable[[int], float]]] = {
    OURS: trainer,
    BYTES: lambda problem: trainer(problem, as_bytes=True),
}
INFERENCE = {OURS: predictor}
