"""The history of a training for TensorBoard."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pellucid.errors import missing
from pellucid.files import resource_error
from pellucid.training.callbacks import Callback, Row

__all__ = ["TensorBoard"]

# What TensorBoard calls the numbers of a row; those before one stroke share a panel.
_TAGS = {
    "loss": "loss/training",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "val_accuracy": "accuracy/validation",
    "lr": "learning_rate",
    "images_per_second": "images_per_second",
}


class TensorBoard(Callback):
    """Writes each row of the history to a folder that ``tensorboard --logdir FOLDER`` shows.

    Args:
        folder: made if it is not there. Each training begins a file of its own in it, and one that is resumed
            goes on with the epoch that it is at.

    Raises:
        MissingPackageError: tensorboardX is not installed.
        ResourceError: the folder cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise missing("logs for TensorBoard", "tensorboardX", "tensorboard") from error
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK):
                raise PermissionError(13, os.strerror(13))
        except OSError as error:
            raise resource_error("write to", folder, error) from error
        self._kind = SummaryWriter
        self._writer: SummaryWriter | None = None

    def on_epoch_end(self, row: Row) -> object:
        if self._writer is None:
            # two that begin within one second would else take each other's place
            self._writer = self._kind(str(self.folder), filename_suffix=f".{secrets.token_hex(4)}")
        for name, tag in _TAGS.items():
            if row.get(name) is not None:
                self._writer.add_scalar(tag, row[name], global_step=row["epoch"])
        self._writer.flush()
        return False

    def on_end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
