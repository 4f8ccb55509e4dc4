"""A formula with what belongs to it: the shapes of its operands and what the solver must make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pellucid import random
from pellucid.formula.formula import Formula

__all__ = ["Array", "Case"]

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """One formula.

    Attributes:
        name: of the case.
        text: the equations.
        shapes: of the operands.
        extents: of all letters, as the solver must find them.
        constants, padding: as for `Formula.parse`.
        positive: operands whose values must be positive.
        sizes: extents that follow from no read and are given.
    """

    name: str
    text: str
    shapes: Mapping[str, tuple[int, ...]]
    extents: Mapping[str, int]
    constants: Mapping[str, int | float] = field(default_factory=dict)
    padding: Mapping[str, Mapping[int, tuple[int, int]]] = field(default_factory=dict)
    positive: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)

    def formula(self) -> Formula:
        return Formula.parse(self.text, constants=self.constants, padding=self.padding)

    def operands(self, seed: int) -> dict[str, Array]:
        """Normal numbers, and numbers from 0.5 to 2 where they must be positive."""
        found: dict[str, Array] = {}
        for name, shape in self.shapes.items():
            key = random.key(seed, name)
            positive = name in self.positive
            found[name] = 0.5 + 1.5 * random.uniform(key, shape) if positive else random.normal(key, shape)
        return found
