"""Where an equation of pellucid's comes from: a layer, a derivation, a rule of optimisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from pellucid.engine.program import LOSS, Program, Step
from pellucid.formula.derive import derive, gradient_name
from pellucid.formula.expression import Equation, Num
from pellucid.formula.formula import Formula
from pellucid.formula.jacobian import cases, jacobian
from pellucid.layers import Conv2D, Softmax
from pellucid.network import INPUT, Network
from pellucid.training.optimiser import SGD

__all__ = [
    "Flipped",
    "Forward",
    "Generated",
    "Gradient",
    "Jacobian",
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

    def section(self, network: Network, step: Step | None) -> str:
        """Where the article of the network has it."""


@lru_cache(maxsize=32)
def steps(network: Network, images: int) -> Mapping[str, Step]:
    """The network's layers and loss with their equations, forward and backward."""
    program = Program.build(network, images, wanted={INPUT, *network.parameter_shapes})
    return {step.name: step for step in program.steps}


def _known(step: Step | None) -> Step:
    assert step is not None, "the formula belongs to a layer"
    return step


def _place(step: Step) -> str:
    return "loss" if step.name == LOSS else step.name


@dataclass(frozen=True)
class Forward:
    """The equation of a layer's output, or of a result inside it."""

    tensor: str = ""

    def equation(self, network: Network, step: Step | None) -> Equation:
        forward = _known(step).forward
        return forward.defined[self.tensor or forward.output]

    def section(self, network: Network, step: Step | None) -> str:
        place = _place(_known(step))
        return "loss" if place == "loss" else f"forward pass, {place}"


@dataclass(frozen=True)
class Gradient:
    """The derived gradient of the loss by what a layer reads."""

    operand: str

    def equation(self, network: Network, step: Step | None) -> Equation:
        backward = _known(step).backward
        assert backward is not None
        return backward.defined[gradient_name(self.operand)]

    def section(self, network: Network, step: Step | None) -> str:
        return f"backward pass, {_place(_known(step))}, gradient by {_known(step).operands[self.operand]}"


def _derivation(network: Network, step: Step, operand: str) -> tuple[Equation, tuple[Equation, ...]]:
    """The chain rule with which a derivation begins, and the equation after each of its steps."""
    derived = network.derive(step.operands[operand]).passages
    (passage,) = (p for p in derived if p.layer == step.name)
    gradient = passage.gradients[-1]
    return gradient.start, tuple(s.equation for s in gradient.steps)


@dataclass(frozen=True)
class Start:
    """The chain rule, from which the gradient by an operand is derived."""

    operand: str

    def equation(self, network: Network, step: Step | None) -> Equation:
        return _derivation(network, _known(step), self.operand)[0]

    def section(self, network: Network, step: Step | None) -> str:
        return f"{Gradient(self.operand).section(network, step)}, first line of the derivation"


@dataclass(frozen=True)
class Scattered:
    """A line of a derivation in which terms still carry deltas: each is added where its deltas say."""

    operand: str
    deltas: int

    def equation(self, network: Network, step: Step | None) -> Equation:
        lines = _derivation(network, _known(step), self.operand)[1]
        return next(e for e in lines if "D(" not in repr(e) and repr(e).count("delta(") == self.deltas)

    def section(self, network: Network, step: Step | None) -> str:
        return f"{Gradient(self.operand).section(network, step)}, within the derivation"


@dataclass(frozen=True)
class Slope:
    """The derivative of a layer of single elements: its gradient where a 1 arrives."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        return derive(_known(step).forward, ["x"], upstream=Num(1)).equation("x")

    def section(self, network: Network, step: Step | None) -> str:
        return Gradient("x").section(network, step)


@dataclass(frozen=True)
class Jacobian:
    """The derivative of one probability of softmax by one logit, where they are of one class or of two."""

    same: bool

    def equation(self, network: Network, step: Step | None) -> Equation:
        formula = Softmax().formula(((1, *network.output_shape),))
        of_one_image, _ = cases(jacobian(formula, "x", {"n": "r", "k": "i"}))
        same, other = cases(of_one_image)
        return same if self.same else other

    def section(self, network: Network, step: Step | None) -> str:
        return "backward pass, loss, softmax's two cases"


@dataclass(frozen=True)
class Flipped:
    """The network's convolution with its filters flipped: ``Conv2D(true_convolution=True)``."""

    filters: int
    kernel: int

    def equation(self, network: Network, step: Step | None) -> Equation:
        layer = Conv2D(self.filters, self.kernel, true_convolution=True)
        formula: Formula = layer.formula(((1, *network.input_shape),))
        return formula.defined[formula.output]

    def section(self, network: Network, step: Step | None) -> str:
        return "none: `Conv2D(true_convolution=True)` computes it"


@dataclass(frozen=True)
class Update:
    """One step of gradient descent."""

    def equation(self, network: Network, step: Step | None) -> Equation:
        formula = SGD().formula
        return formula.defined[formula.output]

    def section(self, network: Network, step: Step | None) -> str:
        return "update"
