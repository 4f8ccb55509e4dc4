"""One node with what it reads: what the operators' descriptions are written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from pellucid.formula.ranges import Shape
from pellucid.interop.importing.assembly import Assembly, plain
from pellucid.interop.importing.graph import Operation, array
from pellucid.interop.importing.values import Data, Known, Value
from pellucid.layers import FormulaLayer, Layer, Parameter
from pellucid.layers.layer import letters_for

__all__ = ["Node", "letters"]

LARGEST = 2**31
# The attributes' types, as ONNX numbers them.
FLOAT, INT, STRING, TENSOR, INTS = 1, 2, 3, 4, 7
# Attributes without a meaning for what a node gives.
IGNORED = frozenset({"consumed_inputs", "seed", "momentum", "storage_order", "spatial"})


def letters(rank: int) -> list[str]:
    """An index letter for each axis of an image, without the images' own n.

    Raises:
        GeometryError: there are more axes than networks have.

    >>> letters(3)
    ['c', 'i', 'j']
    """
    return letters_for((1,) * (rank + 1), "an operator").split(",")[1:]


@dataclass
class Node:
    """A node, the values that it reads, and the network to which it adds layers.

    Attributes:
        operation: as the file has it.
        values: what it reads; None for what was left out.
        assembly: the network so far.
        opset: version of the operators.
    """

    operation: Operation
    values: Sequence[Value | None]
    assembly: Assembly
    opset: int
    asked: set[str | int] = field(default_factory=set)

    @property
    def op(self) -> str:
        return self.operation.op

    @property
    def gives_more(self) -> bool:
        """Whether there is a second output."""
        return any(self.operation.outputs[1:])

    # What it reads.

    def value(self, place: int) -> Value:
        found = self.optional(place)
        if found is None:
            raise ValueError(f"its input {place + 1} is missing")
        return found

    def optional(self, place: int) -> Value | None:
        self.asked.add(place)
        return self.values[place] if place < len(self.values) else None

    def data(self, place: int = 0) -> Data:
        """What depends on the image."""
        found = self.value(place)
        if isinstance(found, Known):
            raise ValueError(f"its input {place + 1} does not depend on the image, which is not supported")
        return found

    def known(self, place: int) -> Known:
        """What does not depend on the image."""
        found = self.value(place)
        if isinstance(found, Data):
            raise ValueError(f"its input {place + 1} depends on the image, which is not supported")
        return found

    def whole_numbers(self, place: int) -> list[int] | None:
        """A list of integers that is an input; None if it was left out."""
        if self.optional(place) is None:
            return None
        found = self.known(place).array
        if found.dtype.kind not in "iu" or found.ndim > 1 or found.size > 64:
            raise ValueError(f"its input {place + 1} is not a list of up to 64 integers")
        return [_small(int(v)) for v in found.reshape(-1)]

    def far(self, place: int) -> list[int] | None:
        """Places that are an input; the end of everything is written there as the largest integer."""
        if self.optional(place) is None:
            return None
        found = self.known(place).array
        if found.dtype.kind not in "iu" or found.ndim > 1 or found.size > 64:
            raise ValueError(f"its input {place + 1} is not a list of up to 64 integers")
        return [max(min(int(v), LARGEST), -LARGEST) for v in found.reshape(-1)]

    def number(self, place: int) -> float | None:
        """A single number that is an input; None if it was left out."""
        if self.optional(place) is None:
            return None
        found = self.known(place).array
        if found.size != 1:
            raise ValueError(f"its input {place + 1} is not a single number")
        return float(found.reshape(()))

    # Its attributes.

    def attribute(self, name: str, kind: int) -> Any:
        """ONNX's message of an attribute, or None."""
        self.asked.add(name)
        found = self.operation.attributes.get(name)
        if found is not None and found.type != kind:
            raise ValueError(f"its attribute {name!r} is of another type than {self.op}'s")
        return found

    def whole(self, name: str, default: int) -> int:
        found = self.attribute(name, INT)
        return default if found is None else _small(found.i)

    def flag(self, name: str, default: bool = False) -> bool:
        return bool(self.whole(name, int(default)))

    def real(self, name: str, default: float) -> float:
        found = self.attribute(name, FLOAT)
        value = default if found is None else float(found.f)
        if not isfinite(value):
            raise ValueError(f"its attribute {name!r} is not finite")
        return value

    def bound(self, name: str) -> float | None:
        """A number that stands only where there is a limit."""
        return self.real(name, 0.0) if name in self.operation.attributes else None

    def wholes(self, name: str) -> list[int] | None:
        found = self.attribute(name, INTS)
        if found is not None and len(found.ints) > 64:
            raise ValueError(f"its attribute {name!r} has {len(found.ints):,} integers; 64 are allowed")
        return None if found is None else [_small(v) for v in found.ints]

    def word(self, name: str, default: str, allowed: Sequence[str]) -> str:
        found = self.attribute(name, STRING)
        word = default if found is None else found.s[:100].decode("utf-8", "replace")
        if word not in allowed:
            raise ValueError(f"its attribute {name!r} is one of {', '.join(allowed)}, not {word!r}")
        return word

    def tensor(self, name: str) -> Known | None:
        found = self.attribute(name, TENSOR)
        return None if found is None else Known(array(found.t), self.operation.name)

    def check_asked(self) -> None:
        """Raises a ValueError if the node has an input or an attribute that nobody asked for."""
        unknown = sorted(self.operation.attributes.keys() - self.asked - IGNORED)
        if unknown:
            raise ValueError(f"its attribute {unknown[0][:100]!r} is not known")
        unread = [p for p, value in enumerate(self.values) if value is not None and p not in self.asked]
        if unread:
            raise ValueError(f"its input {unread[0] + 1} is not known")

    # Its axes.

    def axis(self, number: int, rank: int) -> int:
        """An axis of the image's, for a number that counts all of ONNX's `rank` axes, perhaps from the end.

        Raises:
            ValueError: it is the images' axis, or there is none of that number.
        """
        whole = number + rank if number < 0 else number
        if not 0 <= whole < rank:
            raise ValueError(f"it has no axis {number}: there are {rank}")
        if whole < self.assembly.images:
            raise ValueError("it works along the images' axis; each image must be by itself")
        return whole - self.assembly.images

    def rank(self, data: Data) -> int:
        """How many axes ONNX counts."""
        return len(data.shape) + self.assembly.images

    def aligned(self, known: Known, rank: int) -> Shape:
        """The shape of an array beside images with this many axes: without an axis for the images."""
        shape = known.array.shape
        while len(shape) > rank and shape[0] == 1:
            shape = shape[1:]
        if len(shape) > rank:
            raise ValueError(f"an array of shape {known.array.shape} holds something else for each image")
        return shape

    # What it becomes.

    def layer(
        self, layer: Layer, inputs: Sequence[Data] = (), weights: Mapping[str, Known] | None = None
    ) -> Data:
        """The output of one of pellucid's layers; it reads the node's first input unless told otherwise."""
        weights = weights or {}
        return self.assembly.add(
            layer, inputs or [self.data()], weights, self._name(weights), type(layer).kind
        )

    def formula(
        self,
        source: str,
        inputs: Mapping[str, Data] | None = None,
        weights: Mapping[str, tuple[str, Known, str]] | None = None,
        constants: Mapping[str, int | float] | None = None,
        padding: Mapping[str, Mapping[int, object]] | None = None,
    ) -> Data:
        """The output of a layer that is an equation.

        Args:
            source: the equations; the language of formulas.
            inputs: the values of its operands; the node's first input as ``x`` unless told otherwise.
            weights: for each trained array its index letters, its values and the name that it gets if it has
                none.
            constants: of the equations; those of integral sizes only that follow from nothing else.
            padding: as `FormulaLayer` has it.
        """
        inputs, weights = inputs or {"x": self.data()}, weights or {}
        values = {operand: known for operand, (_, known, _) in weights.items()}
        name = self._name(values)
        parameters = {
            operand: Parameter(axes, 0.0 if word == "bias" else 1.0, self._word(known, name, word))
            for operand, (axes, known, word) in weights.items()
        }
        layer = FormulaLayer(source, parameters=parameters, constants=constants or {}, padding=padding or {})
        ordered = [inputs[operand] for operand in layer.operands]
        return self.assembly.add(layer, ordered, values, name, self.op.lower())

    def _name(self, weights: Mapping[str, Known]) -> str:
        """As the weights are called, ``conv1.weight``; else the node's own name."""
        named = (k.name.rpartition(".")[0] for k in weights.values())
        return next(filter(None, map(plain, named)), plain(self.operation.name))

    def _word(self, known: Known, layer: str, default: str) -> str:
        before, _, word = known.name.rpartition(".")
        return word if before and plain(before) == layer and plain(word) == word else default


def _small(value: int) -> int:
    """An integer in the range that sizes have."""
    if abs(value) > LARGEST:
        raise ValueError(f"the number {value:,} is too large for a size")
    return int(value)
