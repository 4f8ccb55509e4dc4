"""New letters for a derivation: axes that no single letter of the formula names, and sums over residues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count

from pellucid.formula.expression import indices_of, prime, walk
from pellucid.formula.formula import Formula
from pellucid.formula.index import Index, size_of

__all__ = ["FreshLetters"]

AXES = ("h", "l", "o", "e", "f", "g", "m", "q", "a")
RESIDUES = ("r", "t")


@dataclass
class FreshLetters:
    """Letters that stand for one axis or one range each in a whole derivation; primes keep the range.

    >>> letters = FreshLetters(Formula.parse("y[h] = sum[u] w[u] * x[2*h + u]"))
    >>> letters.of_axis("x", 0), letters.of_axis("w", 0), letters.of_axis("x", 0)
    ('l', 'o', 'l')
    >>> two, three = Index.of(2), Index.of(3)
    >>> letters.below(two, {"u"}), letters.below(three, {"u"}), letters.below(two, {"r"})
    ('r', 't', "r'")
    """

    formula: Formula
    axes: dict[tuple[str, int], str] = field(default_factory=dict)
    ranges: dict[Index, str] = field(default_factory=dict)

    def of_axis(self, tensor: str, axis: int) -> str:
        """The letter of one axis of one tensor."""
        if (tensor, axis) not in self.axes:
            self.axes[tensor, axis] = self._unused(AXES)
        return self.axes[tensor, axis]

    def below(self, extent: Index, used: Iterable[str]) -> str:
        """A letter that takes this number of values and is not among the used ones."""
        if extent not in self.ranges:
            self.ranges[extent] = self._unused(RESIDUES)
        return prime(self.ranges[extent], used)

    def _unused(self, names: tuple[str, ...]) -> str:
        taken = {
            size_of(name) for name in (*_names(self.formula), *self.axes.values(), *self.ranges.values())
        }
        numbered = (f"{names[0]}{number}" for number in count(2))
        return next(name for name in chain(names, numbered) if size_of(name) not in taken)


def _names(formula: Formula) -> Iterator[str]:
    """Every letter, size, constant and tensor."""
    yield from formula.letters
    yield from formula.constants
    yield from formula.operands
    yield from formula.defined
    for node in (n for e in formula.equations for n in walk(e.value)):
        yield from (s for i in indices_of(node) for s in i.symbols)
    for axes in formula.axes.values():
        yield from (s for i in axes for s in i.symbols)
