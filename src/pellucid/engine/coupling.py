"""Layers in which one image's output depends on the others of its batch."""

from __future__ import annotations

from pellucid.formula.expression import bound_letters
from pellucid.network import Network, Node

__all__ = ["coupled_layer"]


def coupled_layer(network: Network) -> str | None:
    """The first layer that adds up or compares over images; None if each image stands for itself."""
    return next((node.name for node in network.nodes if _couples(node)), None)


def _couples(node: Node) -> bool:
    """Whether anything that has images is read at more than the image that the output has."""
    formula = node.formula
    first = formula.defined[formula.output].target.indices[0]
    carriers = set(node.layer.operands)
    for equation in formula.equations:
        for read in (r for e, r in formula.reads() if e is equation and r.tensor in carriers):
            if read.indices and (read.indices[0] != first or first.letter in bound_letters(equation.value)):
                return True
        if equation.target.indices and equation.target.indices[0] == first:
            carriers.add(equation.name)
    return False
