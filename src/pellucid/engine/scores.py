"""How good a network's outputs are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.inputs import as_weights, check_targets
from pellucid.engine.preparing import as_rows
from pellucid.errors import NetworkError
from pellucid.formula.evaluate import plan
from pellucid.layers.preparation import CORRECT
from pellucid.network import Network

__all__ = ["Score", "score"]

Array = NDArray[Any]
_CHUNK = 1024  # images at a time, so that the memory does not grow with their number


@dataclass(frozen=True)
class Score:
    """The result of comparing outputs with targets.

    Attributes:
        loss: the network's, over all images.
        correct: images whose largest output is the target's largest element; None without classes.
        count: images.
    """

    loss: float
    correct: int | None
    count: int

    @property
    def accuracy(self) -> float | None:
        """Share of the images that are right, whatever their weights."""
        return None if self.correct is None else self.correct / self.count


def score(network: Network, outputs: Array, targets: Array, sample_weight: Array | None = None) -> Score:
    """Loss and accuracy, by the same equations as in training.

    Args:
        network: with a loss.
        outputs: of the network, (N, ...), at least one image; their type is that of the calculation.
        targets: labels (N,), or what the outputs should be.
        sample_weight: (N,); all images count alike if None.

    Raises:
        NetworkError: the network has no loss.
        DataError: targets that do not fit.
    """
    if network.loss is None:
        raise NetworkError(f"{network.name} has no loss that could be computed")
    count = len(outputs)
    check_targets(network, targets, count)
    weights = np.ones(count) if sample_weight is None else as_weights(sample_weight, count, np.float64)
    loss, correct = 0.0, 0
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        x, total = outputs[part], float(weights[part].sum())
        y = as_rows(network, len(x), x.dtype)(targets[part])
        if total > 0:  # of images without weight there is no mean
            loss += total * _loss(network, x, y, None if sample_weight is None else weights[part])
        correct += _correct(x, y) if network.loss.classification else 0
    return Score(loss / float(weights.sum()), correct if network.loss.classification else None, count)


def _loss(network: Network, x: Array, y: Array, weights: Array | None) -> float:
    assert network.loss is not None
    given = {"x": x, "y": y}
    if weights is not None:
        given["weight"] = weights.astype(x.dtype)
    formula = network.loss.formula(x.shape, weighted=weights is not None)
    return float(plan(formula, {name: a.shape for name, a in given.items()}, x.dtype)(given)["loss"])


def _correct(x: Array, y: Array) -> int:
    return int(plan(CORRECT, {"x": x.shape, "y": y.shape}, x.dtype)({"x": x, "y": y})["correct"])
