"""Steps compared with the value that all of their sides must have, at chosen places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import CheckFailed
from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.derivation import DerivedStep
from pellucid.explain.evaluation import Env, Evaluator
from pellucid.explain.trial import Trial, places
from pellucid.explain.wording import reason
from pellucid.formula.expression import Derivative, Expr, Node, Read, as_expr, free_letters, transform
from pellucid.formula.formula import Formula
from pellucid.formula.renaming import definition
from pellucid.formula.rules import Step

__all__ = ["Proof", "verified"]

Array = NDArray[Any]
# Of a step's value, relative to the largest of its points.
TOLERANCE = 1e-9
# Rules before which (and after which) the derivative of a result is that of its own equation.
UNOPENED_BEFORE, UNOPENED_AFTER = ("shift", "definition"), ("shift",)


@dataclass(frozen=True)
class Proof:
    """What the sides of steps must come to.

    Attributes:
        evaluator: of expressions.
        places: values of their free letters.
        expected: the values there, found in another way.
    """

    evaluator: Evaluator
    places: Env
    expected: Array

    def value(self, value: Expr) -> Array:
        """At the places, in the shape of the expected values."""
        with np.errstate(all="ignore"):
            found = self.evaluator.value(value, self.places).value
        return np.array(np.broadcast_to(found, self.expected.shape))

    def checked(self, rule: str, *sides: Expr) -> float:
        """The largest error of the sides, relative to the largest expected value.

        Raises:
            CheckFailed: a side has another value.
        """
        size = max(1.0, float(np.max(np.abs(self.expected), initial=0.0)))
        errors = [np.max(np.abs(self.value(s) - self.expected), initial=0.0) / size for s in sides]
        error = float(np.max(errors))
        if not error <= TOLERANCE:
            raise CheckFailed(
                f"the step {rule!r} to {sides[-1]!r} changes the value by {error:.2g} of its size"
            )
        return error

    def steps(self, steps: Sequence[Step], forward: Formula, *, opening: bool = False) -> list[DerivedStep]:
        """The steps with their reasons, if all their sides are right.

        Args:
            steps: each begins where the one before it ends.
            forward: the equations that the reasons refer to.
            opening: whether the first step puts in what a name stands for, so that only its right side can be
                evaluated.
        """
        found: list[DerivedStep] = []
        for place, step in enumerate(steps):
            sides = (step.after.value,) if opening and not place else (step.before.value, step.after.value)
            error = self.checked(step.rule.name, *sides)
            found.append(DerivedStep(step.rule.name, reason(step, forward), step.after, error))
        return found


def verified(trial: Trial, steps: Sequence[Step]) -> tuple[DerivedStep, ...]:
    """The steps of one gradient with their reasons, compared with the gradient by the complex step.

    Raises:
        CheckFailed: a side has another value than the gradient.
    """
    target, forward = steps[0].before.target, trial.gradient.forward
    env = places(target, trial.scope.ranges)
    expected = trial.at_points(trial.reference(Read(target.tensor[1:], target.indices)), env)
    proof = Proof(ComplexStep(trial.scope), env, expected)
    found: list[DerivedStep] = []
    for step in steps:
        before, after = step.before.value, step.after.value
        name = step.rule.name
        before = _opened(before, forward) if name in UNOPENED_BEFORE else before
        error = proof.checked(name, before, _opened(after, forward) if name in UNOPENED_AFTER else after)
        found.append(DerivedStep(name, reason(step, forward), step.after, error))
    return tuple(found)


def _opened(value: Expr, forward: Formula) -> Expr:
    """With derivatives of results taken of what defines these."""

    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Derivative) or not isinstance(node.value, Read):
            return None
        defined = forward.defined.get(node.value.tensor)
        if defined is None or node.value.tensor == node.element.tensor:
            return None
        return Derivative(definition(defined, node.value, free_letters(node)), node.element)

    return as_expr(transform(value, visit))
