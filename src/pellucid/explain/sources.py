"""Where each number of a run comes from: the equation that defines it, and the arrays that this reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.program import LOSS, Program, Step
from pellucid.engine.run import Run
from pellucid.errors import UsageError, unknown
from pellucid.explain.reference import Place
from pellucid.formula.derive import gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.expression import Equation
from pellucid.formula.formula import CONSTANTS, Formula
from pellucid.formula.normal import is_position, normal_form
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.network import INPUT

__all__ = ["Scope", "Sources"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Scope:
    """The formula in which an equation stands, and what its tensors are called in the run.

    Attributes:
        formula: the equations.
        ranges: their extents and shapes.
        places: the run's array behind each tensor.
        arrays: those of them that the run has kept; the others are computed from their equations.
        scalars: values of constants, as the engine rounds them.
        positions: tensors that hold positions of maxima and minima.
        step: name of the step to which it belongs.
    """

    formula: Formula
    ranges: Ranges
    places: Mapping[str, Place]
    arrays: Mapping[str, Array]
    scalars: Mapping[str, float]
    positions: frozenset[str]
    step: str


@dataclass(frozen=True)
class Use:
    """One of the equations whose sum a number is: for a gradient, there is one for each use of the value.

    Attributes:
        scope: where the equation stands.
        equation: which it is.
        operand: through which the value is used; empty if it is no gradient.
    """

    scope: Scope
    equation: Equation
    operand: str = ""


class Sources:
    """The equations and arrays behind every number of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.dtype = run.dtype
        self._kept: dict[int, Mapping[str, Array]] = {}

    @cached_property
    def _values(self) -> frozenset[str]:
        return frozenset(self.run)

    @cached_property
    def _gradients(self) -> frozenset[str]:
        return frozenset(self.run.grad)  # asking whether one is there would compute it

    @cached_property
    def steps(self) -> dict[str, Step]:
        return {step.name: _normal(step) for step in self.run.program.steps}

    @cached_property
    def forward_scopes(self) -> dict[str, Scope]:
        return {name: self._scope(step, step.forward, step.ranges) for name, step in self.steps.items()}

    @cached_property
    def backward_scopes(self) -> dict[str, Scope]:
        return self._backward_scopes(self.steps)

    @cached_property
    def _steps_to_input(self) -> dict[str, Step]:
        """The steps with the gradient of the input among theirs, which few ask for."""
        old = self.run.program
        wider = Program.build(
            old.network, old.batch, wanted=old.wanted | {INPUT},
            training=old.training, loss=old.loss, weighted=old.weighted,
        )  # fmt: skip
        return {step.name: step for step in wider.steps if INPUT in step.gradients.values()}

    @cached_property
    def _scopes_to_input(self) -> dict[str, Scope]:
        return self._backward_scopes(self._steps_to_input)

    def scopes(self, *, gradients: bool) -> Iterable[Scope]:
        """All formulas of the forward pass, or of the backward pass."""
        if not gradients:
            return self.forward_scopes.values()
        known = self._scopes_to_input if self.has(Place(INPUT, gradient=True)) else {}
        return {**self.backward_scopes, **known}.values()

    def _backward_scopes(self, steps: Mapping[str, Step]) -> dict[str, Scope]:
        return {
            name: self._scope(step, step.backward, step.backward_ranges)
            for name, step in steps.items()
            if step.backward is not None and step.backward_ranges is not None
        }

    def uses(self, place: Place) -> list[Use]:
        """The equations whose sum the array is; none, if it was given."""
        if place.gradient:
            return list(self._gradient_uses(place.name))
        step, _, tensor = place.name.partition(":")
        if step not in self.steps:
            return []
        scope = self.forward_scopes[step]
        defined = scope.formula.defined.get(tensor or scope.formula.output)
        return [] if defined is None else [Use(scope, defined)]

    def _gradient_uses(self, name: str) -> Iterator[Use]:
        steps = self.steps
        scopes = self.backward_scopes
        if name == INPUT and self.has(Place(INPUT, gradient=True)):
            steps, scopes = self._steps_to_input, self._scopes_to_input
        for step, scope in scopes.items():
            if step != LOSS and not self.has(Place(step, gradient=True)):
                continue  # no gradient arrives here
            for operand, value in steps[step].gradients.items():
                if value == name:
                    yield Use(scope, scope.formula.defined[gradient_name(operand)], operand)
        step, _, tensor = name.partition(":")
        inner = self._inner(step, gradient_name(tensor)) if tensor else None
        if inner is not None:
            yield Use(inner, inner.formula.defined[gradient_name(tensor)])

    def _inner(self, step: str, gradient: str) -> Scope | None:
        """The backward equations of a step that define the gradient of a result inside it."""
        for scope in self.scopes(gradients=True):
            if scope.step == step and gradient in scope.formula.defined:
                return scope
        return None

    def upstream(self, place: Place) -> Array | None:
        """The gradient that arrives at a layer from outside."""
        return self.run.upstream.get(place.name) if place.gradient else None

    def has(self, place: Place) -> bool:
        """Whether the run has kept the array."""
        return place.name in (self._gradients if place.gradient else self._values)

    def array(self, place: Place) -> Array:
        """All of an array; gradients that no run keeps are computed from their equations.

        Raises:
            UsageError: there is none of this name.
        """
        if self.has(place):
            return np.asarray(self.run.grad[place.name] if place.gradient else self.run[place.name])
        step, _, tensor = place.name.partition(":")
        wanted = gradient_name(tensor) if place.gradient else tensor
        scope = self._inner(step, wanted) if place.gradient else self.forward_scopes.get(step)
        if scope is None or wanted not in scope.formula.defined or scope.places[wanted] != place:
            raise self._unknown(place)
        return self._computed(scope, wanted)

    def shape(self, place: Place) -> Shape:
        return self.array(place).shape

    def _computed(self, scope: Scope, tensor: str) -> Array:
        """An array that the run has not kept, evaluated with NumPy as the engine would have it."""
        if id(scope) not in self._kept:
            given = {o: scope.arrays[o] for o in scope.formula.operands if o in scope.arrays}
            self._kept[id(scope)] = planned(scope.formula, scope.ranges, self.dtype)(given)
        return self._kept[id(scope)][tensor]

    def _unknown(self, place: Place) -> UsageError:
        if place.name.partition(":")[0] == LOSS and LOSS not in self.run:
            return UsageError("the run has no loss: the network has none, or no targets (--label) were given")
        if place.gradient and not len(self.run.grad):
            why = "the run has no gradients, as it had neither targets (--label) nor upstream gradients"
            return UsageError(f"there is no {place}: {why}")
        if place.gradient:
            return unknown("gradient", str(place), [f"{name}.grad" for name in self.run.grad])
        return unknown("value", place.name, list(self.run))

    def _scope(self, step: Step, formula: Formula | None, ranges: Ranges | None) -> Scope:
        assert formula is not None
        assert ranges is not None
        places = self._places(step)
        forward = step.forward.defined
        arrays = _Arrays(self, {t: p for t, p in places.items() if t in forward or self.has(p)})
        scalars = {**CONSTANTS, **formula.constants}
        rounded = {name: float(self.dtype.type(value)) for name, value in scalars.items()}
        positions = frozenset(e.name for e in step.forward.equations if is_position(e))
        return Scope(formula, ranges, places, arrays, rounded, positions, step.name)

    def _places(self, step: Step) -> dict[str, Place]:
        """What each tensor of a step, and its gradient, is called in the run."""
        places = {t: Place(f"{step.name}:{t}") for t in step.forward.defined}
        places |= {operand: Place(name) for operand, name in step.operands.items()}
        places[step.forward.output] = Place(step.name)
        # a tensor of the formula may have the name that the gradient of a mask or target would have
        return {gradient_name(t): replace(p, gradient=True) for t, p in places.items()} | places


class _Arrays(Mapping[str, Array]):
    """Arrays of a run under a formula's names; a gradient is computed when it is asked for."""

    def __init__(self, sources: Sources, places: Mapping[str, Place]) -> None:
        self.sources, self.places = sources, places

    def __getitem__(self, tensor: str) -> Array:
        return self.sources.array(self.places[tensor])

    def __contains__(self, tensor: object) -> bool:
        return tensor in self.places

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def _normal(step: Step) -> Step:
    """The step with nested reductions named, as a step with a backward pass has them already."""
    if step.backward is not None:
        return step
    forward = normal_form(step.forward)
    given = {o: step.ranges.shapes[o] for o in forward.operands if o in step.ranges.shapes}
    return replace(step, forward=forward, ranges=solve(forward, given))
