"""A network: a directed acyclic graph of named layers, a chain unless said otherwise.  No state."""

from pellucid.network.network import Network
from pellucid.network.node import INPUT, Node

__all__ = ["INPUT", "Network", "Node"]
