"""Networks from TOML files."""

from __future__ import annotations

import os
import re
import tomllib

from pellucid.errors import NetworkError
from pellucid.files import open_regular
from pellucid.network import Network
from pellucid.network_file.building import network_from_document
from pellucid.network_file.positions import line_of

__all__ = ["parse_network", "read_network"]

# No network that a person types comes near it.
LARGEST = 1 << 18
# The standard library's reader takes memory that grows with the square of the parts of a dotted key.
MOST_DOTS = 200
PLACE = re.compile(r" \((?:at line (?P<line>\d+), column \d+|at end of document)\)$")


def read_network(path: str | os.PathLike[str]) -> Network:
    """The network that a TOML file describes.

    Raises:
        NetworkError: the file describes none; the sentence names the file and the line.
        ResourceError: the file cannot be read.
    """
    name = os.fspath(path)
    with open_regular(path) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise NetworkError(f"{name}: a network's file has at most {LARGEST:,} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NetworkError(f"{name}, line {line}: it is not text in UTF-8") from None
    return parse_network(text, name)


def parse_network(text: str, name: str = "the text") -> Network:
    r"""The network that a TOML text describes; errors call the text by its name.

    Raises:
        NetworkError: the text describes none; the sentence names the line.

    >>> parse_network("input_shape = [4]\n[[layer]]\ntype = 'Dense'", "tiny.toml")
    Traceback (most recent call last):
    pellucid.errors.NetworkError: tiny.toml, line 2: layer 1 (Dense): the option 'units' is missing
    """
    document = _parsed(text, name)
    try:
        return network_from_document(document)
    except NetworkError as error:
        raise NetworkError(f"{name}, line {line_of(text, error.place)}: {error}", error.place) from None


def _parsed(text: str, name: str) -> object:
    for number, content in enumerate(text.split("\n"), 1):
        if content.count(".") > MOST_DOTS:
            raise NetworkError(f"{name}, line {number}: a line has at most {MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = PLACE.search(str(error))
        line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
        reason = PLACE.sub("", str(error))
        raise NetworkError(f"{name}, line {line}: its TOML is not valid: {reason}") from None
    except (RecursionError, ValueError):  # Python reads no number of thousands of digits
        raise NetworkError(f"{name}: its TOML is nested too deep or has too long a number") from None
