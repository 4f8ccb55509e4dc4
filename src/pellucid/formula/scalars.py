"""Scalars in comparisons of indices: ``a < i`` compares a number if nothing reads a tensor at ``a``.

The text of one equation cannot tell ``a`` from an integer constant such as a stride; a whole formula can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pellucid.errors import FormulaError
from pellucid.formula.expression import (
    Equation,
    Expr,
    IndexValue,
    Node,
    Num,
    Read,
    Reduce,
    add,
    count,
    indices_of,
    mul,
    transform,
    walk,
)
from pellucid.formula.index import Atom, Index

__all__ = ["with_scalars"]


def with_scalars(
    equations: Iterable[Equation], letters: Iterable[str], constants: Mapping[str, int | float]
) -> tuple[Equation, ...]:
    """The equations in which a name that serves only as a number is read as one.

    Args:
        equations: as they were parsed, one by one.
        letters: every index letter in them.
        constants: integers may stand in indices, other numbers not.

    Raises:
        FormulaError: a number that is no integer stands in an index.
    """
    equations = tuple(equations)
    counted, indexing = set(_counted(equations)), set(_indexing(equations))
    for name, value in constants.items():
        if name in indexing and not isinstance(value, int):
            raise FormulaError(f"the constant {name!r} stands in an index, so it is an integer, not {value}")
    open_names = {s for s in counted - indexing - set(letters) if not s[0].isupper()}
    scalars = {s for s in open_names if not isinstance(constants.get(s), int)}
    if not scalars:
        return equations
    return tuple(Equation(e.target, _read(e.value, scalars), e.shift) for e in equations)


def _counted(equations: Iterable[Equation]) -> Iterator[str]:
    """Symbols of index expressions that serve as numbers."""
    for node in (n for e in equations for n in walk(e.value)):
        if isinstance(node, IndexValue):
            yield from node.index.symbols


def _indexing(equations: Iterable[Equation]) -> Iterator[str]:
    """Symbols of the other index expressions, and of divisors everywhere."""
    for node in (n for e in equations for n in walk(e.value)):
        if isinstance(node, Reduce):
            yield from (s for b in node.letters if b.extent is not None for s in b.extent.symbols)
        for index in indices_of(node):
            whole = not isinstance(node, IndexValue)
            yield from index.symbols if whole else _divided(index)


def _divided(index: Index) -> Iterator[str]:
    for atom in index.atoms():
        if not isinstance(atom, str):
            yield from atom.numerator.symbols | atom.divisor.symbols


def _read(value: Expr, scalars: set[str]) -> Expr:
    def visit(node: Node) -> Expr | None:
        if not isinstance(node, IndexValue) or not node.index.symbols & scalars:
            return None
        return add(*(mul(Num(c), *(_number(a, scalars) for a in m)) for m, c in node.index.terms))

    result = transform(value, visit)
    assert isinstance(result, Expr)
    return result


def _number(atom: Atom, scalars: set[str]) -> Expr:
    return Read(atom) if isinstance(atom, str) and atom in scalars else count(Index((((atom,), 1),)))
