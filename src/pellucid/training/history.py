"""The sums of an epoch in progress, and what its row in the history says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine import Score, StepLog

__all__ = ["Sums", "row"]


@dataclass(frozen=True)
class Sums:
    """Of the steps of an epoch that are done.

    They are added step by step, so that an epoch that was stopped and resumed has the same ones.

    Attributes:
        loss: of each step, times the weight of its images.
        weight: of the images.
        correct: images that were right before their step.
        images: that were seen.
        seconds: that training took.
    """

    loss: float = 0.0
    weight: float = 0.0
    correct: int = 0
    images: int = 0
    seconds: float = 0.0

    def after(self, log: StepLog, weights: NDArray[np.float64] | None, seconds: float) -> Sums:
        """With more steps; `weights` are those of their images, in order, or None if all are 1."""
        loss, weight, at = self.loss, self.weight, 0
        for step_loss, count in zip(log.losses.tolist(), log.counts.tolist(), strict=True):
            share = float(count) if weights is None else float(weights[at : at + count].sum())
            loss, weight, at = loss + step_loss * share, weight + share, at + count
        return Sums(
            loss, weight, self.correct + int(log.corrects.sum()), self.images + at, self.seconds + seconds
        )

    @property
    def mean_loss(self) -> float:
        return self.loss / self.weight if self.weight else 0.0

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        return asdict(self)


def row(
    epoch: int, steps: int, sums: Sums, rate: float, validation: Score | None, *, classes: bool
) -> Mapping[str, Any]:
    """What the history says about an epoch, in JSON's types.

    Loss and accuracy are those of the training images, each before its step; the time is that of the steps.
    """
    return {
        "epoch": epoch,
        "steps": steps,
        "loss": sums.mean_loss,
        "accuracy": sums.correct / sums.images if classes else None,
        "val_loss": None if validation is None else validation.loss,
        "val_accuracy": None if validation is None else validation.accuracy,
        "lr": rate,
        "images_per_second": sums.images / sums.seconds if sums.seconds else 0.0,
        "seconds": sums.seconds,
    }
