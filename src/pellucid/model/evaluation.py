"""How well a model does on images whose labels are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import UsageError
from pellucid.formula.evaluate import plan
from pellucid.layers.preparation import CONFUSION

if TYPE_CHECKING:
    from pellucid.figures import Figure

__all__ = ["Evaluation", "confusion_matrix"]

Array = NDArray[Any]
_CHUNK = 4096  # images counted together, so that memory does not grow with their number


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `Model.evaluate`.

    Attributes:
        loss: the network's, over all images.
        images: their number.
        accuracy: share of the images that are classified right; None if the network does not classify.
        classes: what the rows and columns of the confusion matrix stand for.
        confusion: (K, K) int64: how many images of the row's class were taken for the column's; None without
            classes.
    """

    loss: float
    images: int
    accuracy: float | None = None
    classes: tuple[str, ...] = ()
    confusion: NDArray[np.int64] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The number of images of each class."""
        rows = [] if self.confusion is None else self.confusion.sum(1).tolist()
        return dict(zip(self.classes, rows, strict=True))

    @property
    def correct(self) -> dict[str, int]:
        """The number of images of each class that were classified right."""
        rows = [] if self.confusion is None else self.confusion.diagonal().tolist()
        return dict(zip(self.classes, rows, strict=True))

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        numbers: dict[str, object] = {"images": self.images, "loss": self.loss}
        if self.confusion is None:
            return numbers
        correct = self.correct
        each = [{"class": c, "images": n, "correct": correct[c]} for c, n in self.counts.items()]
        matrix = {"classes": list(self.classes), "confusion_matrix": self.confusion.tolist()}
        return numbers | {"accuracy": self.accuracy, "per_class": each} | matrix

    def plot(self) -> Figure:
        """The confusion matrix: what was right in blue, what was wrong in orange.

        Returns:
            A matplotlib figure that a notebook shows; its method `save` writes it to a file.

        Raises:
            MissingPackageError: matplotlib is not installed.
            UsageError: the network does not classify.
        """
        from pellucid.figures import confusion_matrix

        if self.confusion is None:
            raise UsageError("a network that does not classify has no confusion matrix to draw")
        return confusion_matrix(self.confusion, self.classes, str(self).splitlines()[0])

    def __str__(self) -> str:
        if self.accuracy is None:
            return f"loss {self.loss:.4f} over {self.images:,} images"
        correct, counts = self.correct, self.counts
        width = max(map(len, self.classes))
        lines = [f"accuracy {self.accuracy:.2%}, loss {self.loss:.4f} over {self.images:,} images"]
        return "\n".join(
            lines + [f"  {c:{width}}  {correct[c]:>7,} of {counts[c]:>7,}" for c in self.classes]
        )


def confusion_matrix(labels: Array, guesses: Array, classes: int) -> NDArray[np.int64]:
    """How many images of each class (rows) were taken for each class (columns).

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    total = np.zeros((classes, classes), np.int64)
    sizes = {"A": classes, "K": classes}
    for start in range(0, len(labels), _CHUNK):
        part = slice(start, start + _CHUNK)
        given = {"label": labels[part], "guess": guesses[part]}
        count = plan(CONFUSION, {name: a.shape for name, a in given.items()}, np.float64, sizes)
        total += np.rint(count(given)["count"]).astype(np.int64)
    return total
