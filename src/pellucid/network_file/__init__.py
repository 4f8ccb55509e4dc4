"""Networks as text: TOML files that people write, and the same description as a document of JSON's types."""

from pellucid.network_file.building import network_from_document
from pellucid.network_file.describing import network_to_document
from pellucid.network_file.reading import parse_network, read_network
from pellucid.network_file.toml import network_to_toml

__all__ = [
    "network_from_document",
    "network_to_document",
    "network_to_toml",
    "parse_network",
    "read_network",
]
