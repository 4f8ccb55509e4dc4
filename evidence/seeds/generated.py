"""Where an equation of pellucid's comes from: a layer, a derivation, a rule of optimisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from pellucid.engine.program import LOSS, Program, Step
from pellucid.explain import Derivation, Passage
from pellucid.formula.derive import derive, gradient_name
from pellucid.formula.expression import Equation, Num
from pellucid.layers import Conv2D
from pellucid.network import INPUT, Network
from pellucid.training.optimiser import SGD

__all__ = [
    "Flipped",
    "Forward",
    "Generated",
    "Gradient",
    "Jacobian",
    "Reading",
    "Scattered",
    "Slope",
    "Start",
    "Update",
    "steps",
]


class Generated(Protocol):
    """An equation that pellucid has or derives."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        """The equation, in the letters of the layer."""

    def section(self, step: Step | None) -> tuple[str, str]:
        """The section of the network's article that prints it, and what it is about; empty if none does."""


@lru_cache(maxsize=32)
def steps(network: Network, images: int) -> Mapping[str, Step]:
    """The network's layers and loss with their equations, forward and backward."""
    program = Program.build(network, images, wanted={INPUT, *network.parameter_shapes})
    return {step.name: step for step in program.steps}


@lru_cache(maxsize=64)
def _derived(network: Network, name: str) -> Derivation:
    return network.derive(name)


def _known(step: Step | None) -> Step:
    assert step is not None, "the formula belongs to a layer"
    return step


@dataclass(frozen=True)
class Forward:
    """The equation of a layer's output, or of a result inside it."""

    tensor: str = ""

    def equation(self, network: Network, step: Step | None) -> Equation:
        forward = _known(step).forward
        return forward.defined[self.tensor or forward.output]

    def section(self, step: Step | None) -> tuple[str, str]:
        name = _known(step).name
        return ("Loss", "") if name == LOSS else ("Forward pass", name)


@dataclass(frozen=True)
class _Backward:
    """The gradient of the loss by what a layer reads."""

    operand: str

    def section(self, step: Step | None) -> tuple[str, str]:
        return "Backward pass", _known(step).operands[self.operand]

    def passage(self, network: Network, step: Step | None) -> Passage:
        """How the gradient passes back through the layer."""
        found = _known(step)
        derivation = _derived(network, found.operands[self.operand])
        return next(p for p in derivation.passages if p.layer == found.name)


@dataclass(frozen=True)
class Gradient(_Backward):
    """Its final formula."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        backward = _known(step).backward
        assert backward is not None
        return backward.defined[gradient_name(self.operand)]


@dataclass(frozen=True)
class Start(_Backward):
    """The chain rule, with which its derivation begins."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        return self.passage(network, step).gradients[-1].start


@dataclass(frozen=True)
class Scattered(_Backward):
    """A line of its derivation in which terms carry so many deltas: each is added where its deltas say."""

    deltas: int

    def equation(self, network: Network, step: Step | None) -> Equation:
        lines = (s.equation for s in self.passage(network, step).gradients[-1].steps)
        return next(e for e in lines if "D(" not in repr(e) and repr(e).count("delta(") == self.deltas)


@dataclass(frozen=True)
class Jacobian(_Backward):
    """The derivative of one result of the layer by one element of what it reads, of one place or of two."""

    same: bool

    def equation(self, network: Network, step: Step | None) -> Equation:
        (jacobian,) = self.passage(network, step).jacobians
        same, other = jacobian.cases
        return (same if self.same else other).equation


@dataclass(frozen=True)
class Reading(_Backward):
    """The gradient read as a correlation with a turned kernel."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        (reading,) = self.passage(network, step).readings
        return reading.result


@dataclass(frozen=True)
class Slope(_Backward):
    """The derivative of a layer of single elements, a factor of its gradient."""

    def section(self, step: Step | None) -> tuple[str, str]:
        return "", ""

    def equation(self, network: Network, step: Step | None) -> Equation:
        return derive(_known(step).forward, [self.operand], upstream=Num(1)).equation(self.operand)


@dataclass(frozen=True)
class Flipped:
    """The network's convolution with its filters flipped: ``Conv2D(true_convolution=True)``."""

    filters: int
    kernel: int

    def equation(self, network: Network, step: Step | None) -> Equation:
        layer = Conv2D(self.filters, self.kernel, true_convolution=True)
        formula = layer.formula(((1, *network.input_shape),))
        return formula.defined[formula.output]

    def section(self, step: Step | None) -> tuple[str, str]:
        return "", ""


@dataclass(frozen=True)
class Update:
    """One step of gradient descent."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        formula = SGD().formula
        return formula.defined[formula.output]

    def section(self, step: Step | None) -> tuple[str, str]:
        return "One step of training", ""
