"""Random operands of a formula, of a kind at which its equations and its gradients are numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.formula.derive import Gradient, gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.ranges import Ranges

__all__ = ["above", "draws", "is_number", "values_at"]

Array = NDArray[Any]
# A logarithm wants positive numbers, the root of 1 - x^2 small ones, that of x - 3 large ones.
KINDS: tuple[Callable[[Array], Array], ...] = (
    lambda z: z,
    lambda z: np.abs(z) + 0.1,
    lambda z: 0.9 * np.tanh(z),
    lambda z: 0.5 + 0.4 * np.tanh(z),
    lambda z: z + 10,
    lambda z: z + 100,
    lambda z: -np.abs(z) - 0.1,
    lambda z: z - 10,
)
# So many choices of a kind for each operand are tried.
MOST = 100


def draws(normal: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Normal numbers, then other kinds made of them: the same for all operands, then all mixtures."""
    mixtures = chain(zip(*[KINDS] * len(normal), strict=True), product(KINDS, repeat=len(normal)))
    for kinds in islice(mixtures, MOST):
        yield {name: kind(z) for kind, (name, z) in zip(kinds, normal.items(), strict=True)}


def values_at(gradient: Gradient, both: Ranges, operands: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """All results, and gradients by their final formulas."""
    output = gradient.forward.output
    with np.errstate(all="ignore"):
        values: dict[str, Array] = dict(planned(gradient.forward, both)(dict(operands)))
        values[gradient_name(output)] = above(both.shapes[output], seed)
        return dict(planned(gradient.formula, both)(values))


def above(shape: tuple[int, ...], seed: int) -> Array:
    """The gradient from above: random, or 1 for a loss."""
    return random.normal(random.key(seed, "upstream"), shape) if shape else np.ones(())


def is_number(values: Mapping[str, Array]) -> bool:
    """Whether all values are numbers: an undefined one could neither confirm a step nor refute it."""
    return all(np.isfinite(a).all() for a in values.values())
