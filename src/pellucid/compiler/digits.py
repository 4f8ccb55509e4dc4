"""Letters as digits: ``d // 4`` and ``d % 4`` of a loop over d become the letters of two loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pellucid.compiler.nest import Loop, Nest
from pellucid.formula.bounds import Interval, interval
from pellucid.formula.expression import (
    Delta,
    Divides,
    IndexValue,
    Node,
    Read,
    Within,
    count,
    indices_of,
    map_children,
    prime,
    walk,
)
from pellucid.formula.index import Index, Quotient, Remainder, rebuilt

__all__ = ["divisions", "in_digits", "mixed_radix", "replaced"]


def mixed_radix(index: Index, extents: Mapping[str, int]) -> list[str] | None:
    """The letters of a row-major index, outermost first; None if it is of another kind."""
    found: list[str] = []
    stride = 1
    for monomial, coefficient in sorted(index.terms, key=lambda t: t[1]):
        if len(monomial) != 1 or not isinstance(monomial[0], str) or coefficient != stride:
            return None
        found.insert(0, monomial[0])
        stride *= extents[monomial[0]]
    return found


def in_digits(nest: Nest) -> Nest:
    """``d // q`` and ``d % q`` of a whole loop over d become two loops, if q divides its extent."""
    while True:
        found = next((d for d in divisions(nest) if _is_digit(d, nest)), None)
        if found is None:
            return nest
        letter, step = found.numerator.letter or "", found.divisor.constant or 1
        extents = nest.extents
        high, low = prime(f"{letter}_high", extents), prime(f"{letter}_low", extents)
        loops = Loop(high, extents[letter] // step), Loop(low, step)
        nest = replaced(nest, letter, Index.of(high) * step + low, loops)


def _is_digit(atom: Quotient | Remainder, nest: Nest) -> bool:
    letter, step = atom.numerator.letter, atom.divisor.constant
    loop = next((x for x in nest.loops if x.letter == letter), None)
    return (
        loop is not None
        and step is not None
        and loop.extent % step == 0
        and not getattr(atom, "exact", False)
    )


def replaced(nest: Nest, letter: str, value: Index, loops: tuple[Loop, ...]) -> Nest:
    """The loop over a letter replaced by others, and quotients of what it becomes worked out."""
    return _simplified(nest.cut(letter, value, loops))


def _simplified(nest: Nest) -> Nest:
    """Quotients and remainders of visible multiples worked out, as far as the letters' ranges allow."""
    ranges = nest.spans

    def index(value: Index) -> Index:
        return value.map_atoms(
            lambda a: Index.of(a) if isinstance(a, str) else _digit_value(a, ranges, index)
        )

    def visit(node: Node) -> Node:
        if isinstance(node, Read):
            return Read(node.tensor, tuple(index(i) for i in node.indices))
        if isinstance(node, IndexValue):
            return count(index(node.index))
        if isinstance(node, Within):
            return Within(index(node.index), index(node.extent))
        if isinstance(node, Divides):
            return Divides(node.divisor, index(node.index))
        if isinstance(node, Delta):
            return Delta(index(node.left), index(node.right), node.covering)
        return map_children(node, visit)

    return nest.rewritten(visit)


def _digit_value(
    atom: Quotient | Remainder, ranges: Mapping[str, Interval], simplified: Callable[[Index], Index]
) -> Index:
    """A quotient or remainder over a simplified numerator; its value where that never changes digit."""
    result = rest = rebuilt(atom, simplified(atom.numerator), atom.divisor)
    for monomial, coefficient in rest.terms:
        left = monomial[0] if len(monomial) == 1 else ""
        if isinstance(left, str) or (isinstance(left, Quotient) and left.exact):
            continue
        low, high = interval(left.numerator, ranges)
        by = left.divisor.constant or 1
        if low // by == high // by:
            whole = Index.of(low // by)
            value = whole if isinstance(left, Quotient) else left.numerator - whole * by
            result = result - Index(((monomial, coefficient),)) + value * coefficient
    return result


def divisions(nest: Nest) -> Iterator[Quotient | Remainder]:
    """Every quotient and remainder, inner ones first."""
    for root in (nest.target, nest.body, nest.finish):
        for node in walk(root):
            for index in indices_of(node):
                yield from _inside(index)


def _inside(index: Index) -> Iterator[Quotient | Remainder]:
    for atom in index.atoms():
        if not isinstance(atom, str):
            yield from _inside(atom.numerator)
            yield atom
