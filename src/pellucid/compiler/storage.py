"""How tensors are stored: in which order their axes lie, and which parameters are kept in several orders.

Activations have their channels last.  Parameters lie as suits all their uses best; a use that gains much from
another order reads a copy, which is made again after every update.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.compiler.layout import LANES, Tensor
from pellucid.compiler.merge import merged
from pellucid.compiler.nest import Nest
from pellucid.compiler.schedule import best_cost
from pellucid.formula.bounds import interval
from pellucid.formula.expression import Read, reads

__all__ = ["Roles", "Storage"]

# A copy of a parameter in another order must save this share of a nest's work.
WORTH = 0.8


@dataclass(frozen=True)
class Roles:
    """What a pass's tensors are for.

    Attributes:
        parameters: the trained tensors, in order.
        gradients: for a parameter's gradient, the parameter: it is stored alike.
        states: for an optimiser's state, the parameter that it belongs to: it is stored alike.
        totals: scalars that are added to over tiles, such as the loss.
        constants: tensors that lie with the parameters and are not trained.
        public: tensors whose rows are copied in or out, which is fastest in the public order of their axes.
        kept: tensors that are read or written from outside; all of them if None.
    """

    parameters: tuple[str, ...]
    gradients: Mapping[str, str]
    states: Mapping[str, str]
    totals: Sequence[str]
    constants: Sequence[str]
    public: frozenset[str]
    kept: frozenset[str] | None

    @property
    def alike(self) -> dict[str, str]:
        """For whatever is stored like a parameter, the parameter."""
        return {**self.gradients, **self.states}

    @property
    def named(self) -> frozenset[str]:
        """Tensors that have a role, and keep the public order of their axes until a use asks for another."""
        return frozenset((*self.parameters, *self.alike, *self.constants, *self.public))


class Storage:
    """Orders of axes, chosen for the nests of a pass.

    Args:
        nests: of the pass, in order.
        shapes: public shapes of the tensors.
        roles: what the tensors are for.
        passes: how often the pass runs before parameters, and with them copies, change.

    Attributes:
        tensors: storage of each tensor, not yet in any space.
        nests: those of the pass; some read copies.
        copies: for a copy of a parameter in another order, the parameter.
    """

    def __init__(
        self, nests: Sequence[Nest], shapes: Mapping[str, tuple[int, ...]],
        roles: Roles, passes: int,
    ) -> None:  # fmt: skip
        self.nests, self.shapes, self.roles = list(nests), shapes, roles
        self.copies: dict[str, str] = {}
        self._halos = _halos(nests, shapes, roles.alike)
        used = {r.tensor for n in nests for r in _stored_reads(n)} & shapes.keys()
        self.tensors = {name: self._first(name) for name in (*used, *roles.parameters)}
        self._order_public()
        for name in roles.parameters:
            self._choose(name, math.prod(shapes[name]) / passes)

    def _first(self, name: str) -> Tensor:
        """A tensor as it is stored unless a use asks for more."""
        return self._public(name) if name in self.roles.named else self._inner(name)

    def _public(self, name: str) -> Tensor:
        """A tensor in the public order of its axes."""
        return self._tensor(name, tuple(range(len(self.shapes[name]))))

    def _inner(self, name: str) -> Tensor:
        """A tensor with its channels last, if it has several."""
        shape = self.shapes[name]
        last = len(shape) >= 2 and shape[1] > 1
        return self._tensor(name, (0, *range(2, len(shape)), 1)) if last else self._public(name)

    def _tensor(self, name: str, order: tuple[int, ...]) -> Tensor:
        return Tensor(name, "", self.shapes[name], order, tuple(self._halos[name]))

    def _ordered(self, name: str, last: int) -> Tensor:
        rank = len(self.shapes[name])
        return self._tensor(name, (*(a for a in range(rank) if a != last), last))

    def _choose(self, name: str, copying: float) -> None:
        """The order of a parameter that suits its uses best; a use that gains from another reads a copy."""
        alike = {name, *self._like(name)}
        uses = [i for i, n in enumerate(self.nests) if any(r.tensor in alike for r in n.accesses)]
        options = [self._ordered(name, a) for a in range(len(self.shapes[name]))]
        if not uses or len(options) < 2:
            return
        costs = [self._costs(t, [self.nests[i] for i in uses]) for t in options]
        least = [min(c) + copying for c in zip(*costs, strict=True)]
        totals = [sum(map(min, c, (x / WORTH for x in least))) for c in costs]
        chosen = totals.index(min(totals))
        for other in (name, *(g for g in self._like(name) if g in self.tensors)):
            self.tensors[other] = replace(options[chosen], name=other)
        for number, use in enumerate(uses):
            if _only_read(name, self.nests[use]) and least[number] < WORTH * costs[chosen][number]:
                column = [c[number] for c in costs]
                best = options[column.index(min(column))]
                copy = f"{name}@{best.last}"
                self.copies[copy] = name
                self.tensors[copy] = replace(best, name=copy)
                self.nests[use] = self.nests[use].renamed(name, copy)

    def _like(self, parameter: str) -> list[str]:
        """What is stored like a parameter."""
        return [name for name, owner in self.roles.alike.items() if owner == parameter]

    def _order_public(self) -> None:
        """Public order for what is copied in or out, if the nests near it do not lose more than is gained."""
        for name in sorted(self.roles.public & self.tensors.keys()):
            own = self.tensors
            options = [self._following(own, self._public(name)), self._following(own, self._inner(name))]
            totals = [self._total(name, tensors) for tensors in options]
            self.tensors = options[totals.index(min(totals))]

    def _total(self, name: str, tensors: Mapping[str, Tensor]) -> float:
        """Vector operations of the nests near a tensor, and of its copying, by vectors or one by one."""
        changed = {t for t in tensors if t == name or tensors[t] != self.tensors[t]}
        near = changed | {n.target.tensor for n in self._made_of(name)}
        uses = [n for n in self.nests if any(r.tensor in near for r in n.accesses)]
        numbers = math.prod(self.shapes[name])
        at_once = LANES if tensors[name] == self._public(name) else 1
        return sum(_cost(n, tensors) for n in uses) + numbers / at_once

    def _following(self, tensors: Mapping[str, Tensor], first: Tensor) -> dict[str, Tensor]:
        """Storage in which a tensor has an order, and what is made of it by elements the best one then."""
        found = {**tensors, first.name: first}
        for nest in self._made_of(first.name):
            name = nest.target.tensor
            uses = [n for n in self.nests if any(r.tensor == name for r in n.accesses)]
            options = [{**found, name: t} for t in (self._inner(name), self._public(name))]
            totals = [sum(_cost(n, option) for n in uses) for option in options]
            found = options[totals.index(min(totals))]
        return found

    def _made_of(self, name: str) -> list[Nest]:
        """Maps of a tensor, whose targets may follow its order."""
        return [
            n
            for n in self.nests
            if n.op == "map"
            and any(r.tensor == name for v in n.values for r in reads(v))
            and n.target.tensor in self.tensors
            and n.target.tensor not in self.roles.gradients
        ]

    def _costs(self, tensor: Tensor, nests: Sequence[Nest]) -> list[float]:
        """Vector operations that each nest takes at best, if a tensor and what lies alike are stored so."""
        alike = {name: replace(tensor, name=name) for name in self._like(tensor.name)}
        tensors = {**self.tensors, tensor.name: tensor, **alike}
        return [_cost(n, tensors) for n in nests]


def _cost(nest: Nest, tensors: Mapping[str, Tensor]) -> float:
    nest, views = merged(nest, tensors, nest.images)
    return best_cost(nest, {**tensors, **views}, nest.images)


def _only_read(name: str, nest: Nest) -> bool:
    return not any(r.tensor == name for r in nest.written) and any(
        r.tensor == name for v in nest.values for r in reads(v)
    )


def _stored_reads(nest: Nest) -> list[Read]:
    return [r for r in nest.accesses if r.tensor[0] != "@" or r.indices]


def _halos(
    nests: Iterable[Nest], shapes: Mapping[str, tuple[int, ...]], alike: Mapping[str, str]
) -> dict[str, list[tuple[int, int]]]:
    """How far each tensor is read beyond its ends; what is stored like a parameter has its halo."""
    halo = {t: [(0, 0)] * len(s) for t, s in shapes.items()}
    for nest in nests:
        ranges = nest.spans
        for read in _stored_reads(nest):
            for axis, index in enumerate(read.indices):
                low, high = interval(index, ranges)
                before, after = halo[read.tensor][axis]
                halo[read.tensor][axis] = max(before, -low), max(after, high - shapes[read.tensor][axis] + 1)
    for name, parameter in alike.items():
        if name in halo and parameter in halo:
            both = [
                (max(a, c), max(b, d)) for (a, b), (c, d) in zip(halo[name], halo[parameter], strict=True)
            ]
            halo[name] = halo[parameter] = both
    return halo
