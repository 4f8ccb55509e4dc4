"""What a derivation shows besides the chain rule's way: Jacobians with their cases, and readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.derivation import CHAIN, DerivedStep, Section
from pellucid.explain.evaluation import Env, Evaluator
from pellucid.explain.jacobians import Case, Jacobian, jacobians
from pellucid.explain.proof import Array, Proof, verified
from pellucid.explain.readings import correlation
from pellucid.explain.through import expressed, through
from pellucid.explain.trial import Trial, places
from pellucid.formula.derive import derive
from pellucid.formula.expression import Delta, Derivative, Equation, Expr, Num, Read
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index
from pellucid.formula.ranges import Shape

__all__ = ["correlation_sections", "jacobian_sections", "through_sections"]


def jacobian_sections(trial: Trial, operand: str) -> list[tuple[Jacobian, Section]]:
    """The Jacobian of each result that is normalised over an index of the operand."""
    found = jacobians(trial.gradient.forward, operand)
    return [(each, _jacobian(trial, each)) for each in found]


def _jacobian(trial: Trial, jacobian: Jacobian) -> Section:
    forward = trial.gradient.forward
    slope = Derivative(jacobian.whole, jacobian.element)
    target = jacobian.result.target
    env = places(target, trial.scope.ranges)
    steps = _proof(trial, env, trial.at_points(slope, env)).steps(jacobian.steps, forward, opening=True)
    cases = tuple(c for case in jacobian.cases for c in _case(trial, target, case, slope))
    name, tensor = jacobian.of.name, jacobian.element.tensor
    why = f"each element of {name} may depend on each element of {tensor} beside which it stands"
    title = f"the Jacobian: how each element of {name} depends on each element of {tensor}"
    return Section(title, jacobian.steps[0].before, why, tuple(steps), cases)


def _proof(trial: Trial, env: Env, expected: Array) -> Proof:
    return Proof(ComplexStep(trial.scope), env, expected)


def _case(trial: Trial, target: Read, case: Case, slope: Expr) -> Iterator[DerivedStep]:
    """The formula where some letters are equal and others are not, compared with the slope just there.

    Letters that have a single value never differ: such a case cannot be checked, and is not shown.
    """
    env = places(case.equation.target, trial.scope.ranges)
    own = zip(target.indices, case.equation.target.indices, strict=True)
    there = {mine.letter or "": env[theirs.letter or ""] for mine, theirs in own}
    keep = _differ(case.different, there)
    if not keep.any():
        return
    env, there = ({s: np.asarray(a)[keep] for s, a in e.items()} for e in (env, there))
    proof = _proof(trial, env, trial.at_points(slope, there))
    error = proof.checked("cases", case.equation.value)
    yield DerivedStep("cases", str(case), case.equation, error)


def _differ(different: Delta | None, env: Env) -> Array:
    (first, *_) = env.values()
    if different is None:
        return np.ones(np.shape(first), bool)
    left, right = (_value(i, env) for i in (different.left, different.right))
    return np.asarray(left != right)


def _value(index: Index, env: Env) -> Array:
    return np.asarray(env[index.letter or ""])


def through_sections(trial: Trial, operand: str, jacobian: Jacobian, *, of_loss: bool) -> Iterator[Section]:
    """The gradient once more, through a Jacobian."""
    forward = trial.gradient.forward
    above: Equation | None = None
    if of_loss:
        rewritten = expressed(forward, jacobian, operand)
        if rewritten is None:
            return
        formula, steps = rewritten
        for step in steps:
            env = places(step.before.target, trial.scope.ranges)
            expected = trial.at_points(step.before.value, env)
            shown = _proof(trial, env, expected).steps([step], forward)
            title = f"{step.before.name} in terms of {jacobian.of.name}"
            yield Section(title, step.before, "as it is computed", tuple(shown))
        sections, above = _above(trial, formula, jacobian.of.name)
        yield from sections
    elif jacobian.of.name != forward.output:
        return
    steps = through(forward, jacobian, above)
    target = steps[0].before.target
    env = places(target, trial.scope.ranges)
    expected = trial.at_points(trial.reference(Read(operand, target.indices)), env)
    shown = _proof(trial, env, expected).steps(steps, forward, opening=True)
    why = f"chain rule, through each element of {jacobian.of.name}"
    yield Section("the same through the Jacobian", steps[0].before, why, tuple(shown))


def _above(trial: Trial, formula: Formula, name: str) -> tuple[list[Section], Equation]:
    """The gradient of a loss by a tensor of which it is a formula: what is not shown yet, and the result."""
    gradient = derive(formula, [name], upstream=Num(1))
    operands = {o: np.asarray(trial.scope.arrays[o]) for o in gradient.forward.operands}
    inner = Trial.of(gradient, operands, seed=1)
    new = {t: s for t, s in gradient.steps.items() if s != trial.gradient.steps.get(t)}
    sections = [
        Section(f"the gradient by {t.removeprefix('d')}", steps[0].before, CHAIN, verified(inner, steps))
        for t, steps in new.items()
    ]
    return sections, gradient.equation(name)


def correlation_sections(
    forward: Formula,
    equation: Equation,
    evaluator: Evaluator,
    shapes: Mapping[str, Shape] | None = None,
) -> list[Section]:
    """The gradient read as a correlation with a turned kernel, if it is one.

    Args:
        forward: the formula in normal form.
        equation: of the gradient.
        evaluator: of expressions in the forward formula's tensors and their gradients.
        shapes: of all tensors, if the equation holds numbers in place of sizes.
    """
    steps = correlation(equation, forward, shapes)
    if not steps:
        return []
    env = places(equation.target, evaluator.scope.ranges)
    with np.errstate(all="ignore"):
        expected = np.asarray(evaluator.value(equation.value, env).value)
    shown = Proof(evaluator, env, expected).steps(steps, forward)
    title = "read as a correlation" if shapes is None else "read as a correlation, in this network's numbers"
    return [Section(title, equation, "the final formula", tuple(shown))]
