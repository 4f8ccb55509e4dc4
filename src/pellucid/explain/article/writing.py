"""What all parts of an article share while it is written: the run, the numbers of equations, and progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from pellucid.engine.program import LOSS, TARGETS
from pellucid.engine.run import Run
from pellucid.explain.article.content import Display, Link
from pellucid.explain.article.subject import Subject
from pellucid.explain.sources import Sources
from pellucid.formula.expression import Equation
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Ranges, solve
from pellucid.network import Network

__all__ = ["Part", "Progress", "Writing", "parts"]

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Part:
    """A layer, or the loss.

    Attributes:
        name: of its output.
        kind: its class.
        formula: its equations.
        ranges: their extents and shapes for one image.
        values: the network's value behind each input of the formula.
        parameters: the full name behind each parameter of the formula.
    """

    name: str
    kind: str
    formula: Formula
    ranges: Ranges
    values: Mapping[str, str]
    parameters: Mapping[str, str]

    def place(self, tensor: str) -> str:
        """What a tensor of the formula is called in the run."""
        if tensor == self.formula.output:
            return self.name
        known = {**self.values, **self.parameters}
        return known.get(tensor, f"{self.name}:{tensor}")


def parts(network: Network) -> list[Part]:
    """All layers in order, then the loss if there is one."""
    found = [
        Part(
            n.name, type(n.layer).__name__, n.formula, n.ranges,
            dict(zip(n.layer.operands, n.sources, strict=True)),
            {o: name for o, (name, _) in n.parameters.items()},
        )
        for n in network.nodes
    ]  # fmt: skip
    if network.loss is not None:
        shape = (1, *network.output_shape)
        formula = network.loss.formula(shape)
        ranges = solve(formula, {"x": shape, "y": shape})
        values = {"x": network.output, "y": TARGETS}
        found.append(Part(LOSS, type(network.loss).__name__, formula, ranges, values, {}))
    return found


@dataclass
class Writing:
    """The article so far.

    Attributes:
        subject: what it is about.
        run: the one image's.
        sources: the equations and arrays behind the run's numbers.
        tell: of the progress.
        numbers: of equations by what they define: ``(part, tensor)``, or for gradients ``(name, use)``.
        errors: of all derivations' steps, relative.
    """

    subject: Subject
    run: Run
    sources: Sources
    tell: Progress
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    _count: count[int] = field(default_factory=lambda: count(1))

    @property
    def network(self) -> Network:
        return self.subject.network

    def numbered(
        self, equation: Equation, of: tuple[str, str], gradients: Mapping[str, str] | None = None
    ) -> Display:
        """The equation with the next number, under which `of` is found from now on."""
        self.numbers[of] = next(self._count)
        return Display(equation, gradients or {}, self.numbers[of])

    def link(self, of: tuple[str, str]) -> Link:
        """A link to an equation that has a number."""
        return Link(f"({self.numbers[of]})", f"equation-{self.numbers[of]}")
