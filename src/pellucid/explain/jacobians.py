"""Jacobians of what is normalised over an index, from first principles: softmax's is one of them.

Nothing here knows a layer.  An equation normalises over an index if it divides by a sum over an axis of an
operand that it also reads at an index of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.formula.algebra import assumed, cancelled, collected, outside, recognised
from pellucid.formula.differentiate import push_derivatives
from pellucid.formula.expression import (
    Delta,
    Derivative,
    Equation,
    Expr,
    Power,
    Read,
    Reduce,
    as_expr,
    bound_letters,
    is_singular,
    prime,
    reads,
    substitute,
    transform,
    walk,
    with_reads,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.fresh import FreshLetters
from pellucid.formula.index import Index
from pellucid.formula.jacobian import cases
from pellucid.formula.normal import is_position
from pellucid.formula.renaming import definition
from pellucid.formula.rules import Recorder, Step
from pellucid.formula.sift import sift_deltas
from pellucid.formula.terms import expand, terms_to_value

__all__ = ["Case", "Jacobian", "Opening", "jacobians", "simplify"]


@dataclass(frozen=True)
class Case:
    """A Jacobian's formula where the letters of some deltas are equal, and perhaps those of one are not.

    Attributes:
        equation: the formula there.
        equal: deltas that are 1.
        different: the delta that is 0; None if all are 1.
    """

    equation: Equation
    equal: tuple[Delta, ...]
    different: Delta | None

    def __str__(self) -> str:
        parts = [f"{d.left} = {d.right}" for d in self.equal]
        parts += [f"{self.different.left} is not {self.different.right}"] if self.different else []
        return "where " + " and ".join(parts)


@dataclass(frozen=True)
class Jacobian:
    """The derivative of each element of a result by each element of an operand.

    Attributes:
        of: the equation that normalises, with letters of its own.
        element: of the operand.
        whole: the result written out in operands alone, shifts too.
        steps: from the definition to the final formula.
        cases: the final formula where the letters of its deltas are equal, and where they differ.
    """

    of: Equation
    element: Read
    whole: Expr
    steps: tuple[Step, ...]
    cases: tuple[Case, ...]

    @property
    def result(self) -> Equation:
        """The final formula."""
        return self.steps[-1].after


def jacobians(forward: Formula, operand: str) -> Iterator[Jacobian]:
    """The Jacobians of all results that are normalised over an index of the operand.

    Args:
        forward: a formula in normal form.
        operand: with respect to which to differentiate.

    >>> from pellucid.formula.normal import normal_form
    >>> softmax = normal_form(Formula.parse("e[k] = exp(z[k]); t = sum[k] e[k]; p[k] = e[k]/t"))
    >>> (found,) = jacobians(softmax, "z")
    >>> print(found.steps[0].before)
    dp_dz[k',k] = D(p[k'], z[k])
    >>> print(found.result)
    dp_dz[k',k] = p[k']*(delta(k', k) - p[k])
    >>> for case in found.cases:
    ...     print(f"{case}: {case.equation}")
    where k' = k: dp_dz[k',k'] = p[k']*(1 - p[k'])
    where k' is not k: dp_dz[k',k] = -p[k']*p[k]
    """
    for equation in forward.equations:
        if _divides_by_a_sum(equation, forward):
            element = _element(equation, forward, operand)
            if element is not None:
                yield _derived(forward, equation, element)


def _divides_by_a_sum(equation: Equation, forward: Formula) -> bool:
    if equation.shift or is_position(equation):
        return False
    letters = set(target_letters(equation))
    below = (n for n in walk(equation.value) if isinstance(n, Power) and is_singular(n))
    for read in (r for n in below for r in reads(n.base)):
        defined = forward.defined.get(read.tensor)
        summed = defined is not None and any(
            isinstance(n, Reduce) and n.op in ("sum", "mean") for n in walk(defined.value)
        )
        if summed and {s for i in read.indices for s in i.symbols} < letters:
            return True
    return False


def _element(equation: Equation, forward: Formula, operand: str) -> Read | None:
    """An element of the operand, at letters of the result.

    None if the operand is not read on some axis by a letter of the result and by that of a sum too.
    """
    letters = set(target_letters(equation))
    found = [r for r in reads(Opening(forward).value(equation.value)) if r.tensor == operand]
    axes = [{r.indices[axis] for r in found} for axis in range(len(found[0].indices))] if found else []
    own = [[i for i in axis if i.letter in letters] for axis in axes]
    plain = all(i.letter is not None for axis in axes for i in axis)
    if not plain or any(len(free) != 1 for free in own) or all(len(axis) == 1 for axis in axes):
        return None
    return Read(operand, tuple(free[0] for free in own))


def _derived(forward: Formula, equation: Equation, element: Read) -> Jacobian:
    own = _apart(equation, element, forward)
    opening = Opening(forward, frozenset(target_letters(own)))
    value = opening.value(own.value)
    others = [i for i in element.indices if i.letter not in target_letters(own)]
    target = Read(f"d{own.name}_d{element.tensor}", (*own.target.indices, *others))
    recorder = Recorder(target, Derivative(own.target, element))
    recorder.rewrite("definition", Derivative(value, element))
    push_derivatives(recorder, {}, lambda read, axis: True)
    recorder.apply("recognise", opening.folded)
    terms = expand(recorder.value)
    recorder.rewrite("expand", terms_to_value(terms))
    outer = frozenset(target_letters(own))
    solved = sift_deltas(recorder, terms, outer, FreshLetters(forward))
    recorder.rewrite("sift", terms_to_value(solved))
    simplify(recorder, forward)
    whole = Opening(forward, frozenset(target_letters(own)), shifts=True).value(own.value)
    result = Equation(target, recorder.value)
    return Jacobian(own, element, whole, tuple(recorder.steps), tuple(_all_cases(result)))


def simplify(recorder: Recorder, forward: Formula) -> None:
    """Writes the expression as a mathematician would."""
    for _ in range(2):
        recorder.apply("recognise", lambda v: recognised(v, forward.equations))
        recorder.apply("cancel", cancelled)
        recorder.apply("outside", outside)
    recorder.apply("assumption", lambda v: assumed(v, forward.assumptions))
    recorder.apply("collect", collected)


def _all_cases(result: Equation, known: tuple[Delta, ...] = ()) -> Iterator[Case]:
    """Each delta in turn, the first one first."""
    deltas = (n for n in walk(result.value) if isinstance(n, Delta) and n.left.letter and n.right.letter)
    first = next(deltas, None)
    if first is None:
        if known:
            yield Case(result, known, None)
        return
    equal, different = cases(result)
    yield from _all_cases(equal, (*known, first))
    yield Case(different, known, first)


def _apart(equation: Equation, element: Read, forward: Formula) -> Equation:
    """The equation with letters of its own on those axes of the element over which it normalises."""
    whole = Opening(forward).value(equation.value)
    found = [r for r in reads(whole) if r.tensor == element.tensor]
    shared = {
        i.letter for axis, i in enumerate(element.indices) if len({r.indices[axis] for r in found}) == 1
    }
    taken = forward.letters | bound_letters(equation.value)
    mapping = {s: Index.of(prime(s, taken)) for s in target_letters(equation) if s not in shared}
    target = substitute(equation.target, mapping)
    assert isinstance(target, Read)
    return Equation(target, as_expr(substitute(equation.value, mapping)))


class Opening:
    """Expressions with each result that they read replaced by its definition.

    Args:
        forward: where the results are defined.
        taken: letters that no sum may use, besides those of the formula itself.
        shifts: whether shifts are replaced too.
    """

    def __init__(
        self, forward: Formula, taken: frozenset[str] = frozenset(), *, shifts: bool = False
    ) -> None:
        self.forward, self.taken, self.shifts = forward, taken | forward.letters, shifts
        self.known: dict[str, Read] = {}

    def value(self, value: Expr) -> Expr:
        return with_reads(value, self.read)

    def read(self, read: Read) -> Expr:
        defined = self.forward.defined.get(read.tensor)
        if defined is None or (defined.shift and not self.shifts):
            return read
        once = definition(defined, read, self.taken)
        value = self.value(once)
        if isinstance(value, Reduce):
            self.known |= {value.key: read, once.key: read}
        return value

    def folded(self, value: Expr) -> Expr:
        """With the sums that were opened read again."""
        return as_expr(transform(value, lambda n: self.known.get(n.key)))
