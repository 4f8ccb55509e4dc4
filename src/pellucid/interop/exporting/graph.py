"""An ONNX graph in the making: operators that are added one by one, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Dim", "Graph", "Operator", "Tensor"]

Array = NDArray[Any]
# The length of an axis; None is the number of images, which is known only when the graph runs.
Dim = int | None
Attributes = Mapping[str, int | float | str | Sequence[int]]


@dataclass(frozen=True)
class Tensor:
    """A value of the graph: its name and the lengths of its axes."""

    name: str
    shape: tuple[Dim, ...]


@dataclass(frozen=True)
class Operator:
    """One operator with the names of its inputs and of its output."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Attributes


class Graph:
    """Operators and constants, in order.

    Names within a layer are ``layer/Operator``; a layer's own name has no stroke, so none can clash.

    Args:
        dtype: of all numbers that are not indices, float32 or float64.

    Attributes:
        inputs: what is given when the graph runs, and its type.
        operators: in order.
        constants: arrays by name.
        names: the final names of operators' outputs, where they have one.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.inputs: dict[Tensor, np.dtype[Any]] = {}
        self.scope = ""
        self.operators: list[Operator] = []
        self.constants: dict[str, Array] = {}
        self.names: dict[str, str] = {}
        self._known: dict[object, str] = {}
        self._kept: dict[object, str] = {}
        self._counts: dict[str, int] = {}
        self._reshaped: dict[str, tuple[str, tuple[Dim, ...]]] = {}

    def input(self, name: str, shape: tuple[Dim, ...], dtype: DTypeLike | None = None) -> Tensor:
        """A value that is given; the first axis of the first one is the number of images."""
        tensor = Tensor(name, shape)
        self.inputs[tensor] = self.dtype if dtype is None else np.dtype(dtype)
        return tensor

    def begin(self, scope: str) -> None:
        """What is added from now on belongs to the layer of this name."""
        self.scope = scope
        self._known.clear()

    def add(self, kind: str, *inputs: str, **attributes: int | float | str | Sequence[int]) -> str:
        """The output of an operator; a layer that asks for the same again gets the same output."""
        key = (kind, inputs, repr(attributes))
        if key not in self._known:
            output = self._fresh(f"{self.scope}/{kind}")
            self.operators.append(Operator(kind, inputs, output, attributes))
            self._known[key] = output
        return self._known[key]

    def parameter(self, name: str, array: Array) -> None:
        """Adds an array under a name of its own."""
        self.constants[name] = array.astype(self.dtype)

    def constant(self, array: Array) -> str:
        """The name of a constant: floats in the graph's type, integers as int64, truth values as they are."""
        kind = {"f": self.dtype, "i": np.dtype(np.int64), "b": np.dtype(bool)}[array.dtype.kind]
        array = np.ascontiguousarray(array, kind).reshape(array.shape)
        key = (kind.str, array.shape, array.tobytes())
        if key not in self._kept:
            self._kept[key] = self._fresh("constants/")
            self.constants[self._kept[key]] = array
        return self._kept[key]

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def float(self, name: str) -> str:
        """The value as a number of the graph's type."""
        return self.add("CastLike", name, self.constant(np.ones(())))

    def count(self) -> str:
        """The number of images, an integer of shape (1,)."""
        return self.add("Shape", next(iter(self.inputs)).name, start=0, end=1)

    def reshape(self, name: str, before: Sequence[Dim], after: Sequence[Dim]) -> str:
        """The value with other axes; a reshape of a reshape is one, and one that changes nothing is none."""
        if tuple(after) == tuple(before):
            return name
        source, original = self._reshaped.get(name, (name, tuple(before)))
        if tuple(after) == original:
            return source
        output = self.add("Reshape", source, self.shape(after))
        self._reshaped[output] = source, original
        return output

    def shape(self, dims: Sequence[Dim]) -> str:
        """A shape as an operator takes it; a single unknown length follows from the others."""
        unknown = sum(d is None for d in dims)
        if unknown <= 1:
            return self.integers([-1 if d is None else d for d in dims])
        return self.add("Concat", *(self.count() if d is None else self.integers([d]) for d in dims), axis=0)

    def called(self, name: str, value: str) -> str:
        """The value under a public name; one that has a name already is copied."""
        if value in self.names or all(o.output != value for o in self.operators):
            value = self.add("Identity", value)
        self.names[value] = name
        return value

    def final(self, value: str) -> str:
        """The name of a value in the finished graph."""
        return self.names.get(value, value)

    def needed(self, output: str) -> tuple[list[Operator], dict[str, Array]]:
        """The operators and constants that a value depends on, under their final names."""
        wanted = {output}
        kept: list[Operator] = []
        for operator in reversed(self.operators):
            if operator.output in wanted:
                kept.append(operator)
                wanted |= {*operator.inputs}
        renamed = [
            replace(o, inputs=tuple(map(self.final, o.inputs)), output=self.final(o.output))
            for o in reversed(kept)
        ]
        return renamed, {n: a for n, a in self.constants.items() if n in wanted}

    def _fresh(self, stem: str) -> str:
        self._counts[stem] = self._counts.get(stem, 0) + 1
        count = self._counts[stem]
        return f"{stem}{count}" if stem.endswith("/") else stem if count == 1 else f"{stem}_{count}"
