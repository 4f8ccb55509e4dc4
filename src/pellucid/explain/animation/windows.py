"""Which equations read windows, found by their structure.

An equation reads windows if one of its terms reads a tensor at an index that joins a letter of the left side
with one that is summed (or over which the maximum is taken), as in ``x[n,c,s*i + u - p,s*j + v - q]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.explain.sources import Use
from pellucid.explain.summands import Summand, is_extreme, summands
from pellucid.formula.expression import Bound, Read, Reduce
from pellucid.formula.formula import target_letters

__all__ = ["Windows", "windows_of"]


@dataclass(frozen=True)
class Windows:
    """One term of an equation that reads windows.

    Attributes:
        use: the equation and its formula.
        summand: the term; of a maximum, its candidates.
        read: the tensor over which the window slides, at its indices.
        axes: those of its axes that are the rows and columns over which it slides; one axis is a single row.
        placed: for each of these axes the letter of the left side that places the window.
        inner: for each of these axes the summed letters that run through the window.
        chosen: whether one candidate is taken, as by a maximum, and not all are added.
        alone: whether the run's array is this equation's value, not a sum with those of other layers.
    """

    use: Use
    summand: Summand
    read: Read
    axes: tuple[int, ...]
    placed: tuple[str, ...]
    inner: tuple[tuple[str, ...], ...]
    chosen: bool
    alone: bool

    @property
    def others(self) -> tuple[Bound, ...]:
        """Summed letters that do not run through the window, such as input channels."""
        within = {letter for letters in self.inner for letter in letters}
        return tuple(b for b in self.summand.bounds if b.letter not in within)


def windows_of(use: Use, *, alone: bool) -> Windows | None:
    """The first term of an equation that reads windows; None if there is none."""
    targets = set(target_letters(use.equation))
    for summand in _terms(use):
        bound = {b.letter for b in summand.bounds}
        for factor in summand.factors:
            if isinstance(factor, Read) and (found := _sliding(factor, targets, bound)):
                axes, placed, inner = zip(*found, strict=True)
                chosen = is_extreme(use.equation.value)
                return Windows(use, summand, factor, axes, placed, inner, chosen, alone)
    return None


def _terms(use: Use) -> Iterator[Summand]:
    value = use.equation.value
    if isinstance(value, Reduce) and value.op in ("max", "min"):
        yield Summand(value.letters, (), (value.body,))
    elif not is_extreme(value):
        yield from summands(value)


def _sliding(read: Read, targets: set[str], bound: set[str]) -> list[tuple[int, str, tuple[str, ...]]] | None:
    """Up to two axes of a read that a window slides along, the last ones; None if it slides along none."""
    mixed: list[tuple[int, str, tuple[str, ...]]] = []
    plain: list[tuple[int, str, tuple[str, ...]]] = []
    for axis, index in enumerate(read.indices):
        place, within = index.symbols & targets, index.symbols & bound
        if len(place) == 1 and within:
            mixed.append((axis, next(iter(place)), tuple(sorted(within))))
        elif axis and index.letter in targets:
            plain.append((axis, str(index.letter), ()))
    if not mixed or len({letter for _, letter, _ in mixed}) < len(mixed):
        return None
    return sorted([*mixed[-2:], *plain[len(plain) - (2 - len(mixed[-2:])) :]])
