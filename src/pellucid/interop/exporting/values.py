"""Values with an axis for each index letter that they depend on, brought together for an operator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from pellucid.errors import UsageError
from pellucid.interop.exporting.graph import Dim, Graph

__all__ = ["Value", "Values"]


@dataclass(frozen=True)
class Value:
    """A tensor of the graph; its axes are these letters, in the order of the equation."""

    name: str
    letters: tuple[str, ...] = ()


class Values:
    """What can be done with values.

    Args:
        graph: to which operators are added.
        extents: of every letter; None is the number of images.
    """

    def __init__(self, graph: Graph, extents: Mapping[str, Dim]) -> None:
        self.graph, self.extents = graph, extents

    def dims(self, letters: Sequence[str]) -> tuple[Dim, ...]:
        return tuple(self.extents[s] for s in letters)

    def length(self, letters: Sequence[str]) -> Dim:
        """Of the axis on which the letters lie flattened."""
        sizes = self.dims(letters)
        if len(sizes) > 1 and None in sizes:
            raise UsageError(f"the index ({','.join(letters)}) joins the images' index with others")
        return sizes[0] if len(sizes) == 1 else math.prod(size or 0 for size in sizes)

    def joined(self, kind: str, values: Sequence[Value], letters: Sequence[str]) -> Value:
        """An operator that works element by element, on values that are stretched to each other's axes."""
        union = tuple(s for s in letters if any(s in v.letters for v in values))
        return Value(self.graph.add(kind, *(self.aligned(v, union) for v in values)), union)

    def chained(self, kind: str, values: Sequence[Value], letters: Sequence[str]) -> Value:
        """An operator of two values, from the first to the last."""
        return reduce(lambda one, other: self.joined(kind, [one, other], letters), values)

    def times(self, value: Value, letters: Sequence[str], number: float = 1) -> Value:
        """The value times a number and times how many values the letters take together."""
        if number == 1 and not letters:
            return value
        return self.chained("Mul", [value, self.size(letters, number)], value.letters)

    def size(self, letters: Sequence[str], number: float = 1) -> Value:
        """A number times how many values the letters take together."""
        sizes = self.dims(letters)
        known = number * math.prod(n for n in sizes if n is not None)
        found = [Value(self.graph.constant(np.array(known, float)))]
        if None in sizes:
            found += [self.images()] * sizes.count(None)
        return self.chained("Mul", found, ())

    def images(self) -> Value:
        """The number of images."""
        count = self.graph.add("Squeeze", self.graph.count(), self.graph.integers([0]))
        return Value(self.graph.float(count))

    def aligned(self, value: Value, letters: Sequence[str]) -> str:
        """The value with an axis for each of the letters from its own first one on; others have length 1."""
        if not value.letters:
            return value.name
        tail = letters[list(letters).index(value.letters[0]) :]
        missing = [axis for axis, s in enumerate(tail) if s not in value.letters]
        if not missing:
            return value.name
        return self.graph.add("Unsqueeze", value.name, self.graph.integers(missing))

    def spread(self, value: Value, letters: Sequence[str]) -> Value:
        """The value repeated along the letters on which it does not depend."""
        if value.letters == tuple(letters):
            return value
        lengths = [1 if s in value.letters else self.extents[s] for s in letters]
        if None in lengths:
            parts = (self.graph.count() if d is None else self.graph.integers([d]) for d in lengths)
            shape = self.graph.add("Concat", *parts, axis=0)
        else:
            shape = self.graph.integers([d or 0 for d in lengths])
        return Value(self.graph.add("Expand", self.aligned(value, letters), shape), tuple(letters))

    def ordered(self, value: Value, letters: Sequence[str]) -> Value:
        """The same value with its axes in the order of the letters."""
        wanted = tuple(s for s in letters if s in value.letters)
        if wanted == value.letters:
            return value
        order = [value.letters.index(s) for s in wanted]
        return Value(self.graph.add("Transpose", value.name, perm=order), wanted)

    def regrouped(self, value: Value, dims: Sequence[Dim]) -> str:
        """The value with other axes, whose elements come in the same order."""
        return self.graph.reshape(value.name, self.dims(value.letters), dims)

    def reduced(self, kind: str, value: Value, letters: Sequence[str]) -> Value:
        """A reduction over those of the letters that the value has."""
        axes = [axis for axis, s in enumerate(value.letters) if s in letters]
        if not axes:
            return value
        kept = tuple(s for s in value.letters if s not in letters)
        if kind == "ReduceSum":  # the only one whose axes are an input in version 17
            return Value(self.graph.add(kind, value.name, self.graph.integers(axes), keepdims=0), kept)
        return Value(self.graph.add(kind, value.name, axes=axes, keepdims=0), kept)
