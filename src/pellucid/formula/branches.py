"""A formula that also records which branch every distinction takes.

Between two points at which all branches are the same, the formula is differentiable; that is what a gradient
check has to know.

>>> print(branches(Formula.parse("y[i] = sum[u] w[u] * relu(x[i + u])")))
y.branch1[i,u] = [x[i + u] > 0]
y[i] = sum[u] w[u]*relu(x[i + u])
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pellucid.formula.expression import (
    Call,
    Compare,
    Condition,
    Equation,
    Expr,
    Node,
    Num,
    Read,
    Reduce,
    Where,
    all_of,
    children,
    free_letters,
    iverson,
    negation,
    reads,
)
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import Index
from pellucid.formula.normal import is_position

__all__ = ["branches"]


def branches(formula: Formula) -> Formula:
    """The same formula with a further equation for every distinction in it.

    Distinctions are the signs of what relu and abs are taken of, the larger or smaller side of maximum and
    minimum, conditions on values, and the positions of max and min.  Equations of shifts make none: nothing
    depends on them.

    Returns:
        The formula; its new equations define tensors named ``.branch1``, ``.branch2`` ... after the old ones.
    """
    equations: list[Equation] = []
    positions: set[str] = set()
    for equation in formula.equations:
        value = equation.value
        known = isinstance(value, Reduce) and replace(value, op=f"arg{value.op}").key in positions
        found = () if equation.shift or known else _distinctions(value, target_letters(equation), ())
        for number, (scope, guards, value) in enumerate(found):
            used = free_letters(value).union(*map(free_letters, guards))
            target = Read(
                f"{equation.name}.branch{number + 1}", tuple(Index.of(s) for s in scope if s in used)
            )
            guard = all_of(guards)
            equations.append(Equation(target, value if guard is None else Where(guard, value, Num(0))))
        equations.append(equation)
        if is_position(equation):
            equations.append(
                Equation(replace(equation.target, tensor=f"{equation.name}.branch"), equation.target)
            )
            positions.add(equation.value.key)
    return replace(formula, equations=tuple(equations))


Distinction = tuple[tuple[str, ...], tuple[Condition, ...], Expr]


def _distinctions(
    node: Node, letters: tuple[str, ...], guards: tuple[Condition, ...]
) -> Iterator[Distinction]:
    """Each with the letters in scope, the conditions under which it matters, and its value."""
    if isinstance(node, Call):
        yield from ((letters, guards, value) for value in _sides(node))
    if isinstance(node, Reduce):
        if node.op in ("max", "min"):
            yield letters, guards, replace(node, op=f"arg{node.op}")
        letters += tuple(b.letter for b in node.letters if b.letter not in letters)
    if isinstance(node, Where):
        if any(True for _ in reads(node.condition)):
            yield letters, guards, iverson(node.condition)
        yield from _distinctions(node.condition, letters, guards)
        yield from _distinctions(node.then, letters, (*guards, node.condition))
        yield from _distinctions(node.otherwise, letters, (*guards, negation(node.condition)))
        return
    for child in children(node):
        yield from _distinctions(child, letters, guards)


def _sides(node: Call) -> list[Expr]:
    match node:
        case Call("relu", (value,)):
            return [iverson(Compare(">", value, Num(0)))]
        case Call("abs", (value,)):
            return [iverson(Compare(">", value, Num(0))), iverson(Compare("<", value, Num(0)))]
        case Call("maximum" | "minimum" as function, (left, right)):
            return [iverson(Compare(">=" if function == "maximum" else "<=", left, right))]
    return []
