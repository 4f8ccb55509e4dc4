"""Those who are told what happens in a training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

__all__ = ["Callback", "JsonLines", "Moment", "json_lines"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Moment:
    """Where a training is after a step.

    Attributes:
        epoch: from 1.
        epochs: of the training.
        step: steps of this epoch that are done.
        steps: of an epoch.
        images: of this epoch that are done.
        loss: mean of this epoch so far.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    images: int
    loss: float


class Callback:
    """Told what happens; a true answer to `on_step` or `on_epoch_end` stops the training."""

    def on_epoch_start(self, epoch: int) -> None:
        """Before the first step of an epoch, from 1, or before it goes on after a resume."""

    def on_step(self, moment: Moment) -> object:
        """After a step; an engine may leave some out."""
        return False

    def on_epoch_end(self, row: Row) -> object:
        """After an epoch, with its row of the history."""
        return False

    def on_end(self) -> None:
        """When training ends, for whatever reason."""


class JsonLines(Callback):
    """Writes each row of the history as a line of JSON, as soon as it is known."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def on_epoch_end(self, row: Row) -> object:
        self._stream.write(json_lines([row]))
        self._stream.flush()
        return False


def json_lines(history: Sequence[Row]) -> str:
    r"""A history as text, one JSON object a line.

    >>> json_lines([{"epoch": 1, "loss": 0.5}])
    '{"epoch": 1, "loss": 0.5}\n'
    """
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in history)
