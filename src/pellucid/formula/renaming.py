"""Letters of an equation renamed apart from those of the element by which it is differentiated."""

from __future__ import annotations

from pellucid.formula.expression import (
    Bound,
    Equation,
    Expr,
    Node,
    Read,
    Reduce,
    as_expr,
    bound_letters,
    free_letters,
    prime,
    substitute,
    transform,
)
from pellucid.formula.formula import target_letters
from pellucid.formula.index import Index, flat_parts
from pellucid.formula.normal import position_of

__all__ = ["definition", "renamed_apart"]


def renamed_apart(equation: Equation, taken: frozenset[str], positions: dict[str, Read]) -> Equation:
    """The equation with letters that are not in `taken`.

    If it is a max or min, `positions` gets the read of its place.
    """
    letters = target_letters(equation)
    used = taken | set(letters) | bound_letters(equation.value)
    mapping: dict[str, Index] = {}
    for letter in letters:
        if letter in taken:
            fresh = prime(letter, used)
            used |= {fresh}
            mapping[letter] = Index.of(fresh)
    target, value = substitute(equation.target, mapping), substitute(equation.value, mapping)
    assert isinstance(target, Read)
    assert isinstance(value, Expr)
    value = _bound_apart(value, taken)
    if isinstance(value, Reduce) and value.op in ("max", "min"):
        at = Read(position_of(equation.name), target.indices)
        while (
            positions.setdefault(value.key, at) != at
        ):  # two maxima of one body: told apart by their letters
            value = _bound_apart(value, frozenset(b.letter for b in value.letters))
            assert isinstance(value, Reduce)
    return Equation(target, value, equation.shift)


def definition(equation: Equation, read: Read, taken: frozenset[str]) -> Expr:
    """What the equation says of the element that is read; its sums have letters that are not in `taken`."""
    own = renamed_apart(equation, taken, {})
    mapping: dict[str, Index] = {}
    for mine, theirs in zip(own.target.indices, read.indices, strict=True):
        if mine.letter:
            mapping[mine.letter] = theirs
        else:
            pairs = zip(flat_parts(mine) or (), flat_parts(theirs) or (), strict=True)
            mapping |= {a: Index.of(b) for a, b in pairs}
    return as_expr(substitute(own.value, mapping))


def _bound_apart(value: Expr, taken: frozenset[str]) -> Expr:
    def visit(node: Node) -> Expr | None:
        if not isinstance(node, Reduce) or not any(b.letter in taken for b in node.letters):
            return None
        used = taken | bound_letters(node) | free_letters(node.body)
        mapping: dict[str, Index] = {}
        bounds: list[Bound] = []
        for bound in node.letters:
            letter = prime(bound.letter, used) if bound.letter in taken else bound.letter
            used |= {letter}
            bounds.append(Bound(letter, bound.extent))
            if letter != bound.letter:
                mapping[bound.letter] = Index.of(letter)
        body = substitute(node.body, mapping)
        assert isinstance(body, Expr)
        return Reduce(node.op, tuple(bounds), body)

    result = transform(value, visit)
    assert isinstance(result, Expr)
    return result
