"""Loops that run through memory without a gap made one long loop, which vectors fill better.

Two letters a and b become one letter (a,b) where every tensor that is read or written at either has its rows
of b one behind the other, without halo or padding in between: the elements lie in storage just as in a tensor
in which the two axes are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, permutations

from pellucid.compiler.layout import Tensor
from pellucid.compiler.nest import Loop, Nest
from pellucid.formula.expression import Read, indices_of, walk

__all__ = ["merged", "whole"]

# Stands in a view's name between the tensor's own and the numbers of the axes that are one.
MARK = "~"


def whole(name: str) -> str:
    """The name of the tensor that a view shows.

    >>> whole("relu1~23~21"), whole("relu1")
    ('relu1', 'relu1')
    """
    return name.split(MARK)[0]


def merged(nest: Nest, tensors: Mapping[str, Tensor], images: str | None) -> tuple[Nest, dict[str, Tensor]]:
    """The nest with as few loops as storage allows, and the views of tensors that it then reads and writes.

    Args:
        nest: over tensors in storage; those that it keeps in registers are in none.
        tensors: their storage.
        images: the letter over images, which stays by itself.
    """
    views: dict[str, Tensor] = {}
    while True:
        known = {**tensors, **views}
        attempts = (
            _merged_pair(nest, known, a, b)
            for group in (nest.out, nest.reduce)
            for a, b in _pairs(nest, group)
            if images not in (a.letter, b.letter)
        )
        found = next((f for f in attempts if f is not None), None)
        if found is None:
            return nest, {
                name: t for name, t in views.items() if any(name == r.tensor for r in nest.accesses)
            }
        nest, more = found
        views |= more


def _pairs(nest: Nest, group: Sequence[Loop]) -> list[tuple[Loop, Loop]]:
    """Loops that may become one; a position of an extreme value counts its letters in their order."""
    if group is nest.reduce and nest.op.startswith("arg"):
        return list(pairwise(group))
    return list(permutations(group, 2))


def _merged_pair(
    nest: Nest, tensors: Mapping[str, Tensor], a: Loop, b: Loop
) -> tuple[Nest, dict[str, Tensor]] | None:
    both = f"({a.letter.strip('()')},{b.letter.strip('()')})"
    images: dict[Read, Read] = {}
    views: dict[str, Tensor] = {}
    for root in (*nest.targets, *nest.values):
        for node in walk(root):
            if not isinstance(node, Read):
                if any(s in i.symbols for i in indices_of(node) for s in (a.letter, b.letter)):
                    return None
                continue
            if not any(letter in i.symbols for i in node.indices for letter in (a.letter, b.letter)):
                continue
            axes = _axes(node, a.letter, b.letter)
            if axes is None:
                return None
            outer, inner = axes
            tensor = tensors.get(node.tensor)
            if tensor is not None:
                if not _gapless(tensor, outer, inner, b.extent):
                    return None
                view = _view(tensor, outer, inner)
                views[view.name] = view
            images[node] = _seen(node, outer, inner, a.letter, b.extent, both, tensor is not None)

    def spread(loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
        one = Loop(both, a.extent * b.extent)
        return tuple(one if x == a else x for x in loops if x != b)

    loops = {"out": spread(nest.out), "reduce": spread(nest.reduce)}
    return nest.with_reads(lambda read: images.get(read, read), **loops), views


def _axes(read: Read, a: str, b: str) -> tuple[int, int] | None:
    """The axes at which a read has the two letters: a once, perhaps with others added, and b alone."""
    outer = [axis for axis, i in enumerate(read.indices) if a in i.symbols]
    inner = [axis for axis, i in enumerate(read.indices) if b in i.symbols]
    if len(outer) != 1 or len(inner) != 1 or outer == inner:
        return None
    if ((a,), 1) not in read.indices[outer[0]].terms or read.indices[inner[0]].letter != b:
        return None
    return outer[0], inner[0]


def _gapless(tensor: Tensor, outer: int, inner: int, extent: int) -> bool:
    return (
        tensor.shape[inner] == tensor.allotted[inner] == extent
        and tensor.strides[outer] == extent * tensor.strides[inner]
    )


def _view(tensor: Tensor, outer: int, inner: int) -> Tensor:
    """The tensor with two axes as one, in the place of the outer one."""
    by = tensor.shape[inner]
    place = {axis: n for n, axis in enumerate(a for a in range(len(tensor.shape)) if a != inner)}

    def without(values: Sequence[int]) -> tuple[int, ...]:
        return tuple(v * (by if axis == outer else 1) for axis, v in enumerate(values) if axis != inner)

    halo = tuple(
        (low * by, high * by) if axis == outer else (low, high)
        for axis, (low, high) in enumerate(tensor.halo)
        if axis != inner
    )
    # the inner axis is the next one inwards, but for axes of one element
    order = tuple(place[axis] for axis in tensor.order if axis != inner)
    return replace(
        tensor, name=_view_name(tensor.name, outer, inner), shape=without(tensor.shape), order=order,
        halo=halo, stored=without(tensor.allotted),
    )  # fmt: skip


def _view_name(name: str, outer: int, inner: int) -> str:
    return f"{name}{MARK}{outer}{inner}"


def _seen(read: Read, outer: int, inner: int, a: str, extent: int, letter: str, in_storage: bool) -> Read:
    rest = read.indices[outer] - a
    index = rest * extent + letter
    name = _view_name(read.tensor, outer, inner) if in_storage else read.tensor
    return Read(
        name, tuple(index if axis == outer else i for axis, i in enumerate(read.indices) if axis != inner)
    )
