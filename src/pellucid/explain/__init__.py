"""Explanation: where every number of a run comes from, by its equations alone."""

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

__all__ = [
    "SHOWN", "Explainer", "Explanation", "Lost", "Operand", "Share", "StepExplanation", "Term", "UsedBy",
    "Uses", "Vanished",
]  # fmt: skip
