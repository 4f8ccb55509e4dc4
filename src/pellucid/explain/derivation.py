"""What a derivation says: the steps from the chain rule to the final formula, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.formula.expression import Equation
from pellucid.formula.formula import Formula

__all__ = ["IMAGES", "Derivation", "DerivedGradient", "DerivedStep", "Passage"]

# In the formulas with numbers.
IMAGES = 2


@dataclass(frozen=True)
class DerivedStep:
    """One rewriting.

    Attributes:
        rule: its name in the closed list of rules.
        reason: why it keeps the value, in words.
        equation: after the step.
        error: how far the value at random points was from the gradient's, relative to its size.
    """

    rule: str
    reason: str
    equation: Equation
    error: float


@dataclass(frozen=True)
class DerivedGradient:
    """The derivation of the gradient by one tensor.

    Attributes:
        tensor: in the layer's own letters; the last of a passage is the one that was asked for.
        start: the chain rule.
        steps: from there on.
    """

    tensor: str
    start: Equation
    steps: tuple[DerivedStep, ...]

    @property
    def result(self) -> Equation:
        """The final formula."""
        return self.steps[-1].equation if self.steps else self.start


@dataclass(frozen=True)
class Passage:
    """How the gradient passes back through one layer that uses the value.

    Attributes:
        layer: its name, or "loss".
        forward: its equations, with intermediate results named.
        gradients: of intermediate results that are needed, then of the value itself.
        names: what the letters stand for in the network.
        numbers: the final formula's steps with this network's numbers put in; empty if not asked for.
    """

    layer: str
    forward: Formula
    gradients: tuple[DerivedGradient, ...]
    names: Mapping[str, str]
    numbers: tuple[DerivedStep, ...] = ()

    @property
    def result(self) -> Equation:
        """The final formula, in general letters."""
        return self.gradients[-1].result


@dataclass(frozen=True)
class Derivation:
    """The gradient of the loss by one value of a network, derived; every step has been checked numerically.

    `str()` gives text, a notebook shows mathematics, `to_dict` is what a program may read.

    Attributes:
        name: of the value.
        passages: one for each use of it; the gradient is their sum.
    """

    name: str
    passages: tuple[Passage, ...]

    @property
    def steps(self) -> tuple[DerivedStep, ...]:
        """All steps of all passages, in order."""
        return tuple(
            s for p in self.passages for s in (*(s for g in p.gradients for s in g.steps), *p.numbers)
        )

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        return {"name": self.name, "passages": [_passage(p) for p in self.passages]}

    def __str__(self) -> str:
        from pellucid.explain.derivation_text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from pellucid.explain.derivation_text import as_html

        return as_html(self)

    def _repr_latex_(self) -> str:
        from pellucid.explain.derivation_text import as_latex

        return as_latex(self)


def _passage(passage: Passage) -> dict[str, object]:
    gradients = [
        {"tensor": g.tensor, "start": str(g.start), "steps": [*map(_step, g.steps)]}
        for g in passage.gradients
    ]
    return {
        "layer": passage.layer, "forward": [str(e) for e in passage.forward.equations],
        "assumptions": [str(a) for a in passage.forward.assumptions], "names": dict(passage.names),
        "gradients": gradients, "numbers": [*map(_step, passage.numbers)],
    }  # fmt: skip


def _step(step: DerivedStep) -> dict[str, object]:
    return {"rule": step.rule, "reason": step.reason, "equation": str(step.equation), "error": step.error}
