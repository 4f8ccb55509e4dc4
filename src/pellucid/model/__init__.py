"""A trained network with all that it takes to use it: parameters, class names, preprocessing, history."""

from pellucid.model.evaluation import Evaluation
from pellucid.model.history import History
from pellucid.model.model import Model, versions
from pellucid.model.normalisation import Normalisation
from pellucid.model.storage import load

__all__ = ["Evaluation", "History", "Model", "Normalisation", "load", "versions"]
