"""Explanation by equations alone: where each number of a run comes from, how each gradient is derived.

What is not asked for is not imported: the first explanation of a number needs no derivation.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.explain.animation import Animation, animate
    from pellucid.explain.derivation import Derivation, DerivedGradient, DerivedStep, Passage, Section
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
    "SHOWN", "Animation", "Derivation", "DerivedGradient", "DerivedStep", "Explainer", "Explanation", "Lost",
    "Operand", "Passage", "Section", "Share", "StepExplanation", "Term", "UsedBy", "Uses", "Vanished",
    "Vectors", "animate", "derive_gradient", "reference_vectors",
]  # fmt: skip

_HOMES = {
    "animation": ("Animation", "animate"),
    "derivation": ("Derivation", "DerivedGradient", "DerivedStep", "Passage", "Section"),
    "deriving": ("derive_gradient",),
    "explainer": ("SHOWN", "Explainer"),
    "explanation": (
        "Explanation", "Lost", "Operand", "Share", "StepExplanation", "Term", "UsedBy", "Uses", "Vanished",
    ),
    "vectors": ("Vectors", "reference_vectors"),
}  # fmt: skip


if not TYPE_CHECKING:  # type checkers read the imports above, and know what is not there

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
