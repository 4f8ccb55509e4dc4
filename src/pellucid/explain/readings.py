"""What a gradient's formula is read as: from its end, a window's sum is a correlation with a turned kernel.

>>> from pellucid.formula.derive import derive
>>> f = Formula.parse(
...     "y[i] = sum[u] w[u] * x[s*i + u - p]", constants={"s": 1, "p": 1}, padding={"x": {0: "p"}}
... )
>>> gradient = derive(f, ["x"])
>>> for step in correlation(gradient.equation("x"), gradient.forward):
...     print(step.after)
dx[h] = sum[u : 0 <= h + p - u < I] dy[h + p - u]*w[u]
dx[h] = sum[u] dy[h + p - u]*w[u]
dx[h] = sum[u] dy[h + u + 1 + p - U]*w[U - u - 1]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pellucid.formula.expression import (
    Bound,
    Condition,
    Divides,
    Equation,
    Expr,
    Mul,
    Node,
    Num,
    Read,
    Reduce,
    Where,
    Within,
    all_of,
    as_expr,
    conjuncts,
    indices_of,
    substitute,
    transform,
    walk,
)
from pellucid.formula.formula import Formula
from pellucid.formula.index import Atom, Index, Quotient, size_of
from pellucid.formula.rules import Recorder, Step

__all__ = ["Turned", "correlation", "turned"]


def correlation(
    equation: Equation, forward: Formula, shapes: Mapping[str, Sequence[int]] | None = None
) -> tuple[Step, ...]:
    """The steps that lead from a gather with indices that run backward to one whose indices run forward.

    Args:
        equation: of a gradient.
        forward: the formula whose gradient it is.
        shapes: of all tensors, if the equation holds numbers in place of sizes.

    Returns:
        No steps, if it is not a single sum, or there is no window in it that can be turned round.
    """
    if sum(isinstance(n, Reduce) for n in walk(equation.value)) != 1:
        return ()
    recorder = Recorder(equation.target, equation.value)
    ones = {s: Index.of(1) for s, value in forward.constants.items() if value == 1}
    used = {s: one for s, one in ones.items() if _multiplies(recorder.value, s)}
    recorder.apply("unit", lambda v: _without(as_expr(substitute(v, used)), _divides_by_one))
    gradient = f"d{forward.output}"
    recorder.apply("padding", lambda v: _without_edges(v, gradient, _sizes(gradient, forward, shapes)))
    again = recorder.apply("reverse", lambda v: _reversed(v, gradient))
    return tuple(recorder.steps) if again else ()


def _multiplies(value: Expr, symbol: str) -> bool:
    """Whether a symbol is a factor or divisor in some index."""
    for index in (i for n in walk(value) for i in _all_indices(n)):
        if any(symbol in m and len(m) > 1 for m, _ in index.terms):
            return True
        if any(symbol in a.divisor.symbols for a in index.atoms() if not isinstance(a, str)):
            return True
    return any(isinstance(n, Divides) and symbol in n.divisor.symbols for n in walk(value))


def _all_indices(node: Node) -> Iterator[Index]:
    for index in indices_of(node):
        yield index
        yield from (a.numerator for a in index.atoms() if not isinstance(a, str))


def _without(value: Expr, known: Callable[[Condition, Expr], bool]) -> Expr:
    """The value without those conditions, 0 elsewhere, that are known to hold or not to matter."""

    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Where) or node.otherwise != Num(0):
            return None
        condition = all_of(c for c in conjuncts(node.condition) if not known(c, node.then))
        return node.then if condition is None else Where(condition, node.then, Num(0))

    return as_expr(transform(value, visit))


def _divides_by_one(condition: Condition, then: Expr) -> bool:
    return isinstance(condition, Divides) and condition.divisor.constant == 1


def _sizes(gradient: str, forward: Formula, shapes: Mapping[str, Sequence[int]] | None) -> list[Index]:
    if shapes is not None:
        return [Index.of(size) for size in shapes[gradient]]
    target = forward.defined[forward.output].target
    return [Index.of(size_of(i.letter)) if i.letter else Index(()) for i in target.indices]


def _without_edges(value: Expr, gradient: str, sizes: Sequence[Index]) -> Expr:
    """Without the conditions that keep a factor inside its tensor, outside of which it counts as 0."""

    def beyond(condition: Condition, then: Expr) -> bool:
        factors = then.factors if isinstance(then, Mul) else (then,)
        return any(
            isinstance(condition, Within) and condition.index == index and condition.extent == size
            for read in factors
            if isinstance(read, Read) and read.tensor == gradient
            for index, size in zip(read.indices, sizes, strict=True)
        )

    return _without(value, beyond)


def _reversed(value: Expr, gradient: str) -> Expr:
    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Reduce) or node.op != "sum":
            return None
        mapping = {b.letter: _from_the_end(b) for b in node.letters if _runs_back(node, b, gradient)}
        body = as_expr(substitute(node.body, mapping))
        return Reduce("sum", node.letters, body) if mapping else None

    return as_expr(transform(value, visit))


def _from_the_end(bound: Bound) -> Index:
    return -Index.of(bound.letter) + bound.size - 1


def _runs_back(node: Reduce, bound: Bound, gradient: str) -> bool:
    """Whether the gradient from above is read backward along a letter, and another tensor forward."""
    letter = bound.letter
    found = [r for r in walk(node.body) if isinstance(r, Read)]
    above = [i for r in found if r.tensor == gradient for i in r.indices if letter in i.symbols]
    others = [i for r in found if r.tensor != gradient for i in r.indices if letter in i.symbols]
    plain = bool(others) and all(i.letter == letter for i in others)
    return plain and bool(above) and all(_sign(i, letter) == -1 for i in above)


def _sign(index: Index, letter: str) -> int:
    """1 or -1, as the index grows or falls with the letter; 0 if that cannot be told."""
    signs: set[int] = set()
    for monomial, coefficient in index.terms:
        for atom in monomial:
            if isinstance(atom, str):
                signs |= {1 if coefficient > 0 else -1} if atom == letter else set()
            elif letter in atom.numerator.symbols | atom.divisor.symbols:
                inner = _sign(atom.numerator, letter) if isinstance(atom, Quotient) else 0
                signs.add(inner if coefficient > 0 else -inner)
    return signs.pop() if len(signs) == 1 else 0


@dataclass(frozen=True)
class Turned:
    """What a step of the rule "reverse" shows.

    Attributes:
        letters: that were turned round, and what each became.
        kernel: the tensor that is now read from its end.
        padding: how far the gradient from above must be padded in front, along each of the letters.
        spread: by how much its elements lie apart, where they do not lie side by side.
    """

    letters: Mapping[str, Index]
    kernel: str
    padding: tuple[Index, ...]
    spread: tuple[Index, ...]


def turned(step: Step, gradient: str) -> Turned:
    """What a step of the rule "reverse" did."""
    (sum_,) = (n for n in walk(step.before.value) if isinstance(n, Reduce))
    letters = {b.letter: _from_the_end(b) for b in sum_.letters if _runs_back(sum_, b, gradient)}
    kernel = next(
        r.tensor
        for r in walk(sum_.body)
        if isinstance(r, Read) and r.tensor != gradient and any(i.letter in letters for i in r.indices)
    )
    free = {s for i in step.after.target.indices for s in i.symbols}
    padding: list[Index] = []
    spread: list[Index] = []
    for letter in letters:
        index = next(
            i
            for r in walk(step.after.value)
            if isinstance(r, Read) and r.tensor == gradient
            for i in r.indices
            if letter in i.symbols
        )
        index, apart = _numerator(index)
        spread += [apart] if apart is not None else []
        kept = Index.sum_of((m, c) for m, c in index.terms if not _symbols(m) & (free | {letter}))
        padding.append(-kept)
    return Turned(letters, kernel, tuple(padding), tuple(dict.fromkeys(spread)))


def _numerator(index: Index) -> tuple[Index, Index | None]:
    """What is divided in an index, and by how much."""
    for atom in index.atoms():
        if isinstance(atom, Quotient):
            rest = index - Index((((atom,), 1),))
            return atom.numerator + rest * atom.divisor, atom.divisor
    return index, None


def _symbols(monomial: Sequence[Atom]) -> set[str]:
    return {a for a in monomial if isinstance(a, str)}
