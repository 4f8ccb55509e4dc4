"""A network as the text of a TOML file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pellucid.network import Network
from pellucid.network_file.describing import network_to_document
from pellucid.network_file.options import Document

__all__ = ["network_to_toml"]

BARE = re.compile(r"[A-Za-z0-9_-]+")


def network_to_toml(network: Network) -> str:
    """The text that `read_network` reads back as the same network.

    Raises:
        NetworkError: a layer or loss whose class is not one of pellucid's.

    >>> from pellucid.layers import Dense
    >>> print(network_to_toml(Network([Dense(3)], (4,), name="tiny")))
    name = "tiny"
    input_shape = [4]
    <BLANKLINE>
    [[layer]]
    type = "Dense"
    name = "dense1"
    units = 3
    <BLANKLINE>
    """
    document = network_to_document(network)
    layers = document.pop("layer")
    lines = [*_lines(document)]
    for layer in layers:
        lines += ["", "[[layer]]", *_lines(layer, "layer")]
    return "\n".join(lines) + "\n"


def _lines(table: Document, path: str = "") -> Iterator[str]:
    """Keys and values, then the tables below; a table at the top is written in one line."""
    below = {k: v for k, v in table.items() if isinstance(v, dict) and path}
    for key, value in table.items():
        if key not in below:
            yield f"{_key(key)} = {_value(value)}"
    for key, part in below.items():
        inner = {k: v for k, v in part.items() if isinstance(v, dict)}
        if len(inner) < len(part):
            yield f"[{path}.{_key(key)}]"
            yield from (f"{_key(k)} = {_value(v)}" for k, v in part.items() if k not in inner)
        for name, deepest in inner.items():
            yield f"[{path}.{_key(key)}.{_key(name)}]"
            yield from (f"{_key(k)} = {_value(v)}" for k, v in deepest.items())


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value) if "\n" in value else _string(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    return repr(value)


def _string(value: str) -> str:
    return '"' + "".join(_escaped(c) for c in value) + '"'


def _text(value: str) -> str:
    """A string of several lines."""
    return '"""\n' + "".join(c if c == "\n" else _escaped(c) for c in value) + '"""'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"
