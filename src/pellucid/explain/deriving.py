"""Derivations of a network's gradients, from the steps that the calculus records, each of them checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.engine.program import LOSS, TARGETS
from pellucid.errors import CheckFailed, FormulaError, unknown
from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.derivation import IMAGES, Derivation, DerivedGradient, DerivedStep, Passage, Section
from pellucid.explain.draws import draws, is_number, values_at
from pellucid.explain.evaluation import Evaluator
from pellucid.explain.meaning import listed, meaning, share
from pellucid.explain.proof import Proof, verified
from pellucid.explain.sections import correlation_sections, jacobian_sections, through_sections
from pellucid.explain.trial import Trial, places, scope_of, smaller
from pellucid.formula.derive import Gradient, derive, gradient_name
from pellucid.formula.expression import Equation, Num, Reduce, indices_of, walk
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.formula.specialise import specialise
from pellucid.network import INPUT, Network

__all__ = ["Proved", "Use", "derive_gradient", "derived", "proved", "trials", "uses_of"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Use:
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
    uses = list(uses_of(network, name))
    if not uses:
        raise FormulaError(
            f"{name} is the output, and the network has no loss whose gradient could be derived"
        )
    return Derivation(name, tuple(_passage(use, network, numbers=numbers) for use in uses))


def uses_of(network: Network, name: str) -> Iterator[Use]:
    """The layers (and loss) through which the loss depends on a value."""
    for node in network.nodes:
        operands = dict(zip(node.layer.operands, node.sources, strict=True))
        operands |= {o: parameter for o, (parameter, _) in node.parameters.items()}
        shapes = dict(zip(node.layer.operands, node.shapes, strict=True))
        for operand, value in operands.items():
            if value == name and operand in node.formula.operands:
                yield Use(node.name, operand, node.formula, shapes, operands, of_loss=False)
    if network.loss is not None and name == network.output:
        shape = (1, *network.output_shape)
        names = {"x": network.output, "y": TARGETS}
        yield Use(LOSS, "x", network.loss.formula(shape), {"x": shape, "y": shape}, names, of_loss=True)


@dataclass(frozen=True)
class Proved:
    """What has been verified at one trial."""

    gradients: tuple[DerivedGradient, ...]
    jacobians: tuple[Section, ...]
    readings: tuple[Section, ...]


def proved(use: Use, gradient: Gradient, trial: Trial) -> Proved:
    """Every step in general letters, verified at a trial.

    Raises:
        CheckFailed: a step changes the value.
    """
    gradients = tuple(
        DerivedGradient(name.removeprefix("d"), steps[0].before, verified(trial, steps))
        for name, steps in gradient.steps.items()
    )
    found = jacobian_sections(trial, use.operand)
    readings = [s for j, _ in found for s in through_sections(trial, use.operand, j, of_loss=use.of_loss)]
    evaluator, result = ComplexStep(trial.scope), gradient.equation(use.operand)
    readings += correlation_sections(gradient.forward, result, evaluator)
    return Proved(gradients, tuple(section for _, section in found), tuple(readings))


def _passage(use: Use, network: Network, *, numbers: bool) -> Passage:
    gradient = derived(use)
    trial = next(trials(use, network, seed=1), None)
    if trial is None:
        raise CheckFailed(
            f"no shapes and values were found at which the gradient by {use.operand} of {use.layer} is a "
            "number that can be checked"
        )
    found = proved(use, gradient, trial)
    put_in, more = _put_in(use, network, gradient) if numbers else ((), [])
    words = list(meaning(gradient, use.operand))
    words += [sentence for step in put_in[-1:] for sentence in share(step.equation.value)]
    return Passage(
        use.layer, gradient.forward, found.gradients, _names(use, gradient), put_in, tuple(words),
        found.jacobians, (*found.readings, *more),
    )  # fmt: skip


def _names(use: Use, gradient: Gradient) -> dict[str, str]:
    """What the letters stand for in the network."""
    output = gradient.forward.output
    names = {
        **use.places,
        output: use.layer,
        gradient_name(use.operand): f"the gradient by {use.places[use.operand]}",
    }
    return names if use.of_loss else {**names, gradient_name(output): f"the gradient by {use.layer}"}


def derived(use: Use) -> Gradient:
    """The gradient by the operand, with its steps."""
    return _derived(use.formula, use.operand, of_loss=use.of_loss)


@lru_cache(maxsize=256)
def _derived(formula: Formula, operand: str, *, of_loss: bool) -> Gradient:
    return derive(formula, (operand,), upstream=Num(1) if of_loss else None)


def _put_in(use: Use, network: Network, gradient: Gradient) -> tuple[tuple[DerivedStep, ...], list[Section]]:
    """The final formula in this network's numbers, for a batch of `IMAGES`, and what it is read as."""
    given = {operand: (IMAGES, *shape[1:]) for operand, shape in use.shapes.items()}
    ranges = solve(gradient.forward, given)
    both = solve_gradient(gradient.formula, ranges)
    steps = specialise(gradient.formula, both)[1][gradient_name(use.operand)]
    operands = _operands(gradient, use, network, ranges, seed=2)
    if operands is None:
        raise CheckFailed(
            f"no values were found at which the gradient by {use.operand} of {use.layer} is a number"
        )
    values = values_at(gradient, both, operands, seed=2)
    evaluator = Evaluator(scope_of(gradient, both, values))
    last = gradient.equation(use.operand)
    env = places(last.target, both)
    with np.errstate(all="ignore"):
        expected = np.asarray(evaluator.value(last.value, env).value)
    shown = Proof(evaluator, env, expected).steps(steps, gradient.forward)
    shown[:1] = [replace(step, reason=f"{_sizes(last, both)}: {step.reason}") for step in shown[:1]]
    found = shown[-1].equation if shown else last
    return tuple(shown), correlation_sections(gradient.forward, found, evaluator, both.shapes)


def _sizes(equation: Equation, ranges: Ranges) -> str:
    """Values of all sizes and constants in an equation."""
    symbols = {s for n in walk(equation.value) for i in indices_of(n) for s in i.symbols}
    bounds = [b for n in walk(equation.value) if isinstance(n, Reduce) for b in n.letters]
    symbols |= {s for b in bounds for s in b.size.symbols}
    letters = {b.letter for b in bounds} | set(target_letters(equation))
    known = sorted(s for s in symbols - letters if s in ranges.symbols)
    return "here " + listed(f"{s} = {ranges.symbols[s]}" for s in known) if known else "in numbers"


def trials(use: Use, network: Network, seed: int) -> Iterator[Trial]:
    """Random values of shapes that the layer takes, small ones first, at which its derivation is the same."""
    steps = str(derived(use).steps)
    inputs = [o for o in use.shapes if o != "y" or not use.of_loss]
    for shapes in smaller([use.shapes[o] for o in inputs]):
        given = dict(zip(inputs, shapes, strict=True))
        try:
            formula = _formula(use, network, shapes)
            small = _derived(formula, use.operand, of_loss=use.of_loss)
            if use.of_loss:
                given["y"] = shapes[0]
            ranges = solve(small.forward, given)
        except FormulaError:
            continue
        if str(small.steps) == steps:
            operands = _operands(small, use, network, ranges, seed)
            if operands is not None:
                yield Trial.of(small, operands, seed)


def _formula(use: Use, network: Network, shapes: tuple[Shape, ...]) -> Formula:
    if not use.of_loss:
        return network.by_name[use.layer].layer.formula(shapes)
    assert network.loss is not None
    return network.loss.formula(shapes[0])


def _operands(
    gradient: Gradient, use: Use, network: Network, ranges: Ranges, seed: int
) -> dict[str, Array] | None:
    """Random numbers at which all values are numbers too, if there are such.

    Targets of a loss over classes are rows of probabilities.
    """
    both = solve_gradient(gradient.formula, ranges)
    shapes = {operand: ranges.shapes[operand] for operand in gradient.forward.operands}
    for values in draws({o: random.normal(random.key(seed, o), shape) for o, shape in shapes.items()}):
        if use.of_loss and network.loss is not None and network.loss.classification:
            positive = np.abs(values["y"]) + 0.1
            values["y"] = positive / positive.sum(axis=1, keepdims=True)
        if is_number(values_at(gradient, both, values, seed)):
            return values
    return None
