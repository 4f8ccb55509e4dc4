"""A network: a directed acyclic graph of named layers, a chain unless said otherwise.  A description, no state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pellucid import random
from pellucid.errors import FormulaError, NetworkError
from pellucid.formula.expression import Reduce, walk
from pellucid.formula.formula import Formula, target_letters
from pellucid.formula.index import flat_parts
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.layers import Layer, Loss, Parameter, Softmax

__all__ = ["INPUT", "Network", "Node"]

INPUT = "input"
Array = np.ndarray


@dataclass(frozen=True)
class Node:
    """One layer in its place.

    Attributes:
        name: of the layer and of its output.
        layer: its description.
        sources: names of the outputs that it reads.
        shapes: what it reads, for one image: each shape begins with 1.
        ranges: extents and shapes for one image.
        owner: the layer whose parameters it uses, itself unless they are shared.
    """

    name: str
    layer: Layer
    sources: tuple[str, ...]
    shapes: tuple[Shape, ...]
    ranges: Ranges
    owner: str

    @cached_property
    def shape(self) -> Shape:
        """The output's shape, without N."""
        return self.ranges.shapes[self.formula.output][1:]

    @cached_property
    def formula(self) -> Formula:
        return self.layer.formula(self.shapes)

    @cached_property
    def parameters(self) -> dict[str, tuple[str, Shape]]:
        """For each parameter of the formula its full name and shape."""
        shapes = self.ranges.shapes
        return {o: (f"{self.owner}.{p.name or o}", shapes[o]) for o, p in self.layer.parameters.items()}


class Network:
    """Layers joined to a network.

    Args:
        layers: in order; each reads the one before it, or those that its `inputs` name (``"input"`` is the image).
        input_shape: (C, H, W) of an image, or (features,).
        loss: what training minimises; without one, gradients need an upstream gradient.
        name: of the architecture, for titles.

    Raises:
        NetworkError: layers that cannot be joined: the sentence names the layer and says why.

    >>> from pellucid.layers import Conv2D, Dense, Flatten, ReLU, SoftmaxCrossEntropy
    >>> net = Network([Conv2D(8, 3), ReLU(), Flatten("HWC"), Dense(10)], (1, 28, 28), SoftmaxCrossEntropy())
    >>> [node.name for node in net.nodes]
    ['conv1', 'relu1', 'flatten1', 'dense1']
    >>> net.parameter_shapes["dense1.weight"]
    (10, 5408)
    """

    def __init__(
        self, layers: Sequence[Layer], input_shape: Sequence[int], loss: Loss | None = None, *, name: str = "network"
    ) -> None:
        if not layers:
            raise NetworkError("a network needs at least one layer")
        self.input_shape: Shape = tuple(int(n) for n in input_shape)
        if len(self.input_shape) not in (1, 3) or any(n < 1 for n in self.input_shape):
            raise NetworkError(f"an input shape is (C, H, W) or (features,), all at least 1, not {tuple(input_shape)}")
        self.loss = loss
        self.name = name
        self.nodes = tuple(_joined(layers, self.input_shape))
        self._check_use()
        self._check_loss()

    @property
    def output(self) -> str:
        """Name of the last layer."""
        return self.nodes[-1].name

    @property
    def output_shape(self) -> Shape:
        return self.nodes[-1].shape

    @cached_property
    def by_name(self) -> dict[str, Node]:
        return {n.name: n for n in self.nodes}

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with their names and inputs filled in."""
        return tuple(replace(n.layer, name=n.name, inputs=n.sources) for n in self.nodes)

    @cached_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Shape of each parameter by its full name, in the order of the layers."""
        shapes: dict[str, Shape] = {}
        for node in self.nodes:
            for name, shape in node.parameters.values():
                if shapes.setdefault(name, shape) != shape:
                    raise NetworkError(f"layer {node.name}: {name} would have the shape {shape}, but it has {shapes[name]}")
        return shapes

    def initial_parameters(self, seed: int = 0, dtype: object = np.float32) -> dict[str, Array]:
        """First values of all parameters: the same on every machine for the same seed."""
        values: dict[str, Array] = {}
        for node in self.nodes:
            for operand, (name, shape) in node.parameters.items():
                if name not in values:
                    values[name] = _first_value(self, node, operand, random.key(seed, "init", name), shape).astype(dtype)  # type: ignore[arg-type]
        return values

    def checked_parameters(self, parameters: Mapping[str, Array], dtype: object) -> dict[str, Array]:
        """All parameters as arrays of the type, after their names and shapes were compared with the network's."""
        missing = [n for n in self.parameter_shapes if n not in parameters]
        extra = [n for n in parameters if n not in self.parameter_shapes]
        if missing or extra:
            what = f"{missing[0]!r} is missing" if missing else f"{extra[0]!r} is none of them"
            raise NetworkError(f"parameters of {self.name}: {what}; they are {', '.join(self.parameter_shapes)}")
        arrays = {n: np.ascontiguousarray(parameters[n], dtype=dtype) for n in self.parameter_shapes}  # type: ignore[call-overload]
        for name, array in arrays.items():
            if array.shape != self.parameter_shapes[name]:
                raise NetworkError(f"{name} has the shape {self.parameter_shapes[name]}, not {array.shape}")
        return arrays

    def _check_use(self) -> None:
        read = {s for n in self.nodes for s in n.sources}
        for node in self.nodes[:-1]:
            if node.name not in read:
                raise NetworkError(f"layer {node.name}: nothing reads its output")

    def _check_loss(self) -> None:
        if self.loss is None:
            return
        last = self.nodes[-1]
        if self.loss.classification and isinstance(last.layer, Softmax):
            raise NetworkError(
                f"layer {last.name}: {type(self.loss).__name__} applies softmax itself; remove the Softmax layer at the end"
            )
        try:
            self.loss.formula((1, *last.shape))
        except FormulaError as error:
            raise NetworkError(f"loss after layer {last.name}: {error}") from None


def _joined(layers: Sequence[Layer], input_shape: Shape) -> list[Node]:
    names = [*_names(layers)]
    known: dict[str, Node] = {}
    nodes: list[Node] = []
    for layer, name in zip(layers, names, strict=True):
        default = (nodes[-1].name if nodes else INPUT,)
        sources = layer.inputs if layer.inputs is not None else default
        node = _node(layer, name, tuple(sources), known, names, input_shape)
        known[name] = node
        nodes.append(node)
    return nodes


def _node(layer: Layer, name: str, sources: tuple[str, ...], known: Mapping[str, Node], names: Sequence[str], input_shape: Shape) -> Node:
    for source in sources:
        if source != INPUT and source not in known:
            later = " (it comes later)" if source in names else ""
            raise NetworkError(f"layer {name}: its input {source!r} is no earlier layer{later}; there are {', '.join([INPUT, *known])}")
    if len(sources) != len(layer.operands):
        raise NetworkError(f"layer {name}: it reads {len(layer.operands)} inputs, but {len(sources)} are named")
    shapes = tuple((1, *(input_shape if s == INPUT else known[s].shape)) for s in sources)
    owner = layer.shares or name
    if owner != name and (owner not in known or known[owner].layer.parameters != layer.parameters):
        raise NetworkError(f"layer {name}: it shares the parameters of {owner!r}, which is no earlier layer with the same ones")
    try:
        formula = layer.formula(shapes)
        ranges = solve(formula, dict(zip(layer.operands, shapes, strict=True)))
    except FormulaError as error:
        raise NetworkError(f"layer {name}: {error}") from None
    shape = ranges.shapes[formula.output]
    if not shape or shape[0] != 1 or not _carries_images(formula):
        raise NetworkError(f"layer {name}: the first axis of its output must be the images' index n, as in {formula.equations[-1]!r}")
    return Node(name, layer, sources, shapes, ranges, owner)


def _carries_images(formula: Formula) -> bool:
    """Whether the output's first letter is the first letter of what the formula reads."""
    first = formula.defined[formula.output].target.indices[0].letter
    return first is not None and any(r.indices and r.indices[0].letter == first for _, r in formula.reads())


def _names(layers: Sequence[Layer]) -> list[str]:
    names: list[str] = []
    given = {layer.name for layer in layers if layer.name}
    counts: dict[str, int] = {}
    for layer in layers:
        name = layer.name
        while name is None or (layer.name is None and name in given):
            counts[layer.kind] = counts.get(layer.kind, 0) + 1
            name = f"{layer.kind}{counts[layer.kind]}"
        if name in names or name == INPUT:
            raise NetworkError(f"two layers are named {name!r}" if name in names else f"a layer cannot be named {INPUT!r}")
        if not name.replace("_", "a").isalnum() or not name.isascii() or not name[0].isalpha():
            raise NetworkError(f"a layer's name has letters, digits and underscores and begins with a letter, unlike {name!r}")
        names.append(name)
    return names


def _first_value(network: Network, node: Node, operand: str, key: int, shape: Shape) -> Array:
    parameter = node.layer.parameters[operand]
    if isinstance(parameter.init, int | float):
        return np.full(shape, float(parameter.init))
    kind = parameter.init
    if kind == "auto":
        readers = [n.layer for n in network.nodes if node.name in n.sources]
        kind = "he" if any(reader.rectifies for reader in readers) else "glorot"
    inward, outward = fans(node, operand, parameter)
    if kind == "he":
        return random.normal(key, shape) * math.sqrt(2 / inward)
    limit = math.sqrt(6 / (inward + outward))
    return (2 * random.uniform(key, shape) - 1) * limit


def fans(node: Node, operand: str, parameter: Parameter) -> tuple[int, int]:
    """How many inputs one output sees through a parameter, and how many outputs one input reaches."""
    shape = node.ranges.shapes[operand]
    outputs = {s for e in node.formula.equations for s in target_letters(e)}
    letters = [set(flat_parts(i) or (i.letter or "",)) for i in node.formula.axes[operand]]
    summed = {b.letter for e in node.formula.equations for n in walk(e.value) if isinstance(n, Reduce) for b in n.letters}
    own = {o for _, r in node.formula.reads() if r.tensor not in node.parameters for i in r.indices for o in flat_parts(i) or (i.letter or "",)}
    seen = math.prod(n for n, axis in zip(shape, letters, strict=True) if axis & outputs)
    fed = math.prod(n for n, axis in zip(shape, letters, strict=True) if axis & summed & own)
    total = math.prod(shape)
    return max(1, total // seen), max(1, total // fed)


