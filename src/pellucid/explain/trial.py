"""A formula at random values of small shapes, with gradients for which no rule of derivation was used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import CheckFailed
from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.draws import above
from pellucid.explain.evaluation import Env
from pellucid.explain.sources import Scope
from pellucid.formula.derive import Gradient, gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.expression import Bound, Derivative, Expr, Read, Reduce, mul, reads
from pellucid.formula.formula import CONSTANTS, target_letters
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.index import flat_parts
from pellucid.formula.normal import is_position
from pellucid.formula.ranges import Ranges, Shape, solve
from pellucid.formula.renaming import renamed_apart

__all__ = ["Trial", "places", "scope_of", "smaller"]

Array = NDArray[Any]
# So many elements of a gradient are looked at.
POINTS = 24
# Sizes to try for an axis; what a layer needs at least is not known beforehand.
SIZES = (2, 3, 4, 5, 6, 7, 8, 9, 12, 16)


def smaller(shapes: Sequence[Shape]) -> Iterator[tuple[Shape, ...]]:
    """Shapes with fewer elements, small ones first, in which equal sizes stay equal; then those given."""
    sizes = sorted({size for shape in shapes for size in shape[1:]})
    choices = [[s for s in SIZES if s < size] + [size] for size in sizes]
    found = sorted(product(*choices), key=lambda chosen: (sum(chosen), chosen))
    for chosen in found[:400]:
        new = dict(zip(sizes, chosen, strict=True))
        yield tuple((2, *(new[s] for s in shape[1:])) for shape in shapes)
    yield tuple((2, *shape[1:]) for shape in shapes)


@dataclass
class Trial:
    """Values of all tensors of a formula and of their gradients.

    Attributes:
        gradient: the formula in normal form, and its derivation.
        scope: everything under the formula's own names.
    """

    gradient: Gradient
    scope: Scope

    @staticmethod
    def of(
        gradient: Gradient,
        operands: Mapping[str, Array],
        seed: int,
        sizes: Mapping[str, int] | None = None,
    ) -> Trial:
        """The trial at given values of the operands; the gradient from above is random, or 1 for a loss."""
        forward = gradient.forward
        ranges = solve(forward, {n: a.shape for n, a in operands.items()}, sizes)
        both = solve_gradient(gradient.formula, ranges)
        values: dict[str, Array] = dict(planned(forward, both)(dict(operands)))
        values[gradient_name(forward.output)] = above(both.shapes[forward.output], seed)
        trial = Trial(gradient, scope_of(gradient, both, values))
        trial._fill(values)
        return trial

    def _fill(self, values: dict[str, Array]) -> None:
        """Gradients of all results, the last first, from those of what is computed from them."""
        for equation in reversed(self.gradient.forward.equations[:-1]):
            name, target = gradient_name(equation.name), equation.target
            values[name] = np.zeros(self.scope.ranges.shapes[equation.name])
            if not is_position(equation) and self._is_read(equation.name):
                values[name] = self.at_points(self.reference(target), self._all(target))

    def _is_read(self, tensor: str) -> bool:
        return any(read.tensor == tensor for _, read in self.gradient.forward.reads())

    def reference(self, target: Read) -> Expr:
        """The gradient by one tensor, as a sum over all equations that read it, with derivatives in it."""
        total: Expr | None = None
        taken = frozenset(s for i in target.indices for s in i.symbols)
        for equation in self.gradient.forward.equations:
            if is_position(equation) or all(r.tensor != target.tensor for r in reads(equation.value)):
                continue
            own = renamed_apart(equation, taken, {})
            bounds = tuple(Bound(s) for s in target_letters(own))
            part = mul(Read(gradient_name(own.name), own.target.indices), Derivative(own.value, target))
            part = Reduce("sum", bounds, part) if bounds else part
            total = part if total is None else total + part
        if total is None:
            raise CheckFailed(f"nothing depends on {target.tensor}, so its derivation cannot be checked")
        return total

    def at_points(self, value: Expr, env: Env) -> Array:
        """A value at places, in the shape of its letters."""
        shape = next(iter(env.values())).shape if env else ()
        with np.errstate(all="ignore"):
            found = ComplexStep(self.scope).value(value, env).value
        return np.array(np.broadcast_to(found, shape))

    def _all(self, target: Read) -> Env:
        shape = self.scope.ranges.shapes[target.tensor]
        sizes = _sizes(target, self.scope.ranges)
        grids = np.indices(tuple(sizes.values()))
        return {s: g.reshape(shape) for s, g in zip(sizes, grids, strict=True)}


def scope_of(gradient: Gradient, ranges: Ranges, values: Mapping[str, Array]) -> Scope:
    """A formula's tensors under their own names."""
    scalars = {n: float(v) for n, v in {**CONSTANTS, **gradient.forward.constants}.items()}
    return Scope(gradient.forward, ranges, {}, values, scalars, frozenset(), "")


def places(target: Read, ranges: Ranges, seed: int = 1) -> Env:
    """Letters of some elements of a left side, drawn at random; of all, if there are few."""
    sizes = _sizes(target, ranges)
    if not sizes:
        return {}
    count = math.prod(sizes.values())
    generator = np.random.default_rng(seed)
    flat = np.arange(count) if count <= POINTS else generator.integers(0, count, POINTS)
    return dict(zip(sizes, np.unravel_index(flat, tuple(sizes.values())), strict=True))


def _sizes(target: Read, ranges: Ranges) -> dict[str, int]:
    letters = dict.fromkeys(s for i in target.indices for s in flat_parts(i) or (i.letter or "",))
    return {s: ranges.extent(Bound(s)) for s in letters}
