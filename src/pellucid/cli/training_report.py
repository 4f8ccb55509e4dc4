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
    ("loss", "loss", "{:.4f}"),
    ("accuracy", "accuracy", "{:.2%}"),
    ("validation loss", "val_loss", "{:.4f}"),
    ("validation accuracy", "val_accuracy", "{:.2%}"),
    ("rate", "lr", "{:.2g}"),
    ("images/s", "images_per_second", "{:,.0f}"),
    ("seconds", "seconds", "{:.1f}"),
)


class Report(Callback):
    """Told of a training's beginning, epochs and end; says nothing but the end."""

    def begin(self, network: Network, splits: Splits) -> None:
        """Before the first step."""

    def done(self, model: Model, path: Path, result: Evaluation | None) -> None:
        """When the model is saved."""
        if result is not None:
            known = "" if result.accuracy is None else f"accuracy {result.accuracy:.2%}, "
            say(f"test {known}loss {result.loss:.4f} over {result.images:,} images")
        say(f"the model is in {path}")


class TableReport(Report):
    """A line for each epoch."""

    def __init__(self) -> None:
        self._began = False

    def begin(self, network: Network, splits: Splits) -> None:
        say(f"{network.name} network with {_parameters(network):,} parameters; {_images(splits)}")

    def on_epoch_end(self, row: Mapping[str, Any]) -> object:
        columns = [column for column in _COLUMNS if row[column[1]] is not None]
        if not self._began:
            say("  ".join(heading.rjust(8) for heading, _, _ in columns))
            self._began = True
        cells = (form.format(row[key]).rjust(max(len(heading), 8)) for heading, key, form in columns)
        say("  ".join(cells))
        return False


class EventReport(Report):
    """A JSON object a line."""

    def begin(self, network: Network, splits: Splits) -> None:
        print_event(
            "start",
            network=network.name,
            parameters=_parameters(network),
            data=splits.train.name,
            classes=splits.train.classes,
            images=len(splits.train),
            test_images=len(splits.test or ()),
        )

    def on_epoch_end(self, row: Mapping[str, Any]) -> object:
        print_event("epoch", **row)
        return False

    def done(self, model: Model, path: Path, result: Evaluation | None) -> None:
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
