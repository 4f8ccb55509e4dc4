"""What a network is made of and what it takes, layer by layer, all of it from the layers' equations."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pellucid.formula.cost import multiply_adds
from pellucid.formula.field import Box, hull, seen
from pellucid.formula.ranges import Shape
from pellucid.network import INPUT, Network, Node

__all__ = ["LayerSummary", "Summary", "summarise"]

BYTES = 4  # of one float32

WORDS = ("layer", "type", "output", "receptive field")
NUMBERS = ("parameters", "multiply-adds", "output bytes", "parameter bytes")


@dataclass(frozen=True)
class LayerSummary:
    """One layer, for one image.

    Attributes:
        name: of the layer.
        type: its class.
        output_shape: without N.
        parameters: number of elements of its own parameters; 0 if another layer owns them.
        multiply_adds: of the forward pass, as its equations are written.
        receptive_field: rows and columns (or features) of the input that one element of the output sees.
        output_bytes: of its output in float32.
        parameter_bytes: of its own parameters in float32.
    """

    name: str
    type: str
    output_shape: Shape
    parameters: int
    multiply_adds: int
    receptive_field: Shape
    output_bytes: int
    parameter_bytes: int


@dataclass(frozen=True)
class Summary:
    """A network's layers, and the totals over all of them.

    `str()` gives a table of text, a notebook shows one of HTML, `to_dict` what a program may read.
    """

    name: str
    input_shape: Shape
    loss: str | None
    layers: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Number of elements of all parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of the forward pass for one image."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def output_bytes(self) -> int:
        """Of all layers' outputs for one image, float32."""
        return sum(layer.output_bytes for layer in self.layers)

    @property
    def parameter_bytes(self) -> int:
        """Of all parameters, float32."""
        return sum(layer.parameter_bytes for layer in self.layers)

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        totals = {
            n: getattr(self, n) for n in ("parameters", "multiply_adds", "output_bytes", "parameter_bytes")
        }
        layers = [{k: _plain(v) for k, v in asdict(layer).items()} for layer in self.layers]
        described = {"name": self.name, "input_shape": list(self.input_shape), "loss": self.loss}
        return described | totals | {"layers": layers}

    def __str__(self) -> str:
        rows = [(*WORDS, *NUMBERS), *map(_cells, self.layers), self._total()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(_aligned(row, widths)) for row in rows]
        rule = "-" * max(map(len, lines))
        return "\n".join([self._caption(), lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{heading}</th>' for heading in (*WORDS, *NUMBERS))
        body = "".join(_html_row(_cells(layer)) for layer in self.layers)
        return (
            f"<table><caption>{html.escape(self._caption())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody><tfoot>{_html_row(self._total())}</tfoot></table>"
        )

    def _caption(self) -> str:
        loss = f", {self.loss}" if self.loss else ""
        return f"{self.name}: input {_size(self.input_shape)}{loss}; for one image, in float32"

    def _total(self) -> tuple[str, ...]:
        numbers = self.parameters, self.multiply_adds, self.output_bytes, self.parameter_bytes
        return "total", "", "", "", *(f"{n:,}" for n in numbers)


def summarise(network: Network) -> Summary:
    """The summary of a network; see `pellucid.network.Network.summary`."""
    loss = None if network.loss is None else type(network.loss).__name__
    return Summary(
        network.name, network.input_shape, loss, tuple(_layer(network, node) for node in network.nodes)
    )


def _layer(network: Network, node: Node) -> LayerSummary:
    own = node.parameters.values() if node.owner == node.name else ()
    parameters = sum(math.prod(shape) for _, shape in own)
    return LayerSummary(
        name=node.name,
        type=type(node.layer).__name__,
        output_shape=node.shape,
        parameters=parameters,
        multiply_adds=multiply_adds(node.formula, node.ranges),
        receptive_field=receptive_field(network, node),
        output_bytes=BYTES * math.prod(node.shape),
        parameter_bytes=BYTES * parameters,
    )


def receptive_field(network: Network, node: Node) -> Shape:
    """Rows and columns (or features) of the input that the middle element of a layer's output depends on.

    Counted without regard to the image's border, but never more than the image has.
    """
    boxes: dict[str, Box] = {node.name: ((0, 0), *((size // 2, size // 2) for size in node.shape))}
    for earlier in reversed(network.nodes):
        if earlier.name not in boxes:
            continue
        read = seen(earlier.formula, earlier.ranges, boxes[earlier.name])
        for operand, source in zip(earlier.layer.operands, earlier.sources, strict=True):
            if operand in read:
                boxes[source] = hull(read[operand], boxes.get(source, read[operand]))
    spatial = network.input_shape[-2:]
    sides = boxes[INPUT][-len(spatial) :] if INPUT in boxes else ((0, -1),) * len(spatial)
    return tuple(min(high - low + 1, size) for (low, high), size in zip(sides, spatial, strict=True))


def _size(shape: Shape) -> str:
    return " × ".join(map(str, shape))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    numbers = layer.parameters, layer.multiply_adds, layer.output_bytes, layer.parameter_bytes
    shapes = _size(layer.output_shape), _size(layer.receptive_field)
    return layer.name, layer.type, *shapes, *(f"{n:,}" for n in numbers)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    sides = [str.ljust] * len(WORDS) + [str.rjust] * len(NUMBERS)
    return [side(cell, width) for side, cell, width in zip(sides, row, widths, strict=True)]


def _html_row(cells: Sequence[str]) -> str:
    first, *rest = (html.escape(cell) for cell in cells)
    return f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
