"""What a training says about its epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.figures import Figure

__all__ = ["History"]


class History(tuple[Mapping[str, Any], ...]):
    """The rows of a training, one an epoch, in JSON's types: a tuple that can be drawn."""

    __slots__ = ()

    def plot(self, title: str = "") -> Figure:
        """Learning curves: loss and, where the network classifies, accuracy against the epoch.

        Args:
            title: of the figure.

        Returns:
            A matplotlib figure that a notebook shows; its method `save` writes it to a file.

        Raises:
            MissingPackageError: matplotlib is not installed.
            UsageError: there is no epoch yet.

        >>> figure = History([{"epoch": 1, "loss": 2.0, "val_loss": 2.5}]).plot()
        >>> [line.get_label() for line in figure.axes[0].lines[:2]]
        ['training', 'validation, least 2.5 in epoch 1']
        """
        from pellucid.figures import learning_curves

        return learning_curves(self, title)
