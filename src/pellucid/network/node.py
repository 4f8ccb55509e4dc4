"""Layers in their places: named, joined, their shapes solved."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pellucid.errors import NetworkError, PellucidError
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.layers import Layer, Parameter
from pellucid.layers.layer import LETTERS
from pellucid.layers.options import is_whole

__all__ = ["INPUT", "RESERVED", "Node", "checked_shape", "joined"]

INPUT = "input"
# These names belong to values of a run that no layer gives.
RESERVED = (INPUT, "loss", "targets", "weights")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
# Of one image's feature maps or of one parameter; the random numbers of one key reach no further.
MOST_ELEMENTS = 2**30


@dataclass(frozen=True)
class Node:
    """One layer in its place.

    Attributes:
        name: of the layer and of its output.
        layer: its description.
        sources: names of the outputs that it reads.
        shapes: what it reads, for one image: each shape begins with 1.
        formula: its equations for one image.
        ranges: their extents and shapes.
        owner: the layer whose parameters it uses, itself unless they are shared.
    """

    name: str
    layer: Layer
    sources: tuple[str, ...]
    shapes: tuple[Shape, ...]
    formula: Formula
    ranges: Ranges
    owner: str

    @cached_property
    def shape(self) -> Shape:
        """The output's shape, without N."""
        return self.ranges.shapes[self.formula.output][1:]

    @cached_property
    def parameters(self) -> dict[str, tuple[str, Shape]]:
        """For each parameter of the formula its full name and shape."""
        shapes = self.ranges.shapes
        return {o: (f"{self.owner}.{p.name or o}", shapes[o]) for o, p in self.layer.parameters.items()}


def checked_shape(given: Sequence[int]) -> Shape:
    """The shape of an input, (C, H, W), (features,) or other axes; anything else is a NetworkError."""
    sizes = tuple(given) if isinstance(given, Sequence) else ()
    shape = tuple(operator.index(n) for n in sizes if is_whole(n, 1))
    if len(shape) != len(sizes) or not 0 < len(shape) < max(LETTERS):
        wanted = "(C, H, W), (features,) or up to six sizes, all at least 1"
        raise NetworkError(f"an input shape is {wanted}, not {given!r:.150}", ("input_shape",))
    return shape


def joined(layers: Sequence[Layer], input_shape: Shape) -> tuple[Node, ...]:
    """The layers in order, each with a name and with the outputs that it reads.

    Raises:
        NetworkError: it names the layer and says why it cannot be joined.
    """
    names = _names(layers)
    known: dict[str, Node] = {}
    for position, (layer, name) in enumerate(zip(layers, names, strict=True)):
        default = (names[position - 1] if position else INPUT,)
        try:
            sources = _sources(layer, default, known, names)
            shapes = tuple((1, *(input_shape if s == INPUT else known[s].shape)) for s in sources)
            known[name] = _node(layer, name, sources, shapes, known)
        except PellucidError as error:
            raise NetworkError(f"layer {name}: {error}", ("layer", position)) from None
    return tuple(known.values())


def _sources(
    layer: Layer, default: tuple[str, ...], known: Mapping[str, Node], names: Sequence[str]
) -> tuple[str, ...]:
    given = default if layer.inputs is None else layer.inputs
    if not isinstance(given, tuple | list) or not all(isinstance(s, str) for s in given):
        raise NetworkError(f"its inputs are a tuple of names, not {given!r}")
    for source in given:
        if source != INPUT and source not in known:
            later = " (it comes later)" if source in names else ""
            there = ", ".join([INPUT, *known])
            raise NetworkError(f"its input {source!r} is no earlier layer{later}; there are {there}")
    if len(given) != len(layer.operands):
        wanted, named = len(layer.operands), ", ".join(given) or "none"
        raise NetworkError(
            f"it reads {wanted} input{'s' * (wanted > 1)}, but {len(given)} are named: {named}"
        )
    return tuple(given)


def _node(
    layer: Layer, name: str, sources: tuple[str, ...], shapes: tuple[Shape, ...], known: Mapping[str, Node]
) -> Node:
    formula = layer.formula(shapes)
    ranges = solve(formula, dict(zip(layer.operands, shapes, strict=True)))
    shape = ranges.shapes[formula.output]
    if not shape or shape[0] != 1 or not _carries_images(formula):
        last = formula.equations[-1]
        raise NetworkError(f"the first axis of its output must be the images' index n, unlike in {last!r}")
    node = Node(name, layer, sources, shapes, formula, ranges, _owner(layer, name, known))
    _check_sizes(node)
    if len({full for full, _ in node.parameters.values()}) < len(node.parameters):
        raise NetworkError("two of its parameters have the same name")
    shared = known[node.owner].parameters if node.owner in known else {}
    for operand, (full, shape) in shared.items():
        if node.parameters[operand][1] != shape:
            raise NetworkError(
                f"{full} would have the shape {node.parameters[operand][1]}, but it has {shape}"
            )
    return node


def _carries_images(formula: Formula) -> bool:
    """Whether the output's first letter is the first letter of what the formula reads."""
    first = formula.defined[formula.output].target.indices[0].letter
    return first is not None and any(r.indices and r.indices[0].letter == first for _, r in formula.reads())


def _owner(layer: Layer, name: str, known: Mapping[str, Node]) -> str:
    if layer.shares is None:
        return name
    other = known.get(layer.shares) if isinstance(layer.shares, str) else None
    if other is None or not _alike(other.layer.parameters, layer.parameters):
        raise NetworkError(
            f"it shares the parameters of {layer.shares!r}, which is no earlier layer with the same ones"
        )
    return other.owner


def _alike(one: Mapping[str, Parameter], other: Mapping[str, Parameter]) -> bool:
    return bool(one) and dict(one) == dict(other)


def _check_sizes(node: Node) -> None:
    sizes = {"its output": math.prod(node.shape)}
    sizes |= {f"its parameter {name}": math.prod(shape) for name, shape in node.parameters.values()}
    for what, size in sizes.items():
        if size > MOST_ELEMENTS:
            raise NetworkError(f"{what} would have {size:,} elements; {MOST_ELEMENTS:,} are allowed")


def _names(layers: Sequence[Layer]) -> list[str]:
    """The given names, and automatic ones such as ``conv1``."""
    names: list[str] = []
    given = {layer.name for layer in layers if layer.name}
    counts: dict[str, int] = {}
    for position, layer in enumerate(layers):
        name = layer.name
        while name is None or (layer.name is None and name in given):
            counts[layer.kind] = counts.get(layer.kind, 0) + 1
            name = f"{layer.kind}{counts[layer.kind]}"
        problem = _wrong_name(name, names)
        if problem:
            raise NetworkError(problem, ("layer", position, "name"))
        names.append(name)
    return names


def _wrong_name(name: object, taken: Sequence[str]) -> str | None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        rule = "up to 100 letters, digits and underscores and begins with a letter"
        return f"a layer's name has {rule}, unlike {name!r:.150}"
    if name in RESERVED:
        return f"a layer cannot be named {name!r}"
    return f"two layers are named {name!r}" if name in taken else None
