"""What `pellucid train` prints: a table for people, or events for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.cli.output import print_event, say
from pellucid.data import Splits
from pellucid.model import Evaluation, Model
from pellucid.network import Network
from pellucid.training import Callback

__all__ = ["EventReport", "Report", "TableReport"]

# Of a row of the history: the heading, the key, and how to write it.
_COLUMNS = (
    ("epoch", "epoch", "{:d}"),
    ("loss", "loss", "{:.4g}"),
    ("accuracy", "accuracy", "{:.2%}"),
    ("validation loss", "val_loss", "{:.4g}"),
    ("validation accuracy", "val_accuracy", "{:.2%}"),
    ("rate", "lr", "{:.2g}"),
    ("images/s", "images_per_second", "{:,.0f}"),
    ("seconds", "seconds", "{:.1f}"),
)
_WIDTH = 8


class Report(Callback):
    """Told of a training's beginning, epochs and end; says nothing but the end."""

    def __init__(self, network: Network, splits: Splits) -> None:
        self.network, self.splits = network, splits
        self._begun = False

    def on_epoch_start(self, epoch: int) -> None:
        self._begin_once()

    def done(self, model: Model, path: Path, result: Evaluation | None) -> None:
        """When the model is saved."""
        self._begin_once()
        self.end(model, path, result)

    def begin(self) -> None:
        """Says what is trained, as soon as nothing speaks against it."""

    def end(self, model: Model, path: Path, result: Evaluation | None) -> None:
        """Says how it ended."""
        if result is not None:
            known = "" if result.accuracy is None else f"accuracy {result.accuracy:.2%}, "
            say(f"test {known}loss {result.loss:.4g} over {result.images:,} images")
        say(f"the model is in {path}")

    def _begin_once(self) -> None:
        if not self._begun:
            self.begin()
        self._begun = True


class TableReport(Report):
    """A line for each epoch."""

    _headed = False

    def begin(self) -> None:
        parameters = _parameters(self.network)
        say(f"{self.network.name} network with {parameters:,} parameters; {_images(self.splits)}")

    def on_epoch_end(self, row: Mapping[str, Any]) -> object:
        columns = [column for column in _COLUMNS if row[column[1]] is not None]
        if not self._headed:
            say("  ".join(heading.rjust(_WIDTH) for heading, _, _ in columns))
        self._headed = True
        cells = (form.format(row[key]).rjust(max(len(heading), _WIDTH)) for heading, key, form in columns)
        say("  ".join(cells))
        return False


class EventReport(Report):
    """A JSON object a line."""

    def begin(self) -> None:
        train = self.splits.train
        print_event(
            "start",
            network=self.network.name,
            parameters=_parameters(self.network),
            data=train.name,
            classes=train.classes,
            images=len(train),
            test_images=len(self.splits.test or ()),
        )

    def on_epoch_end(self, row: Mapping[str, Any]) -> object:
        print_event("epoch", **row)
        return False

    def end(self, model: Model, path: Path, result: Evaluation | None) -> None:
        print_event(
            "done",
            test_accuracy=result and result.accuracy,
            test_loss=result and result.loss,
            test_images=result.images if result else 0,
            model=path,
            epochs=len(model.history),
            seconds=sum(row["seconds"] for row in model.history),
            engine=model.metadata["engine"],
        )


def _parameters(network: Network) -> int:
    return sum(math.prod(shape) for shape in network.parameter_shapes.values())


def _images(splits: Splits) -> str:
    uses = (splits.train, "training"), (splits.validation, "validation"), (splits.test, "testing")
    parts = (f"{len(part):,} images for {use}" for part, use in uses if part is not None)
    return f"{splits.train.name}: {', '.join(parts)}"
