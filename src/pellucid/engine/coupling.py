"""Layers in which one image's output depends on the others of its batch."""

from __future__ import annotations

from pellucid.formula.expression import Read, bound_letters, indices_of, walk
from pellucid.formula.index import size_of
from pellucid.network import Network, Node

__all__ = ["coupled_layer"]


def coupled_layer(network: Network) -> str | None:
    """The first layer that looks beyond an image, or at its place; None if each image stands for itself."""
    return next((node.name for node in network.nodes if _couples(node)), None)


def _couples(node: Node) -> bool:
    """Whether an image's output needs another image, the image's place in the batch, or their number."""
    formula = node.formula
    first = formula.defined[formula.output].target.indices[0]
    carriers = set(node.layer.operands)
    for equation in formula.equations:
        bound = first.letter in bound_letters(equation.value)
        for part in walk(equation.value):
            indices = list(indices_of(part))
            carries = isinstance(part, Read) and part.tensor in carriers and indices
            if carries and (indices.pop(0) != first or bound):
                return True
            if any(first.symbols & i.symbols or size_of(first.letter or "") in i.symbols for i in indices):
                return True
        if equation.target.indices and equation.target.indices[0] == first:
            carriers.add(equation.name)
    return False
