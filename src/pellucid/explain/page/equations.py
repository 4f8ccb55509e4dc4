"""The equations behind a run's numbers, in this network's numbers, as the page's interpreter reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pellucid.engine.program import LOSS
from pellucid.explain.naming import Naming
from pellucid.explain.page.tree import Leaf, Tree, bounds_tree, expression_tree
from pellucid.explain.reference import Place
from pellucid.explain.sources import Scope, Sources
from pellucid.explain.summands import Summand, is_extreme, summands
from pellucid.formula.expression import Equation, Read, Reduce
from pellucid.formula.formula import target_letters
from pellucid.formula.index import flat_parts
from pellucid.formula.mathml import mathml
from pellucid.formula.specialise import specialised

__all__ = ["equations", "scopes"]


def equations(sources: Sources, steps: tuple[Scope, ...]) -> Iterator[dict[str, Any]]:
    """All equations of the forward pass, of the backward pass, and of `steps`, those of the update."""
    for scope, gradients in scopes(sources):
        yield from _of(scope, gradients=gradients)
    for scope in steps:
        yield from _of(scope, gradients=False)


def scopes(sources: Sources) -> Iterator[tuple[Scope, bool]]:
    """All formulas that were evaluated, and whether they are of the backward pass."""
    yield from ((scope, False) for scope in sources.scopes(gradients=False))
    for scope in sources.scopes(gradients=True):
        if scope.step == LOSS or sources.has(Place(scope.step, gradient=True)):
            yield scope, True


def _of(scope: Scope, *, gradients: bool) -> Iterator[dict[str, Any]]:
    in_numbers = specialised(scope.formula, scope.ranges).equations
    for general, particular in zip(scope.formula.equations, in_numbers, strict=True):
        yield _Written(scope, general, particular).entry(through=scope.step if gradients else "")


@dataclass(frozen=True)
class _Written:
    scope: Scope
    general: Equation
    particular: Equation

    def entry(self, *, through: str) -> dict[str, Any]:
        naming, value = Naming(self.scope), self.particular.value
        leaf = self._leaf(naming)
        entry: dict[str, Any] = {
            "of": naming.place(self.general.name),
            "through": through,
            "axes": [flat_parts(i) or ([i.letter] if i.letter else []) for i in self.general.target.indices],
            "letters": {s: self.scope.ranges.extents[s] for s in target_letters(self.general) if s},
            "value": expression_tree(value, leaf),
            "written": mathml(replace(self.particular, shift=False), display=True),
            "names": naming.legend(self.general),
        }
        if is_extreme(value):
            assert isinstance(value, Reduce)
            return entry | {"choice": value.op}
        return entry | {"sums": [_summand(s, leaf) for s in summands(value)]}

    def _leaf(self, naming: Naming) -> Leaf:
        def leaf(read: Read) -> str | tuple[str, float]:
            if not read.indices and read.tensor in self.scope.scalars:
                return read.tensor, self.scope.scalars[read.tensor]
            return naming.place(read.tensor)

        return leaf


def _summand(summand: Summand, leaf: Leaf) -> dict[str, Tree]:
    return {
        "bounds": bounds_tree(summand.bounds),
        "conditions": [expression_tree(c, leaf) for c in summand.conditions],
        "factors": [expression_tree(f, leaf) for f in summand.factors],
    }
