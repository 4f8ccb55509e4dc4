"""The network as it grows: layers, their names and their parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.formula.ranges import Shape, solve
from pellucid.interop.importing.regroup import regrouping
from pellucid.interop.importing.values import Data, Known
from pellucid.layers import Flatten, FormulaLayer, Layer
from pellucid.network import INPUT
from pellucid.network.node import RESERVED

__all__ = ["Assembly"]

Array = NDArray[Any]
MOST_LAYERS = 1000
# Numbers that a file may have made of the arrays that it holds: so many, and more for each number it holds.
MOST_MADE, MADE_OF_EACH = 2**24, 8
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")
# As the transposing of feature maps is written.
CHANNELS_LAST = "y[n,i,j,c] = x[n,c,i,j]"


@dataclass
class Room:
    """How many numbers may still be made of the arrays that a file holds.

    A few bytes can ask for very many: an array that is expanded, joined with itself again and again, or read
    by a thousand layers that each keep a copy.
    """

    left: int = MOST_MADE

    def give(self, held: int) -> None:
        """For so many numbers that the file holds."""
        self.left += MADE_OF_EACH * held

    def take(self, count: int) -> None:
        """Raises a ValueError if there are not so many left."""
        if count > self.left:
            raise ValueError(
                f"with these {count:,} numbers, too many would be made of the arrays that the file holds"
            )
        self.left -= count


@dataclass
class Assembly:
    """Layers in order, each given its name and inputs as it is added.

    Attributes:
        input_shape: of one image.
        images: how many axes of ONNX's arrays count images: 1, or 0 where the whole input is one image.
        batch: how many images the file was written for, if it says so.
        dtype: of the parameters.
        room: for what is made of the file's arrays.
    """

    input_shape: Shape
    images: int
    batch: int | None
    dtype: np.dtype[Any]
    room: Room = field(default_factory=Room)
    layers: list[Layer] = field(default_factory=list)
    parameters: dict[str, Array] = field(default_factory=dict)
    owners: dict[tuple[object, ...], Layer] = field(default_factory=dict)
    names: set[str] = field(default_factory=lambda: {*RESERVED})

    @property
    def input(self) -> Data:
        return Data(INPUT, self.input_shape, self.input_shape)

    def add(
        self, layer: Layer, inputs: Sequence[Data], weights: Mapping[str, Known], name: str, kind: str
    ) -> Data:
        """The output of a new layer.

        Args:
            layer: without name and inputs.
            inputs: what it reads, in the order of its operands.
            weights: its parameters' values, by the names that its formula has for them.
            name: that the file gives it, if any.
            kind: a word for such layers, to be numbered, where there is no name.
        """
        if len(self.layers) >= MOST_LAYERS:
            raise ValueError(f"it has more than {MOST_LAYERS:,} layers")
        sources = tuple(self.read(data) for data in inputs)
        named = replace(layer, name=self._free_name(name, kind), inputs=sources)
        shapes = tuple((1, *data.shape) for data in inputs)
        formula = named.formula(shapes)
        given = dict(zip(named.operands, shapes, strict=True)) | {
            o: k.array.shape for o, k in weights.items()
        }
        output = solve(formula, given).shapes[formula.output][1:]
        self._keep(named, weights)
        return Data(str(named.name), output, output)

    def read(self, data: Data) -> str:
        """The name of a layer that gives the value in the shape in which it is meant."""
        if data.held == data.shape:
            return data.layer
        source = replace(data, shape=data.held)
        if len(data.held) == 3 and len(data.shape) == 1:
            return self._flattened(source)
        text, constants = regrouping(data.held, data.shape)
        return self.add(FormulaLayer(text, constants=constants), [source], {}, "", "reshape").layer

    def _flattened(self, maps: Data) -> str:
        """Feature maps as one vector; channels last if that is what they were transposed for."""
        before = next((layer for layer in self.layers if layer.name == maps.layer), None)
        if isinstance(before, FormulaLayer) and before.source == CHANNELS_LAST and before.inputs:
            height, width, channels = maps.shape
            shape = (channels, height, width)
            image = Data(before.inputs[0], shape, shape)
            return self.add(Flatten("HWC"), [image], {}, "", "flatten").layer
        return self.add(Flatten(), [maps], {}, "", "flatten").layer

    def reshaped(self, data: Data, shape: Shape) -> Data:
        """The value in another shape of as many elements."""
        if prod(shape) != prod(data.shape):
            raise ValueError(
                f"{data.shape} cannot be reshaped to {shape}: these are other numbers of elements"
            )
        return replace(data, shape=shape)

    def _keep(self, layer: Layer, weights: Mapping[str, Known]) -> None:
        """Adds the layer and its values, which it shares if an earlier layer has the same ones."""
        key = (type(layer), *((operand, k.name, k.digest) for operand, k in weights.items()))
        shared = bool(weights) and all(k.name for k in weights.values())
        owner = self.owners.setdefault(key, layer) if shared else layer
        if owner is not layer and dict(owner.parameters) == dict(layer.parameters):
            layer = replace(layer, shares=owner.name)
        else:
            for operand, parameter in layer.parameters.items():
                self.room.take(weights[operand].array.size)
                values = weights[operand].array.astype(self.dtype)
                self.parameters[f"{layer.name}.{parameter.name or operand}"] = values
        self.layers.append(layer)

    def _free_name(self, given: str, kind: str) -> str:
        """The given name or one like it, that no layer has."""
        name, number = plain(given) or f"{kind}1", 1
        stem = plain(given) + "_" if plain(given) else kind
        while name in self.names:
            number += 1
            name = f"{stem}{number}"
        self.names.add(name)
        return name


def plain(name: str) -> str:
    """A name of letters, digits and underscores that is like the given one; empty if there is none.

    >>> plain("features.0"), plain("/layer1/conv1/Conv"), plain("node_linear"), plain("42")
    ('features_0', 'layer1_conv1_Conv', 'linear', '')
    """
    # PyTorch's exporter begins the names of all nodes so.
    cleaned = re.sub(r"[^A-Za-z0-9_]+", "_", name.removeprefix("node_")).strip("_")
    found = WORD.match(cleaned)
    return found.group() if found else ""
