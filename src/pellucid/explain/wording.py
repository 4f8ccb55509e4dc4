"""Why a step of a derivation holds, in words that name what it was applied to."""

from __future__ import annotations

from collections.abc import Iterator

from pellucid.explain.meaning import listed
from pellucid.explain.readings import turned
from pellucid.formula.derive import gradient_name
from pellucid.formula.differentiate import DERIVATIVES
from pellucid.formula.expression import (
    Call,
    Condition,
    Delta,
    Derivative,
    Divides,
    Equation,
    Expr,
    Mul,
    Node,
    Num,
    Power,
    Read,
    Reduce,
    Where,
    Within,
    bound_letters,
    conjuncts,
    indices_of,
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
            return _with(step, "; ".join(map(str, _put_in(before, after, forward))))
        case "shift":
            shifts = ", ".join(e.name for e in forward.equations if e.shift)
            return f"{step.rule.reason} ({shifts} is a shift)"
        case "constant":
            return _with(step, listed(f"{d.value!r} does not contain {d.element!r}" for d in _gone(step)))
        case "function":
            names = dict.fromkeys(d.value.function for d in _derivatives(before) if isinstance(d.value, Call))
            return _with(step, listed(map(_slope, names)))
        case "outside":
            return _with(step, listed(_taken_out(before, after)))
        case "power":
            return _with(
                step, listed(str(d.value) for d in _derivatives(before) if isinstance(d.value, Power))
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
            return _substituted(before, after)
        case "unit":
            ones = sorted(s for s, value in forward.constants.items() if value == 1)
            gone = [s for s in ones if s in _symbols(before) and s not in _symbols(after)]
            return f"here {listed(f'{s} = 1' for s in gone)}; {step.rule.reason}"
        case "reverse":
            return _turned(step, forward)
        case "padding":
            return f"{step.rule.reason}: {gradient_name(forward.output)} is padded with zeros"
    return step.rule.reason


def _with(step: Step, what: str) -> str:
    return f"{step.rule.reason}: {what}" if what else step.rule.reason


def _sifted(step: Step, before: Expr, after: Expr) -> str:
    """Which deltas were used, what they are solved for, and what that asks of the indices."""
    left = {n.key for n in walk(after) if isinstance(n, Delta)}
    used = {n.key: n for n in walk(before) if isinstance(n, Delta) and n.key not in left}
    fixed = listed(f"{d.left} = {d.right}" for d in used.values())
    sentence = f"only terms with {fixed} are left" if fixed else step.rule.reason
    old = {c.key for c in _conditions(before)}
    asked = {c.key: c for c in _conditions(after) if c.key not in old}
    ranges = [c for c in asked.values() if isinstance(c, Within)]
    whole = [c for c in asked.values() if isinstance(c, Divides)]
    if len(whole) == len(ranges) == len(used) == 1:
        letter = listed(sorted(bound_letters(before) - bound_letters(after)))
        return (
            f"{sentence}, and that is {letter} = {ranges[0].index}: a whole number only if {whole[0]}, "
            f"and one of the {letter} there are only if {ranges[0]}"
        )
    needs = listed(map(str, (*whole, *ranges)))
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


def _slope(function: str) -> str:
    """What the table of derivatives says."""
    slopes = DERIVATIVES[function]
    if len(slopes) == 1:
        return f"the slope of {function}(a) is {slopes[0]}"
    return f"the slopes of {function}(a, b) are {listed(slopes)}"


def _taken_out(before: Expr, after: Expr) -> Iterator[str]:
    """Factors inside sums that stand before them afterwards."""
    inside = {f.key for f in _factors_in_sums(after)}
    return (repr(f) for f in _factors_in_sums(before) if f.key not in inside and f != Num(-1))


def _factors_in_sums(node: Expr) -> Iterator[Expr]:
    for sum_ in (n for n in walk(node) if isinstance(n, Reduce)):
        body = sum_.body.then if isinstance(sum_.body, Where) else sum_.body
        yield from body.factors if isinstance(body, Mul) else (body,)


def _put_in(before: Expr, after: Expr, forward: Formula) -> list[Equation]:
    """The equations of results whose derivatives are taken, and of those that were put in with them."""
    left = {r.tensor for r in reads(after)}
    wanted = [d.value.tensor for d in _derivatives(before) if isinstance(d.value, Read)]
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in forward.defined and name not in found:
            found.add(name)
            inner = {r.tensor for r in reads(forward.defined[name].value)}
            wanted += sorted(t for t in inner - left if t in forward.defined)
    return [e for e in forward.equations if e.name in found]


def _substituted(before: Expr, after: Expr) -> str:
    gone = {r.tensor for r in reads(before) if r.tensor.startswith("d")} - {r.tensor for r in reads(after)}
    parts = [f"the gradient {listed(sorted(gone))}"] if gone else []
    parts += ["the Jacobian"] if any(_derivatives(before)) and not any(_derivatives(after)) else []
    return f"{' and '.join(parts)}, which we have already, put in"


def _turned(step: Step, forward: Formula) -> str:
    """What a correlation with a turned kernel is made of."""
    gradient = gradient_name(forward.output)
    found = turned(step, gradient)
    swaps = listed(f"{old} became {new}" for old, new in found.letters.items())
    zeros = listed(f"{s} - 1" for s in found.spread)
    apart = f" with {zeros} zeros between its elements" if zeros else ""
    amounts = listed(found.padding)
    how = "turned by half a turn" if len(found.letters) == 2 else "read from its end"
    return (
        f"{step.rule.reason}: {swaps}. This is the correlation of {gradient}{apart}, padded by {amounts} in "
        f"front, with {found.kernel} {how}"
    )


def _symbols(node: Node) -> frozenset[str]:
    return frozenset(s for n in walk(node) for i in indices_of(n) for s in i.symbols)
