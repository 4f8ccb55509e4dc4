"""What a derivation says: the steps from the chain rule to the final formula, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.formula.derive import gradient_name
from pellucid.formula.expression import Equation
from pellucid.formula.formula import Formula

__all__ = ["CHAIN", "IMAGES", "Derivation", "DerivedGradient", "DerivedStep", "Passage", "Section"]

CHAIN = "chain rule: the loss depends on it through all that is computed from it"

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
class Section:
    """A chain of equal expressions that stands by itself, such as a Jacobian's.

    Attributes:
        title: what it shows.
        start: its first equation.
        why: this holds.
        steps: from there on.
        cases: the last formula where letters are equal or are not, each with the case as its reason.
    """

    title: str
    start: Equation
    why: str
    steps: tuple[DerivedStep, ...]
    cases: tuple[DerivedStep, ...] = ()

    @property
    def result(self) -> Equation:
        """The final formula."""
        return self.steps[-1].equation


@dataclass(frozen=True)
class Passage:
    """How the gradient passes back through one layer that uses the value.

    Attributes:
        layer: its name, or "loss".
        forward: its equations, with intermediate results named.
        gradients: of intermediate results that are needed, then of the value itself.
        names: what the letters stand for in the network.
        numbers: the final formula's steps with this network's numbers put in; empty if not asked for.
        meaning: what the final formula says, in words, a sentence each.
        jacobians: of results that are normalised over an index, from first principles.
        readings: the gradient through these, or read as a correlation.
    """

    layer: str
    forward: Formula
    gradients: tuple[DerivedGradient, ...]
    names: Mapping[str, str]
    numbers: tuple[DerivedStep, ...] = ()
    meaning: tuple[str, ...] = ()
    jacobians: tuple[Section, ...] = ()
    readings: tuple[Section, ...] = ()

    @property
    def steps(self) -> tuple[DerivedStep, ...]:
        """All steps, in order."""
        before = (s for section in self.jacobians for s in (*section.steps, *section.cases))
        behind = (s for section in self.readings for s in (*section.steps, *section.cases))
        return (*before, *(s for g in self.gradients for s in g.steps), *self.numbers, *behind)

    @property
    def gradient_of(self) -> Mapping[str, str]:
        """For each tensor that is a gradient, of what: it is written as the loss's partial derivative."""
        return {gradient_name(t): t for t in (*self.forward.operands, *self.forward.defined)}

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
        return tuple(s for p in self.passages for s in p.steps)

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
        "meaning": [*passage.meaning],
        "jacobians": [*map(_section, passage.jacobians)], "readings": [*map(_section, passage.readings)],
    }  # fmt: skip


def _section(section: Section) -> dict[str, object]:
    return {
        "title": section.title, "start": str(section.start), "why": section.why,
        "steps": [*map(_step, section.steps)], "cases": [*map(_step, section.cases)],
    }  # fmt: skip


def _step(step: DerivedStep) -> dict[str, object]:
    return {"rule": step.rule, "reason": step.reason, "equation": str(step.equation), "error": step.error}
