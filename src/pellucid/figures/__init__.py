"""Pictures of arrays and of a training's history, drawn by matplotlib, of which no state is changed.

A room near the ground: it knows arrays, names and rows of numbers, and neither networks nor models.
Importing it raises a `MissingPackageError` where matplotlib is not installed.
"""

from pellucid.errors import missing

try:
    import matplotlib  # noqa: F401
except ImportError as error:
    raise missing("figures", "matplotlib", "figures") from error

from pellucid.figures.confusion import confusion_matrix
from pellucid.figures.curves import learning_curves
from pellucid.figures.images import Labelled, images_with_labels
from pellucid.figures.numbers import numbers
from pellucid.figures.sheet import SUFFIXES, Figure, check_suffix

__all__ = [
    "SUFFIXES",
    "Figure",
    "Labelled",
    "check_suffix",
    "confusion_matrix",
    "images_with_labels",
    "learning_curves",
    "numbers",
]
