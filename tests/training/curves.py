"""The frozen training curves of PyTorch, trained again by our own engines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import engine
from pellucid.engine import Task
from pellucid.training.optimiser import Optimiser, optimiser
from tests.fixtures import recipe
from tests.fixtures.cases import TrainingCurve
from tests.networks import seed_network

__all__ = ["BOUNDS", "losses", "named", "worst"]

# Largest difference of a loss, measured against PyTorch's.
BOUNDS = {"float64": 1e-9, "float32": 1e-4}


def named(curve: TrainingCurve) -> Optimiser:
    """The optimiser of a curve, whose options have PyTorch's names."""
    options = {name: value for name, value in curve.options.items() if name not in ("lr", "nesterov")}
    kind = curve.optimizer
    if "momentum" in options:
        kind = "nesterov" if curve.options.get("nesterov") else "momentum"
    return optimiser(kind, **options)


def losses(curve: TrainingCurve, name: str) -> NDArray[np.float64]:
    """The loss before each step, by the engine of this name."""
    kind: type[np.floating[Any]] = np.dtype(curve.dtype).type
    batches = [recipe.batch(curve.network, step, kind) for step in range(len(curve.losses))]
    images = np.concatenate([images for images, _ in batches])
    task = Task(
        seed_network(curve.network),
        images,
        np.concatenate([labels for _, labels in batches]),
        recipe.initial_parameters(curve.network, kind),
        named(curve).update,
        batch_size=recipe.BATCH,
        dtype=curve.dtype,
    )
    rates = np.full(len(batches), curve.options["lr"])
    found: NDArray[np.float64] = engine.get(name).trainer(task).run(np.arange(len(images)), 0, rates).losses
    return found


def worst(curve: TrainingCurve, name: str) -> float:
    """The largest difference of a step's loss, measured against PyTorch's."""
    return float(np.max(np.abs(losses(curve, name) - curve.losses) / curve.losses))
