"""Derivations of a network's gradients, from the steps that the calculus records, each of them checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.engine.program import LOSS, TARGETS
from pellucid.errors import CheckFailed, FormulaError, unknown
from pellucid.explain.derivation import IMAGES, Derivation, DerivedGradient, DerivedStep, Passage
from pellucid.explain.evaluation import Evaluator
from pellucid.explain.trial import Trial, drawn, scope_of, smaller
from pellucid.explain.wording import reason
from pellucid.formula.derive import Gradient, derive, gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.expression import (
    Derivative,
    Equation,
    Expr,
    Node,
    Num,
    Read,
    as_expr,
    free_letters,
    substitute,
    transform,
)
from pellucid.formula.formula import Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.index import Index, flat_parts
from pellucid.formula.ranges import Shape, solve
from pellucid.formula.renaming import renamed_apart
from pellucid.formula.rules import Step
from pellucid.formula.specialise import specialise
from pellucid.network import INPUT, Network

__all__ = ["derive_gradient", "verified"]

Array = NDArray[Any]
# Of a step's value, relative to the largest of its points.
TOLERANCE = 1e-9
# Rules before which (and after which) the derivative of a result is that of its own equation.
UNOPENED_BEFORE, UNOPENED_AFTER = ("shift", "definition"), ("shift",)


@dataclass(frozen=True)
class _Use:
    """A formula that reads the value, and through which operand."""

    layer: str
    operand: str
    formula: Formula
    shapes: Mapping[str, Shape]
    places: Mapping[str, str]
    of_loss: bool


def derive_gradient(network: Network, name: str, *, numbers: bool = False) -> Derivation:
    """See `pellucid.network.Network.derive`."""
    known = [INPUT, *network.by_name, *network.parameter_shapes]
    if name not in known:
        raise unknown("layer or parameter", name, known)
    uses = list(_uses(network, name))
    if not uses:
        raise FormulaError(
            f"{name} is the output, and the network has no loss whose gradient could be derived"
        )
    return Derivation(name, tuple(_passage(use, network, numbers=numbers) for use in uses))


def _uses(network: Network, name: str) -> Iterator[_Use]:
    for node in network.nodes:
        operands = dict(zip(node.layer.operands, node.sources, strict=True))
        operands |= {o: parameter for o, (parameter, _) in node.parameters.items()}
        shapes = dict(zip(node.layer.operands, node.shapes, strict=True))
        for operand, value in operands.items():
            if value == name and operand in node.formula.operands:
                yield _Use(node.name, operand, node.formula, shapes, operands, of_loss=False)
    if network.loss is not None and name == network.output:
        shape = (1, *network.output_shape)
        names = {"x": network.output, "y": TARGETS}
        yield _Use(LOSS, "x", network.loss.formula(shape), {"x": shape, "y": shape}, names, of_loss=True)


def _passage(use: _Use, network: Network, *, numbers: bool) -> Passage:
    gradient = _derived(use.formula, use.operand, of_loss=use.of_loss)
    trial = _trial(use, network, gradient)
    gradients = tuple(_gradient(trial, name, steps) for name, steps in gradient.steps.items())
    output = gradient.forward.output
    places = {
        **use.places,
        output: use.layer,
        gradient_name(use.operand): f"the gradient by {use.places[use.operand]}",
    }
    if not use.of_loss:
        places[gradient_name(output)] = f"the gradient by {use.layer}"
    put_in = _put_in(use, network, gradient) if numbers else ()
    return Passage(use.layer, gradient.forward, gradients, places, put_in)


@lru_cache(maxsize=256)
def _derived(formula: Formula, operand: str, *, of_loss: bool) -> Gradient:
    return derive(formula, (operand,), upstream=Num(1) if of_loss else None)


def verified(trial: Trial, step: Step) -> float:
    """The larger error of a step's two sides, against the gradient by the complex step.

    Raises:
        CheckFailed: a side has another value than the gradient.
    """
    target = step.before.target
    points = trial.points(target)
    expected = trial.at_points(trial.reference(Read(target.tensor[1:], target.indices)), points)
    forward = trial.gradient.forward
    before = _opened(step.before, forward) if step.rule.name in UNOPENED_BEFORE else step.before
    after = _opened(step.after, forward) if step.rule.name in UNOPENED_AFTER else step.after
    size = max(1.0, float(np.max(np.abs(expected))))
    errors = [np.max(np.abs(trial.at_points(e.value, points) - expected)) / size for e in (before, after)]
    error = float(np.max(errors))
    _check(step, error)
    return error


def _check(step: Step, error: float) -> None:
    if not error <= TOLERANCE:
        raise CheckFailed(
            f"the step {step.rule.name!r} to {step.after!r} changes the value by {error:.2g} of its size"
        )


def _gradient(trial: Trial, name: str, steps: tuple[Step, ...]) -> DerivedGradient:
    forward = trial.gradient.forward
    derived = tuple(DerivedStep(s.rule.name, reason(s, forward), s.after, verified(trial, s)) for s in steps)
    return DerivedGradient(name.removeprefix("d"), steps[0].before, derived)


def _opened(equation: Equation, forward: Formula) -> Equation:
    """The equation with derivatives of results taken of what defines these."""

    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Derivative) or not isinstance(node.value, Read):
            return None
        defined = forward.defined.get(node.value.tensor)
        if defined is None or node.value.tensor == node.element.tensor:
            return None
        own = renamed_apart(defined, frozenset(free_letters(node)), {})
        mapping: dict[str, Index] = {}
        for mine, theirs in zip(own.target.indices, node.value.indices, strict=True):
            pairs = zip(_letters(mine), _letters(theirs), strict=True)
            mapping |= {a: Index.of(b) for a, b in pairs}
        return Derivative(as_expr(substitute(own.value, mapping)), node.element)

    return Equation(equation.target, as_expr(transform(equation.value, visit)))


def _letters(index: Index) -> tuple[str, ...]:
    return flat_parts(index) or (index.letter or "",)


def _put_in(use: _Use, network: Network, gradient: Gradient) -> tuple[DerivedStep, ...]:
    """The final formula in this network's numbers, for a batch of `IMAGES`."""
    given = {operand: (IMAGES, *shape[1:]) for operand, shape in use.shapes.items()}
    both = solve_gradient(gradient.formula, solve(gradient.forward, given))
    steps = specialise(gradient.formula, both)[1][gradient_name(use.operand)]
    values = planned(gradient.forward, both)(_operands(gradient, use, network, given, seed=2))
    output = gradient.forward.output
    values[gradient_name(output)] = random.normal(random.key(2, "upstream"), both.shapes[output])
    values = planned(gradient.formula, both)(values)
    evaluator = Evaluator(scope_of(gradient, both, values))
    found: list[DerivedStep] = []
    for step in steps:
        points = drawn(step.after.target, both, seed=1)
        with np.errstate(all="ignore"):
            sides = [np.asarray(evaluator.value(e.value, points).value) for e in (step.before, step.after)]
        size = max(1.0, float(np.max(np.abs(sides[0]))))
        error = float(np.max(np.abs(sides[1] - sides[0]))) / size
        _check(step, error)
        found.append(DerivedStep(step.rule.name, reason(step, gradient.forward), step.after, error))
    return tuple(found)


def _trial(use: _Use, network: Network, gradient: Gradient) -> Trial:
    """Random values of small shapes that the layer takes, at which its derivation is the same."""
    inputs = [o for o in use.shapes if o != "y" or not use.of_loss]
    for shapes in smaller([use.shapes[o] for o in inputs]):
        given = dict(zip(inputs, shapes, strict=True))
        try:
            formula = _formula(use, network, shapes)
            small = _derived(formula, use.operand, of_loss=use.of_loss)
            if use.of_loss:
                given["y"] = shapes[0]
            operands = _operands(small, use, network, given, seed=1)
        except FormulaError:
            continue
        if str(small.steps) == str(gradient.steps):
            return Trial.of(small, operands, seed=1)
    raise CheckFailed(
        f"no shapes were found at which the gradient by {use.operand} of {use.layer} can be checked"
    )


def _formula(use: _Use, network: Network, shapes: tuple[Shape, ...]) -> Formula:
    if not use.of_loss:
        return network.by_name[use.layer].layer.formula(shapes)
    assert network.loss is not None
    return network.loss.formula(shapes[0])


def _operands(
    gradient: Gradient, use: _Use, network: Network, given: Mapping[str, Shape], seed: int
) -> dict[str, Array]:
    """Random numbers; targets of a loss over classes are rows of probabilities."""
    ranges = solve(gradient.forward, given)
    values: dict[str, Array] = {}
    for operand in gradient.forward.operands:
        values[operand] = random.normal(random.key(seed, operand), ranges.shapes[operand])
    if use.of_loss and network.loss is not None and network.loss.classification:
        positive = np.abs(values["y"]) + 0.1
        values["y"] = positive / positive.sum(axis=1, keepdims=True)
    return values
