"""Gradients through a Jacobian: ``dx[k] = sum[i] dp[i] * D(p[i], x[k])``, as softmax meets cross-entropy."""

from __future__ import annotations

from dataclasses import replace

from pellucid.explain.jacobians import Jacobian, simplify
from pellucid.formula.algebra import assumed
from pellucid.formula.derive import gradient_name
from pellucid.formula.expression import (
    Add,
    Bound,
    Call,
    Derivative,
    Equation,
    Expr,
    Mul,
    Node,
    Num,
    Read,
    Reduce,
    add,
    as_expr,
    mul,
    transform,
    whole_power,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.fresh import FreshLetters
from pellucid.formula.parse import Assumption
from pellucid.formula.renaming import definition
from pellucid.formula.rules import Recorder, Step
from pellucid.formula.sift import sift_deltas
from pellucid.formula.terms import expand, terms_to_value

__all__ = ["expressed", "through"]


def expressed(forward: Formula, jacobian: Jacobian, operand: str) -> tuple[Formula, tuple[Step, ...]] | None:
    """A loss in terms of what is normalised, which takes the place of an operand; None if it cannot be.

    The logarithm of ``exp(a)/t`` is ``a - log(t)``; where a loss holds that, it holds the result's logarithm.

    Args:
        forward: a loss in normal form that computes the result, whether it uses it or not.
        jacobian: of the result.
        operand: that no longer stands in the new formula.

    Returns:
        The new formula, and the step for each equation that was rewritten.
    """
    (defined,) = (e for e in forward.equations if e.name == jacobian.of.name)
    logarithm = _logarithm(defined.value, forward)
    if logarithm is None:
        return None
    short = Call("log", (defined.target,))
    known = [Assumption(add(*logarithm), short), Assumption(add(*(-part for part in logarithm)), -short)]
    equations: list[Equation] = []
    steps: list[Step] = []
    for equation in forward.equations:
        recorder = Recorder(equation.target, equation.value)
        if equation is not defined:
            recorder.apply("recognise", lambda v: assumed(v, known))
        equations.append(replace(equation, value=recorder.value))
        steps += recorder.steps
    others = tuple(e for e in equations if e.name != defined.name)
    formula = replace(forward, equations=others, padding={}, axes={}).upto(frozenset({forward.output}))
    return (formula, tuple(steps)) if steps and operand not in formula.operands else None


def _logarithm(value: Expr, forward: Formula) -> list[Expr] | None:
    """The terms of the logarithm of a product of exponentials and powers."""
    parts: list[Expr] = []
    for factor in value.factors if isinstance(value, Mul) else (value,):
        base, exponent = whole_power(factor)
        if isinstance(base, Read) and base.tensor in forward.defined:
            inner = forward.defined[base.tensor]
            if inner.target == base and isinstance(inner.value, Call):
                base = inner.value
        exponential = isinstance(base, Call) and base.function == "exp"
        if exponential and isinstance(base, Call):
            inside = base.arguments[0]
            terms = inside.terms if isinstance(inside, Add) else (inside,)
            parts += [mul(Num(exponent), term) for term in terms]
        elif isinstance(base, Read):
            parts.append(mul(Num(exponent), Call("log", (base,))))
        else:
            return None
    return parts


def through(forward: Formula, jacobian: Jacobian, above: Equation | None) -> tuple[Step, ...]:
    """The gradient by the element of a Jacobian, from the gradient by what it is the Jacobian of.

    Args:
        forward: the formula in normal form.
        jacobian: of one of its results.
        above: the gradient by this result, if it is known as an expression.
    """
    own, element = jacobian.of, jacobian.element
    upstream = Read(gradient_name(own.name), own.target.indices)
    bounds = tuple(Bound(s) for s in target_letters(own) if s not in _letters(element))
    derivative = Derivative(own.target, element)
    target = Read(gradient_name(element.tensor), element.indices)
    recorder = Recorder(target, Reduce("sum", bounds, mul(upstream, derivative)))
    known = {derivative.key: jacobian.result.value}
    if above is not None:
        taken = frozenset(s for i in (*own.target.indices, *element.indices) for s in i.symbols)
        known[upstream.key] = definition(above, upstream, taken)
    recorder.apply("substitute", lambda v: _put(v, known))
    terms = expand(recorder.value)
    recorder.rewrite("expand", terms_to_value(terms))
    letters = frozenset(b.letter for b in bounds)
    solved = sift_deltas(recorder, terms, letters, FreshLetters(forward))
    recorder.rewrite("sift", terms_to_value(solved))
    simplify(recorder, forward)
    return tuple(recorder.steps)


def _letters(read: Read) -> tuple[str, ...]:
    return target_letters(Equation(read, Num(0)))


def _put(value: Expr, known: dict[str, Expr]) -> Expr:
    def visit(node: Node) -> Expr | None:
        return known.get(node.key)

    return as_expr(transform(value, visit))
