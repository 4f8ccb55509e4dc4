"""The article's first section: which layers there are, how they are joined, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.engine.program import LOSS
from pellucid.explain.article.content import (
    Block,
    Card,
    Cell,
    Diagram,
    Link,
    Paragraph,
    Section,
    Table,
    paragraph,
)
from pellucid.explain.article.notation import shown_shape
from pellucid.explain.article.writing import Writing
from pellucid.formula.ranges import Shape
from pellucid.network import INPUT, Network, Node
from pellucid.network_file.describing import chosen_options
from pellucid.summary import BYTES, LayerSummary, Summary

__all__ = ["architecture"]

NO_BREAK = "\N{NO-BREAK SPACE}"
HEADINGS = (
    "layer", "type", "options", "output", "parameters", "multiply-adds", "receptive field",
)  # fmt: skip


def architecture(writing: Writing) -> Section:
    """Diagram, table of layers, and totals."""
    network = writing.network
    summary = network.summary()
    rows = [_row(layer, node) for layer, node in zip(summary.layers, network.nodes, strict=True)]
    total: tuple[Cell, ...] = (
        ("total",), (), (), (), (f"{summary.parameters:,}",), (f"{summary.multiply_adds:,}",), (),
    )  # fmt: skip
    table = Table("The layers, for one image", HEADINGS, tuple(rows), frozenset({4, 5}), total)
    blocks: tuple[Block, ...] = (_opening(network), _diagram(network), table, _memory(network, summary))
    return Section("Architecture", "architecture", blocks)


def _opening(network: Network) -> Paragraph:
    count = len(network.nodes)
    layers = "one layer" if count == 1 else f"{count} layers"
    end = (
        "It has no loss of its own."
        if network.loss is None
        else f"Training minimises its loss, {type(network.loss).__name__}."
    )
    return paragraph(
        f"The network takes {shown_shape(network.input_shape)} numbers and gives "
        f"{shown_shape(network.output_shape)}, by {layers}. ", end
    )  # fmt: skip


def _diagram(network: Network) -> Diagram:
    cards = [Card(INPUT, "", network.input_shape)]
    cards += [
        Card(n.name, type(n.layer).__name__, n.shape, n.sources, f"forward-{n.name}") for n in network.nodes
    ]
    if network.loss is not None:
        cards.append(Card(LOSS, type(network.loss).__name__, (), (network.output,), "loss"))
    return Diagram(
        f"The architecture of {network.name}: what each layer reads, and the shape of what it gives",
        tuple(cards),
    )


def _row(layer: LayerSummary, node: Node) -> tuple[Cell, ...]:
    name = Link(layer.name, f"forward-{layer.name}")
    shared = "" if node.owner == node.name else f", parameters of {node.owner}"
    return (
        (name,), (layer.type,), (_options(node) + shared,), (_whole(layer.output_shape),),
        (f"{layer.parameters:,}",), (f"{layer.multiply_adds:,}",), (_whole(layer.receptive_field),),
    )  # fmt: skip


def _whole(shape: Shape) -> str:
    """Sizes on one line."""
    return shown_shape(shape).replace(" ", NO_BREAK)


def _options(node: Node) -> str:
    """The layer's hyperparameters; a layer of equations has them in its equations."""
    options = {k: v for k, v in chosen_options(node.layer).items() if k not in ("formula", "parameters")}
    return ", ".join(f"{k}{NO_BREAK}{_plain(v)}" for k, v in options.items())


def _plain(value: Any) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{k} = {_plain(v)}" for k, v in value.items())
        case list():
            return " × ".join(map(_plain, value))
        case bool():
            return "yes" if value else "no"
    return str(value)


def _memory(network: Network, summary: Summary) -> Paragraph:
    parameters, outputs = summary.parameter_bytes, summary.output_bytes
    return paragraph(
        f"In float32, {BYTES} bytes a number, the {summary.parameters:,} parameters take "
        f"{_size(parameters)} and the outputs of all layers {_size(outputs)} for each image; training keeps "
        "a gradient beside each of them."
    )  # fmt: skip


def _size(count: int) -> str:
    """Bytes as people read them."""
    for unit, size in (("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
