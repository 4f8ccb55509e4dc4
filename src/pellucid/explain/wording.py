"""Why a step of a derivation holds, in words that name what it was applied to."""

from __future__ import annotations

from collections.abc import Iterator

from pellucid.formula.expression import (
    Call,
    Condition,
    Delta,
    Derivative,
    Divides,
    Equation,
    Expr,
    Node,
    Power,
    Read,
    Where,
    Within,
    conjuncts,
    reads,
    walk,
)
from pellucid.formula.formula import Formula
from pellucid.formula.rules import Step

__all__ = ["reason"]


def reason(step: Step, forward: Formula) -> str:
    """The rule's reason, with the expressions of this step."""
    before, after = step.before.value, step.after.value
    match step.rule.name:
        case "definition":
            used = [e for e in forward.equations if any(_is_of(d, e) for d in _derivatives(before))]
            return _with(step, "; ".join(map(str, used)))
        case "shift":
            shifts = ", ".join(e.name for e in forward.equations if e.shift)
            return f"{step.rule.reason} ({shifts} is a shift)"
        case "constant":
            return _with(step, _listed(f"{d.value!r} does not contain {d.element!r}" for d in _gone(step)))
        case "function":
            names = dict.fromkeys(d.value.function for d in _derivatives(before) if isinstance(d.value, Call))
            return _with(step, ", ".join(names))
        case "power":
            return _with(
                step, _listed(str(d.value) for d in _derivatives(before) if isinstance(d.value, Power))
            )
        case "sift":
            return _sifted(step, before, after)
        case "assumption":
            return "; ".join(str(a).removeprefix("assume ") for a in forward.assumptions) + ", as is assumed"
        case "recognise":
            known = {r.tensor for r in reads(after)} - {r.tensor for r in reads(before)}
            return _with(
                step, "; ".join(str(forward.defined[t]) for t in sorted(known & forward.defined.keys()))
            )
        case "substitute":
            gone = {r.tensor for r in reads(before)} - {r.tensor for r in reads(after)}
            return _with(step, ", ".join(sorted(gone)))
    return step.rule.reason


def _with(step: Step, what: str) -> str:
    return f"{step.rule.reason}: {what}" if what else step.rule.reason


def _sifted(step: Step, before: Expr, after: Expr) -> str:
    """Which deltas were used, and what they ask of the indices."""
    left = {n.key for n in walk(after) if isinstance(n, Delta)}
    used = {n.key: n for n in walk(before) if isinstance(n, Delta) and n.key not in left}
    fixed = _listed(f"{d.left} = {d.right}" for d in used.values())
    old = {c.key for c in _conditions(before)}
    asked = [c for c in _conditions(after) if c.key not in old and isinstance(c, Divides | Within)]
    needs = _listed(str(c) for c in {c.key: c for c in asked}.values())
    sentence = f"only terms with {fixed} are left" if fixed else step.rule.reason
    return f"{sentence}, which needs {needs}" if needs else sentence


def _conditions(node: Node) -> Iterator[Condition]:
    for where in walk(node):
        if isinstance(where, Where):
            yield from conjuncts(where.condition)


def _derivatives(node: Node) -> Iterator[Derivative]:
    return (n for n in walk(node) if isinstance(n, Derivative))


def _gone(step: Step) -> list[Derivative]:
    left = {d.key for d in _derivatives(step.after.value)}
    return [*{d.key: d for d in _derivatives(step.before.value) if d.key not in left}.values()]


def _is_of(derivative: Derivative, equation: Equation) -> bool:
    return isinstance(derivative.value, Read) and derivative.value.tensor == equation.name


def _listed(parts: Iterator[str]) -> str:
    found = list(dict.fromkeys(parts))
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + f" and {found[-1]}" if found else ""
