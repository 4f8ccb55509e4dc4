"""The extents of a gradient formula's letters: each tensor and its gradient have one shape.

>>> from pellucid.formula.derive import derive
>>> from pellucid.formula.formula import Formula
>>> from pellucid.formula.ranges import solve
>>> gradient = derive(Formula.parse("y[i] = sum[u] w[u] * x[2*i + u]"))
>>> ranges = solve(gradient.forward, {"w": (3,), "x": (8,)})
>>> solve_gradient(gradient.formula, ranges).extents["h"]
8
"""

from __future__ import annotations

from pellucid.formula.derive import gradient_name
from pellucid.formula.expression import Reduce, walk
from pellucid.formula.formula import Formula
from pellucid.formula.index import size_of
from pellucid.formula.ranges import Ranges, validate

__all__ = ["solve_gradient"]


def solve_gradient(gradient: Formula, forward: Ranges) -> Ranges:
    """The ranges of a gradient formula (or of a forward formula and its gradient together).

    Args:
        gradient: the equations of `pellucid.formula.derive.Gradient.formula`.
        forward: the ranges of the forward formula in normal form.

    Returns:
        All of `forward`, the gradients' shapes, and the extents of the letters that only gradients have.

    Raises:
        GeometryError: a read leaves its tensor where its conditions hold.
    """
    shapes = {**{gradient_name(t): shape for t, shape in forward.shapes.items()}, **forward.shapes}
    extents, symbols = dict(forward.extents), dict(forward.symbols)
    for equation in gradient.equations:
        for index, size in zip(equation.target.indices, shapes[equation.name], strict=True):
            if index.letter and index.letter not in extents:
                extents[index.letter] = symbols.setdefault(size_of(index.letter), size)
    ranges = Ranges(extents, symbols, shapes)
    for node in (n for e in gradient.equations for n in walk(e.value)):
        for bound in node.letters if isinstance(node, Reduce) else ():
            extents.setdefault(bound.letter, ranges.extent(bound))
    validate(gradient, ranges)
    return ranges
