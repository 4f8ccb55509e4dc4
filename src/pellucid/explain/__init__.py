"""Explanation by equations alone: where each number of a run comes from, how each gradient is derived."""

from pellucid.explain.derivation import Derivation, DerivedGradient, DerivedStep, Passage
from pellucid.explain.deriving import derive_gradient
from pellucid.explain.explainer import SHOWN, Explainer
from pellucid.explain.explanation import (
    Explanation,
    Lost,
    Operand,
    Share,
    StepExplanation,
    Term,
    UsedBy,
    Uses,
    Vanished,
)
from pellucid.explain.vectors import Vectors, reference_vectors

__all__ = [
    "SHOWN", "Derivation", "DerivedGradient", "DerivedStep", "Explainer", "Explanation", "Lost", "Operand",
    "Passage", "Share", "StepExplanation", "Term", "UsedBy", "Uses", "Vanished", "Vectors", "derive_gradient",
    "reference_vectors",
]  # fmt: skip
