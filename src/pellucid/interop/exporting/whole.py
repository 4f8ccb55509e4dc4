"""Layers whose equations, taken together, say what a single operator says."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.formula.formula import Formula
from pellucid.layers import Layer, LeakyReLU, Softmax

__all__ = ["operator_of"]


def operator_of(formula: Formula, rank: int) -> tuple[str, Mapping[str, int | float]] | None:
    """The operator and its options that compute the formula's output from its one operand, if there is one.

    >>> operator_of(LeakyReLU(0.5).formula(((1, 8),)), 2)
    ('LeakyRelu', {'alpha': 0.5})
    """
    if not 2 <= rank <= 4:
        return None
    slope = float(formula.constants.get("slope", 0))
    known: dict[Layer, tuple[str, Mapping[str, int | float]]] = {
        Softmax(): ("Softmax", {"axis": 1}),
        LeakyReLU(slope): ("LeakyRelu", {"alpha": slope}),
    }
    shape = (1,) * rank
    return next((found for layer, found in known.items() if formula == layer.formula((shape,))), None)
