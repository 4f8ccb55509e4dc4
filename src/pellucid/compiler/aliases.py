"""Copies that only rename indices, taken out: ``y[n,(c,i,j)] = x[n,c,i,j]`` is no work at all.

Wherever y is read at a whole letter d, x is read at the letters that d is made of, and every other axis that
d runs over is cut in the same way: a dense layer behind a flattening becomes a contraction over channels,
rows and columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pellucid.compiler.digits import mixed_radix
from pellucid.compiler.nest import Loop, Nest
from pellucid.formula.expression import Read, reads
from pellucid.formula.index import Index

__all__ = ["Cut", "without_copies"]


@dataclass(frozen=True)
class Cut:
    """An axis of a tensor seen as several: their extents, outermost first."""

    extents: tuple[int, ...]


Axis = tuple[str, int]


def without_copies(nests: Sequence[Nest], keep: frozenset[str]) -> tuple[list[Nest], dict[Axis, Cut]]:
    """The nests without copies that only rename, and how axes of other tensors are cut for that.

    Args:
        nests: all of a pass, in order.
        keep: tensors that must exist under their own names.
    """
    done: dict[Axis, Cut] = {}
    current = list(nests)
    position = 0
    while position < len(current):
        attempts = (
            _without(current, current[position], flat, other, keep, done)
            for flat, other in _sides(current[position], done)
        )
        attempt = next((a for a in attempts if a is not None), None)
        if attempt is None:
            position += 1
        else:
            current, cuts = attempt
            done, position = done | cuts, 0
    return current, done


def _without(
    nests: list[Nest], copy: Nest, flat: Read, other: Read, keep: frozenset[str], done: Mapping[Axis, Cut]
) -> tuple[list[Nest], dict[Axis, Cut]] | None:
    """The nests without one copy, `flat` read as `other`, and the new cuts; None if some use forbids it."""
    if flat.tensor in keep or not _settled(nests, copy, flat.tensor, other.tensor):
        return None
    extents = {x.letter: x.extent for x in copy.out}
    cuts: dict[Axis, Cut] = {}
    for axis, index in enumerate(flat.indices):
        letters = mixed_radix(index, extents)
        if letters is None:
            return None
        if len(letters) > 1:
            cuts[flat.tensor, axis] = Cut(tuple(extents[s] for s in letters))
    spread = _spread([n for n in nests if n is not copy], cuts, keep)
    if spread is None:
        return None
    rest, cuts = spread
    if {t for t, _ in cuts} & {t for t, _ in done}:
        return None
    places = [s for i in flat.indices for s in mixed_radix(i, extents) or ()]
    if sorted(places) != sorted(str(i.letter) for i in other.indices):
        return None  # one side repeats its numbers along a letter that the other lacks
    order = [places.index(i.letter or "") for i in other.indices]
    return [_renamed(n, flat.tensor, other.tensor, order) for n in rest], cuts


def _sides(nest: Nest, done: Mapping[Axis, Cut]) -> list[tuple[Read, Read]]:
    """(the side that goes, the one that stays) of a copy of a whole tensor; a flattened one goes first."""
    body = nest.body
    if nest.op != "map" or nest.accumulate or not isinstance(body, Read) or not body.indices:
        return []
    letters = sorted(x.letter for x in nest.out)
    found = [
        (flat, other)
        for flat, other in ((nest.target, body), (body, nest.target))
        if sorted(str(i.letter) for i in other.indices) == letters and len(flat.indices) <= len(other.indices)
    ]
    return sorted(found, key=lambda pair: not any(t == pair[0].tensor for t, _ in done))


def _settled(nests: Sequence[Nest], copy: Nest, gone: str, stays: str) -> bool:
    """Whether both names stand for the same values at all times.

    Nothing but the copy may write its target, and its source must be complete when it is copied.
    """
    at = nests.index(copy)
    writers = {name: [i for i, n in enumerate(nests) if n.target.tensor == name] for name in (gone, stays)}
    source = stays if copy.target.tensor == gone else gone
    return writers[copy.target.tensor] == [at] and all(i < at for i in writers[source])


def _spread(
    nests: list[Nest], cuts: dict[Axis, Cut], keep: frozenset[str]
) -> tuple[list[Nest], dict[Axis, Cut]] | None:
    """Letters that run over a cut axis are cut in every nest, and with them all axes over which they run."""
    cuts = dict(cuts)
    while True:
        changed = False
        for position, nest in enumerate(nests):
            letter = next((s for s in (_cut_letter(r, cuts) for r in _reads(nest)) if s is not None), None)
            if letter is None:
                if any(_crossed(r, cuts) for r in _reads(nest)):
                    return None
                continue
            name, cut = letter
            for read in _reads(nest):
                for axis, index in enumerate(read.indices):
                    if name not in index.symbols:
                        continue
                    if (
                        index.letter != name
                        or read.tensor in keep
                        or cuts.setdefault((read.tensor, axis), cut) != cut
                    ):
                        return None
            nests = [*nests[:position], _cut_nest(nest, name, cut), *nests[position + 1 :]]
            changed = True
        if not changed:
            return [_viewed(n, cuts) for n in nests], cuts


def _reads(nest: Nest) -> list[Read]:
    return [nest.target, *reads(nest.body), *reads(nest.finish)]


def _cut_letter(read: Read, cuts: Mapping[Axis, Cut]) -> tuple[str, Cut] | None:
    """A whole letter at a cut axis; one that is made of several is cut already."""
    for axis, index in enumerate(read.indices):
        cut = cuts.get((read.tensor, axis))
        if cut is not None and index.letter is not None:
            return index.letter, cut
    return None


def _crossed(read: Read, cuts: Mapping[Axis, Cut]) -> bool:
    """Whether a cut axis is read at anything but the letters that it is cut into."""
    for axis, index in enumerate(read.indices):
        cut = cuts.get((read.tensor, axis))
        if cut is None:
            continue
        stride, matched = 1, 0
        for (monomial, coefficient), extent in zip(
            sorted(index.terms, key=lambda t: t[1]), reversed(cut.extents), strict=False
        ):
            if len(monomial) != 1 or coefficient != stride:
                return True
            stride, matched = stride * extent, matched + 1
        if matched != len(cut.extents) or matched != len(index.terms):
            return True
    return False


def _cut_nest(nest: Nest, letter: str, cut: Cut) -> Nest:
    names = [f"{letter}_{i}" for i in range(len(cut.extents))]
    value = Index.of(0)
    for name, extent in zip(names, cut.extents, strict=True):
        value = value * extent + name
    loops = tuple(Loop(s, n) for s, n in zip(names, cut.extents, strict=True))
    return nest.cut(letter, value, loops)


def _viewed(nest: Nest, cuts: Mapping[Axis, Cut]) -> Nest:
    """Cut axes read as the axes that they are cut into."""

    def parted(read: Read) -> Read:
        axes = enumerate(read.indices)
        return Read(read.tensor, tuple(p for a, i in axes for p in _parts(i, cuts.get((read.tensor, a)))))

    return nest.with_reads(parted)


def _parts(index: Index, cut: Cut | None) -> tuple[Index, ...]:
    if cut is None or (len(index.terms) == 1 and index.letter is not None):
        return (index,)
    ordered = sorted(index.terms, key=lambda t: -t[1])
    return tuple(Index.of(str(m[0])) for m, _ in ordered)


def _renamed(nest: Nest, old: str, new: str, order: Sequence[int]) -> Nest:
    """A tensor read under another name, with its axes in another order."""

    def renamed(read: Read) -> Read:
        return Read(new, tuple(read.indices[i] for i in order)) if read.tensor == old else read

    return nest.with_reads(renamed)
