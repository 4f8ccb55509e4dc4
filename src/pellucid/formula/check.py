"""Gradients checked against differences of values, in float64.

A difference across a kink (a ReLU at 0, another maximum) says nothing about a derivative.  So the forward
pass also tells which branch every distinction takes; a step that changes a branch is made smaller, and where
even the smallest changes one, the coordinate is counted as a kink and compared from the side that stays on
its branch.

>>> from pellucid.formula.formula import Formula
>>> f = Formula.parse("y[i] = sum[j] tanh(w[i,j] * x[j])")
>>> for row in check_formula(f, {"w": np.ones((2, 3)), "x": np.arange(3.0)}, key=7):
...     print(row.name, row.coordinates, row.kinks, row.passed)
w 6 0 True
x 3 0 True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pellucid import random
from pellucid.errors import CheckFailed
from pellucid.formula.branches import branches
from pellucid.formula.derive import derive, gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.formula import Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.ranges import solve
from pellucid.formula.views import Array

__all__ = ["KINKS", "TOLERANCE", "Row", "check_formula", "check_gradients", "passed"]

# Largest error, relative to the gradient tensor's largest element.
TOLERANCE = 1e-7
# Largest share of coordinates that may lie on a kink.
KINKS = 0.02
# Steps relative to the size of the operand: first the usual one, smaller ones where it crosses a kink,
# and larger ones with a formula of higher order where rounding or curvature spoil it.
STEPS = (1e-5, 1e-6, 1e-7)
LONG_STEPS = (1e-3, 1e-4, 1e-2)
# How far the rounding of an output may put its difference off, relative to its size.
ROUNDING = 2.0**-50
# An operand of tiny numbers is not moved by less than this times the step.
SMALLEST_SCALE = 0.01

Forward = Callable[[Mapping[str, Array]], tuple[Array, Sequence[Array]]]


@dataclass(frozen=True)
class Row:
    """The result for one gradient tensor.

    Attributes:
        name: the operand.
        coordinates: how many of its elements were compared (besides the random directions).
        directions: how many random directions through all of its elements were compared.
        kinks: how many of these lay on a kink and were compared from one side.
        error: the worst error, relative to the largest element of the gradient tensor; beyond the tolerance,
            what is more than rounding.
        element: where it was, or None if along a direction.
        passed: whether no error is too large.
    """

    name: str
    coordinates: int
    directions: int
    kinks: int
    error: float
    element: tuple[int, ...] | None
    passed: bool


def passed(rows: Iterable[Row]) -> bool:
    """Whether all gradients are right and not more than 2 % of all that was compared lay on a kink."""
    rows = list(rows)
    compared = sum(row.coordinates + row.directions for row in rows)
    return all(row.passed for row in rows) and sum(row.kinks for row in rows) <= KINKS * compared


def check_gradients(
    forward: Forward,
    operands: Mapping[str, Array],
    upstream: Array,
    gradients: Mapping[str, Array],
    *,
    key: int,
    coordinates: int = 200,
    directions: int = 3,
) -> list[Row]:
    """Compares gradients with central differences.

    Args:
        forward: from operands to the output and to arrays that tell which branch each distinction takes.
        operands: float64 arrays at which to differentiate.
        upstream: the gradient of the loss with respect to the output, best a random one.
        gradients: what is checked, by operand.
        key: of the random choice of coordinates and directions.
        coordinates: how many elements of each tensor are compared (all, if it has fewer).
        directions: how many random directions through all elements of a tensor.

    Returns:
        A row for each gradient.

    Raises:
        CheckFailed: an element of the output or of a gradient is not finite; the message names it.
    """
    base = _Base(forward, {n: np.asarray(a, np.float64) for n, a in operands.items()}, upstream)
    _finite("the output", base.output)
    rows: list[Row] = []
    for number, (name, gradient) in enumerate(gradients.items()):
        _finite(f"the gradient with respect to {name}", gradient)
        probes = _probes(gradient, random.key(key, number), coordinates, directions)
        tolerance = TOLERANCE * float(np.max(np.abs(gradient)))
        ways = [_Probe(base, name, gradient, way, at, tolerance) for way, at in probes]
        rows.append(_row(name, gradient, ways))
    return rows


def check_formula(
    formula: Formula, operands: Mapping[str, Array], wrt: Sequence[str] | None = None, *, key: int,
    sizes: Mapping[str, int] | None = None, coordinates: int = 200, directions: int = 3,
) -> list[Row]:  # fmt: skip
    """Checks a formula's derived gradients, for a random gradient of the loss with respect to its output.

    Args:
        formula: any equations of the language.
        operands: arrays at which to differentiate.
        wrt: operands whose gradients are checked; all, if not given.
        key: of all random numbers.
        sizes: as for `pellucid.formula.ranges.solve`.
        coordinates: as for `check_gradients`.
        directions: as for `check_gradients`.

    Raises:
        CheckFailed: an element of the output or of a gradient is not finite.
    """
    arrays = {name: np.asarray(value, np.float64) for name, value in operands.items()}
    gradient = derive(formula, wrt)
    traced = branches(gradient.forward)
    shapes = {name: array.shape for name, array in arrays.items()}
    ranges = solve(gradient.forward, shapes, sizes)
    forward = planned(traced, solve_gradient(traced, ranges))
    backward = planned(gradient.formula, solve_gradient(gradient.formula, ranges))
    signs = traced.defined.keys() - gradient.forward.defined.keys()

    def outputs(given: Mapping[str, Array]) -> tuple[Array, list[Array]]:
        values = forward(given)
        return values[formula.output], [values[name] for name in signs]

    values = forward(arrays)
    upstream = random.normal(random.key(key, "upstream"), values[formula.output].shape)
    values[gradient_name(formula.output)] = upstream
    found = backward(values)
    names = wrt if wrt is not None else formula.operands
    gradients = {name: found[gradient_name(name)] for name in names}
    return check_gradients(
        outputs,
        arrays,
        upstream,
        gradients,
        key=random.key(key, "probes"),
        coordinates=coordinates,
        directions=directions,
    )


@dataclass(frozen=True)
class _Base:
    """The point at which gradients are checked."""

    forward: Forward
    operands: Mapping[str, Array]
    upstream: Array

    @cached_property
    def at(self) -> tuple[Array, Sequence[Array]]:
        return self.forward(self.operands)

    @property
    def output(self) -> Array:
        return self.at[0]

    def moved(self, name: str, change: Array) -> tuple[Array, bool]:
        """The output at another point, and whether every distinction takes the same branch there."""
        output, signs = self.forward({**self.operands, name: self.operands[name] + change})
        return output, all(np.array_equal(a, b) for a, b in zip(signs, self.at[1], strict=True))

    def slope(self, pairs: Iterable[tuple[float, Array, Array]], width: float) -> tuple[float, float]:
        """The sum of weighted differences of outputs over a width, and how far rounding may put it off.

        Differences come first, element by element: most of them are exactly 0.
        """
        total, size = np.zeros(self.output.shape), np.zeros(self.output.shape)
        for weight, more, less in pairs:
            total += weight * (more - less)
            size += abs(weight) * np.where(more == less, 0, np.abs(more) + np.abs(less))
        rounding = ROUNDING * float(np.linalg.norm((self.upstream * size).ravel()))
        return float(np.sum(self.upstream * total)) / width, rounding / abs(width)

    @cached_property
    def size(self) -> float:
        """How large the terms of the loss are."""
        return float(np.linalg.norm((self.upstream * self.output).ravel()))


@dataclass(frozen=True)
class _Probe:
    """One direction in which one operand is moved: a coordinate, or all of them at random."""

    base: _Base
    name: str
    gradient: Array
    way: Array
    element: tuple[int, ...] | None
    tolerance: float

    @cached_property
    def scale(self) -> float:
        return max(float(np.max(np.abs(self.base.operands[self.name]))), SMALLEST_SCALE)

    @cached_property
    def slope(self) -> float:
        """What the gradient says about the loss along the way."""
        return float(np.sum(self.gradient * self.way))

    def error(self) -> tuple[float, bool]:
        """The least error over the steps that cross no kink, and whether all cross one.

        Longer steps are tried only until the error is tolerable.
        """
        for step in STEPS:
            (up, same_up), (down, same_down) = self.moved(step), self.moved(-step)
            if same_up and same_down:
                errors = [self.off([(0.5, up, down)], step)]
                break
        else:
            return self.one_sided(), True
        for step in LONG_STEPS:
            if min(errors) <= self.tolerance:
                break
            errors += self.fourth_order(step)
        return min(errors), False

    def moved(self, step: float) -> tuple[Array, bool]:
        return self.base.moved(self.name, step * self.scale * self.way)

    def off(self, pairs: Iterable[tuple[float, Array, Array]], step: float) -> float:
        """By how much the differences over a step contradict the gradient.

        More than the tolerance counts only as far as it is more than rounding; and a slope that does not
        change the outputs' last digits even over the longest step cannot be seen.
        """
        slope, rounding = self.base.slope(pairs, step * self.scale)
        unseen = ROUNDING * self.base.size / (max(LONG_STEPS) * self.scale)
        error = abs(slope - self.slope)
        return error if error <= self.tolerance else max(error - rounding - unseen, 0.0)

    def fourth_order(self, step: float) -> list[float]:
        """The error by five points, or nothing if they cross a kink."""
        points = [self.moved(n * step) for n in (1, -1, 2, -2)]
        if not all(same for _, same in points):
            return []
        (up, _), (down, _), (far_up, _), (far_down, _) = points
        return [self.off([(2 / 3, up, down), (-1 / 12, far_up, far_down)], step)]

    def one_sided(self) -> float:
        """The error on the side that stays on the branch taken here; outside both slopes, if neither does."""
        here = self.base.output
        slopes: list[float] = []
        for step in (*STEPS, *(-s for s in STEPS)):
            (half, same_half), (full, same_full) = self.moved(step / 2), self.moved(step)
            pairs = [(4.0, half, here), (-1.0, full, here)]
            if same_half and same_full:
                return self.off(pairs, step)
            slopes.append(self.base.slope(pairs, step * self.scale)[0])
        return max(min(slopes) - self.slope, self.slope - max(slopes), 0.0)


def _probes(
    gradient: Array, key: int, coordinates: int, directions: int
) -> list[tuple[Array, tuple[int, ...] | None]]:
    """Coordinates at random (all, if they are few), then directions of length 1."""
    places = random.permutation(random.key(key, "coordinates"), gradient.size)[:coordinates]
    found: list[tuple[Array, tuple[int, ...] | None]] = []
    for place in places:
        way = np.zeros(gradient.shape)
        way.flat[place] = 1
        found.append((way, tuple(int(i) for i in np.unravel_index(place, gradient.shape))))
    for number in range(directions if gradient.size > 1 else 0):
        way = random.normal(random.key(key, "direction", number), gradient.shape)
        found.append((way / np.linalg.norm(way), None))
    return found


def _row(name: str, gradient: Array, probes: Sequence[_Probe]) -> Row:
    largest = float(np.max(np.abs(gradient)))
    worst, element, kinks = 0.0, None, 0
    for probe in probes:
        error, kink = probe.error()
        kinks += kink
        if error > worst:
            worst, element = error, probe.element
    single = sum(probe.element is not None for probe in probes)
    relative = worst / largest if largest else worst
    return Row(name, single, len(probes) - single, kinks, relative, element, relative <= TOLERANCE)


def _finite(what: str, array: Array) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ",".join(map(str, bad[0]))
        raise CheckFailed(
            f"{what} is {array[tuple(bad[0])]} at [{place}]; differences can't be taken at a singular point"
        )
