"""The ranges of equations over a formula's tensors: its gradients, or the branches that it takes.

>>> from pellucid.formula.derive import derive
>>> from pellucid.formula.formula import Formula
>>> from pellucid.formula.ranges import solve
>>> gradient = derive(Formula.parse("y[i] = sum[u] w[u] * x[2*i + u]"))
>>> ranges = solve(gradient.forward, {"w": (3,), "x": (8,)})
>>> solve_gradient(gradient.formula, ranges).extents["h"]
8
"""

from __future__ import annotations

from math import prod

from pellucid.formula.derive import gradient_name
from pellucid.formula.expression import Reduce, walk
from pellucid.formula.formula import Formula
from pellucid.formula.index import flat_parts, size_of
from pellucid.formula.ranges import Ranges, validate

__all__ = ["solve_gradient"]


def solve_gradient(gradient: Formula, forward: Ranges) -> Ranges:
    """The ranges of a gradient formula: each tensor and its gradient have one shape.

    Args:
        gradient: the equations of `pellucid.formula.derive.Gradient.formula`, or any others over the tensors
            of the forward formula and their gradients; together with the forward formula's own, if you like.
        forward: the ranges of the forward formula in normal form.

    Returns:
        All of `forward`, the shapes of all gradients and of all that is defined, and the extents of further
        letters.

    Raises:
        GeometryError: a read leaves its tensor where its conditions hold.
    """
    shapes = {**{gradient_name(t): shape for t, shape in forward.shapes.items()}, **forward.shapes}
    extents, symbols = dict(forward.extents), dict(forward.symbols)
    for equation in gradient.equations:
        for index, size in zip(equation.target.indices, shapes.get(equation.name, ()), strict=False):
            if index.letter and index.letter not in extents:
                extents[index.letter] = symbols.setdefault(size_of(index.letter), size)
        parts = [flat_parts(i) or (i.letter or "",) for i in equation.target.indices]
        shapes.setdefault(equation.name, tuple(prod(extents[s] for s in letters) for letters in parts))
    ranges = Ranges(extents, symbols, shapes)
    for node in (n for e in gradient.equations for n in walk(e.value)):
        for bound in node.letters if isinstance(node, Reduce) else ():
            extents.setdefault(bound.letter, ranges.extent(bound))
    validate(gradient, ranges)
    return ranges
