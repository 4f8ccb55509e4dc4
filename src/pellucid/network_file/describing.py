"""A network as a document of JSON's types: what model files hold, and what a TOML file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import NetworkError
from pellucid.layers import LAYERS, LOSSES, Layer, Loss, Parameter
from pellucid.network import INPUT, Network, Node
from pellucid.network_file.options import Document, file_name, is_required, option_fields

__all__ = ["chosen_options", "network_to_document"]


def network_to_document(network: Network) -> Document:
    """The network's description; options that have their default are left out.

    Raises:
        NetworkError: a layer or loss whose class is not one of pellucid's.

    >>> from pellucid.layers import Dense
    >>> network_to_document(Network([Dense(3)], (4,), name="tiny"))
    {'name': 'tiny', 'input_shape': [4], 'layer': [{'type': 'Dense', 'name': 'dense1', 'units': 3}]}
    """
    document: Document = {"name": network.name, "input_shape": list(network.input_shape)}
    if network.loss is not None:
        options = chosen_options(network.loss)
        kind = _kind(network.loss, LOSSES, "the loss")
        document["loss"] = {"type": kind} | options if options else kind
    before = [INPUT, *(node.name for node in network.nodes)]
    document["layer"] = [_layer(node, name) for node, name in zip(network.nodes, before, strict=False)]
    return document


def _layer(node: Node, before: str) -> Document:
    entry: Document = {"type": _kind(node.layer, LAYERS, f"layer {node.name}"), "name": node.name}
    if node.sources != (before,):
        entry["inputs"] = list(node.sources)
    if node.layer.shares is not None:
        entry["shares"] = node.layer.shares
    return entry | chosen_options(node.layer)


def _kind(part: Layer | Loss, known: Mapping[str, type], what: str) -> str:
    kind = type(part).__name__
    if known.get(kind) is not type(part):
        raise NetworkError(f"{what}: a file cannot hold a {kind}, but a FormulaLayer with its equations")
    return kind


def chosen_options(part: Layer | Loss) -> Document:
    """Those that differ from their defaults."""
    chosen = {f.name: (_plain(getattr(part, f.name)), f) for f in option_fields(type(part))}
    return {
        file_name(name): value
        for name, (value, option) in chosen.items()
        if is_required(option) or value != _plain(option.default)
    }


def _plain(value: Any) -> Any:
    """The value in JSON's types, as short as one would type it: 3 for (3, 3)."""
    match value:
        case Parameter(axes, init, name):
            return (
                {"axes": axes} | ({"init": init} if init != "auto" else {}) | ({"name": name} if name else {})
            )
        case Mapping():
            return {str(key): _plain(part) for key, part in value.items()}
        case tuple() if len(set(value)) == 1:
            return value[0]
        case (top, bottom, left, right) if (top, left) == (bottom, right):
            return [top, left]
        case tuple():
            return list(value)
    return value
