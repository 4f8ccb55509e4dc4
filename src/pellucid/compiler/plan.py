"""A pass of a network over one tile of images, planned: nests in order, storage for every tensor, schedules.

Activations are stored with their channels last, parameters as their first use wants them; a later use that
wants another order reads a copy, which is made again after every update.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.compiler.aliases import Cut, without_copies
from pellucid.compiler.equations import COUNT, Named
from pellucid.compiler.fuse import fused
from pellucid.compiler.immediate import ElementUpdate, changed_at_once
from pellucid.compiler.kernel import Kernel
from pellucid.compiler.layout import Tensor
from pellucid.compiler.lifetimes import sharing
from pellucid.compiler.lower import lower
from pellucid.compiler.merge import merged, whole
from pellucid.compiler.module import SPACES, Module
from pellucid.compiler.nest import RESULT, Loop, Nest
from pellucid.compiler.schedule import Schedule, Unit, best_cost, choose
from pellucid.formula.bounds import interval
from pellucid.formula.expression import (
    And,
    Call,
    Condition,
    Mul,
    Num,
    Power,
    Read,
    Where,
    Within,
    all_of,
    prime,
    reads,
    walk,
)
from pellucid.formula.index import Index

__all__ = ["CHUNK", "PassPlan", "plan_pass"]

# Parameters are updated in chunks of this many elements.
CHUNK = 256
# Passes after which what is done once no longer counts.
MANY = 1 << 20
# A copy of a parameter in another order must save this share of a nest's work.
WORTH = 0.8


@dataclass(frozen=True)
class PassPlan:
    """Everything about one pass that is known before code is written.

    Attributes:
        nests: in order, each with its schedule.
        repacks: copies of parameters in other orders, to be made after each change.
        tensors: storage of each tensor.
        views: storage as nests see it whose loops are merged.
        sizes: elements of each space.
        trained: elements of the parameters that optimisers change, at the start of their space.
        constants: values of named scalars.
        backward: number of the first nest of the backward pass.
        at_once: whether the backward pass changes the parameters too.
    """

    nests: tuple[tuple[Nest, Schedule, str | None], ...]
    repacks: tuple[tuple[Nest, Schedule], ...]
    tensors: Mapping[str, Tensor]
    views: Mapping[str, Tensor]
    sizes: Mapping[str, int]
    trained: int
    constants: Mapping[str, float]
    backward: int = 0
    at_once: bool = False

    @property
    def storage(self) -> dict[str, Tensor]:
        """Whatever a nest may name: tensors and views of them."""
        return {**self.tensors, **self.views}

    @property
    def written(self) -> frozenset[str]:
        """Tensors that nests write, by their own names."""
        return frozenset(whole(r.tensor) for nest, _, _ in self.nests for r in nest.written)

    def emit(self, module: Module) -> None:
        """The functions ``tile`` (all nests), its halves ``forward`` and ``backward``, and ``repack``.

        The function ``first`` does a shard's first tile: it sets what ``tile`` adds to.
        """
        spaces = ", ".join(f"ptr %{s}" for s in SPACES)
        storage = self.storage
        calls: dict[str, list[str]] = {
            "forward": [],
            "backward": [],
            "tile": ["forward", "backward"],
            "first": [],
            "repack": [],
        }
        for number, (nest, schedule, images) in enumerate(self.nests):
            Kernel(module, f"nest{number}", nest, schedule, storage, self.constants, images)
            calls["forward" if number < self.backward else "backward"].append(f"nest{number}")
            if nest.over_tiles:
                sets = replace(nest, accumulate=False)
                Kernel(module, f"first{number}", sets, schedule, storage, self.constants, images)
            calls["first"].append(f"{'first' if nest.over_tiles else 'nest'}{number}")
        for number, (nest, schedule) in enumerate(self.repacks):
            Kernel(module, f"copy{number}", nest, schedule, storage, self.constants, None)
            calls["repack"].append(f"copy{number}")
        for name, functions in calls.items():
            lines = [f"  call void @{f}({spaces}, i64 %images)" for f in functions]
            module.functions.append(
                "\n".join(
                    [f"define internal void @{name}({spaces}, i64 %images) {{", *lines, "  ret void", "}"]
                )
            )


def plan_pass(
    equations: Sequence[Named], parameters: Mapping[str, tuple[int, ...]], gradients: Mapping[str, str],
    totals: Sequence[str], constants: Sequence[str], keep: frozenset[str] | None, backward: int | None = None,
    given: Mapping[str, int] | None = None, passes: int = MANY, unit: Unit | None = None,
    public: frozenset[str] = frozenset(), update: ElementUpdate | None = None,
) -> PassPlan:  # fmt: skip
    """Plans a pass.

    Args:
        equations: of the whole pass, for one tile of images.
        parameters: public shapes of the trained tensors.
        gradients: for a parameter's gradient, the parameter: it is stored alike.
        totals: scalars that are added to over tiles, such as the loss.
        constants: tensors that lie with the parameters and are not trained.
        keep: tensors that are read or written from outside; all of them if None.
        backward: number of the first equation of the backward pass; one past the end if not given.
        given: scalars that are worked out before the pass, with their places among a step's scalars.
        passes: how often the pass runs before parameters change.
        unit: the processor's vectors.
        public: tensors whose rows are copied in or out, which is fastest in the public order of their axes.
        update: the optimiser's step, for a pass after which parameters change; it becomes part of the pass
            if that is the same.
    """
    nests: list[Nest] = []
    images: dict[str, str | None] = {}
    scalars: dict[str, float] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    first = 0
    for number, named in enumerate(equations):
        first = len(nests) if number == backward else first
        shapes.update(named.ranges.shapes)
        scalars.update(named.constants)
        lowered = _lowered(named)
        for nest in _own_names(lowered, named.ranges.shapes, shapes):
            if nest.target.tensor not in named.ranges.shapes:
                shapes[nest.target.tensor] = _reached(nest, shapes.get(nest.target.tensor))
            nests.append(nest)
            images[nest.target.tensor] = named.images
    cuts: dict[tuple[str, int], Cut] = {}
    if keep is not None:
        nests, cuts = without_copies(nests, keep)
    shapes = {t: _cut_shape(t, s, cuts) for t, s in shapes.items()}
    nests = [_implied(n, shapes) for n in nests]
    at_once = changed_at_once(nests, list(parameters), gradients, update) if update is not None else None
    states: dict[str, str] = {}
    if at_once is not None and update is not None:
        nests, states = at_once, update.stored(list(parameters))
        shapes.update({state: shapes[p] for state, p in states.items()})
        given = {**(given or {}), **update.scalars}
    if keep is not None:
        nests = fused(nests, keep | {*totals, *(gradients if at_once is None else (*parameters, *states))})
    used = frozenset(r.tensor for n in nests for r in _all_reads(n)) & shapes.keys()
    halo = _halos(nests, shapes, {**gradients, **states})
    storage = _Storage(
        shapes, halo, images, gradients, parameters, totals, constants, used, public, keep, states
    )
    chosen, repacks = storage.choose(nests, images, passes)
    if at_once is not None:
        first = 1 + max(i for i, n in enumerate(chosen) if any(t.tensor in totals for t in n.written))
        planned = storage.plan(chosen, repacks, images, scalars, given or {}, unit)
        return replace(planned, backward=first, at_once=True)
    half = len(chosen) if keep is not None or backward is None or backward >= len(equations) else first
    return replace(storage.plan(chosen, repacks, images, scalars, given or {}, unit), backward=half)


def _lowered(named: Named) -> list[Nest]:
    """Its nests; those that add only because of earlier tiles say so."""
    nests = lower(named.equation, named.ranges, accumulate=named.accumulate)
    if not named.over_tiles:
        return nests
    first = lower(named.equation, named.ranges, accumulate=False)
    return [
        replace(n, over_tiles=n.accumulate and not f.accumulate) for n, f in zip(nests, first, strict=True)
    ]


def _own_names(
    nests: Sequence[Nest], named: Mapping[str, object], taken: Mapping[str, object]
) -> Sequence[Nest]:
    """The nests of one equation, whose tensors in between are not those of another of the same target."""
    between = dict.fromkeys(n.target.tensor for n in nests if n.target.tensor not in named)
    for name in between:
        fresh = prime(name, taken)
        nests = [n.renamed(name, fresh) for n in nests] if fresh != name else nests
    return nests


def _reached(nest: Nest, known: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of a tensor in between: all that its nests, one for each class of remainders, write."""
    ranges = nest.spans
    reached = [interval(index, ranges)[1] + 1 for index in nest.target.indices]
    return tuple(map(max, reached, known if known is not None else reached))


def _cut_shape(tensor: str, shape: tuple[int, ...], cuts: Mapping[tuple[str, int], Cut]) -> tuple[int, ...]:
    return tuple(
        n
        for axis, size in enumerate(shape)
        for n in (cuts[tensor, axis].extents if (tensor, axis) in cuts else (size,))
    )


def _all_reads(nest: Nest) -> list[Read]:
    return [r for r in nest.accesses if r.tensor[0] != "@" or r.indices]


def _implied(nest: Nest, shapes: Mapping[str, tuple[int, ...]]) -> Nest:
    """Conditions of a sum's term dropped where a factor reads zeros outside them anyway."""
    body = nest.body
    if nest.op != "sum" or not isinstance(body, Where) or body.otherwise != Num(0):
        return nest
    if any(isinstance(n, Power | Call) for n in walk(body.then)):
        return nest  # 0 times what these make of a zero may be NaN
    factors = body.then.factors if isinstance(body.then, Mul) else (body.then,)
    found = [f for f in factors if isinstance(f, Read)]
    parts = body.condition.parts if isinstance(body.condition, And) else (body.condition,)
    left = [p for p in parts if not any(_reads_zero(f, p, shapes) for f in found)]
    condition = all_of(left)
    return replace(nest, body=body.then if condition is None else Where(condition, body.then, Num(0)))


def _reads_zero(read: Read, condition: Condition, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    return isinstance(condition, Within) and any(
        i == condition.index and condition.extent == Index.of(n)
        for i, n in zip(read.indices, shapes.get(read.tensor, ()), strict=False)
    )


def _halos(
    nests: Iterable[Nest], shapes: Mapping[str, tuple[int, ...]], gradients: Mapping[str, str]
) -> dict[str, list[tuple[int, int]]]:
    """How far each tensor is read beyond its ends; a parameter and its gradient are stored alike."""
    halo = {t: [(0, 0)] * len(s) for t, s in shapes.items()}
    for nest in nests:
        ranges = nest.spans
        for read in _all_reads(nest):
            for axis, index in enumerate(read.indices):
                low, high = interval(index, ranges)
                before, after = halo[read.tensor][axis]
                halo[read.tensor][axis] = max(before, -low), max(after, high - shapes[read.tensor][axis] + 1)
    for gradient, parameter in gradients.items():
        if gradient in halo and parameter in halo:
            both = [
                (max(a, c), max(b, d)) for (a, b), (c, d) in zip(halo[gradient], halo[parameter], strict=True)
            ]
            halo[gradient] = halo[parameter] = both
    return halo


class _Storage:
    """Orders of axes chosen, then places in the spaces."""

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], halo: Mapping[str, Sequence[tuple[int, int]]],
        images: Mapping[str, str | None], gradients: Mapping[str, str],
        parameters: Mapping[str, tuple[int, ...]], totals: Sequence[str], constants: Sequence[str],
        used: frozenset[str], public: frozenset[str], kept: frozenset[str] | None,
        states: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.shapes, self.halo, self.gradients, self.totals = shapes, halo, gradients, totals
        self.states, self.alike = states, {**gradients, **states}
        self.parameters = list(parameters)
        self.constants, self.used, self.public, self.kept = constants, used, public, kept
        self.tensors: dict[str, Tensor] = {}
        for name in [*used, *self.parameters]:
            self.tensors[name] = self.tensor(name, self.default_order(name))

    def default_order(self, name: str) -> tuple[int, ...]:
        rank = len(self.shapes[name])
        if (
            rank >= 2
            and self.shapes[name][1] > 1
            and name not in self.parameters
            and name not in self.alike
            and name not in self.constants
            and name not in self.public
        ):
            return (0, *range(2, rank), 1)
        return tuple(range(rank))

    def tensor(self, name: str, order: tuple[int, ...], space: str = "") -> Tensor:
        return Tensor(name, space, self.shapes[name], order, tuple(self.halo[name]))

    def ordered(self, name: str, last: int) -> Tensor:
        rank = len(self.shapes[name])
        return self.tensor(name, (*(a for a in range(rank) if a != last), last))

    def choose(
        self, nests: list[Nest], images: Mapping[str, str | None], passes: int
    ) -> tuple[list[Nest], list[tuple[str, str]]]:
        """Orders of parameters that suit all their uses best; a use that gains from another reads a copy.

        The copy itself is made once in so many passes, number by number.
        """
        self.follow_public(nests, images)
        copies: dict[str, str] = {}
        result = list(nests)
        for name in self.parameters:
            alike = {name, *(g for g, owner in self.alike.items() if owner == name)}
            uses = [i for i, n in enumerate(result) if any(r.tensor in alike for r in n.accesses)]
            options = [self.ordered(name, a) for a in range(len(self.shapes[name]))]
            if not uses or len(options) < 2:
                continue
            copied = math.prod(self.shapes[name]) / passes
            costs = [self.costs(name, t, [result[i] for i in uses], images) for t in options]
            least = [min(c) + copied for c in zip(*costs, strict=True)]
            totals = [sum(map(min, c, (x / WORTH for x in least))) for c in costs]
            chosen = totals.index(min(totals))
            self.tensors[name] = options[chosen]
            self.follow(name)
            for use, own, other in zip(uses, costs[chosen], least, strict=True):
                written = any(r.tensor == name for r in result[use].written)
                read = not written and any(r.tensor == name for v in result[use].values for r in reads(v))
                if read and other < WORTH * own:
                    column = [c[uses.index(use)] for c in costs]
                    best = options[column.index(min(column))]
                    copy = f"{name}@{best.last}"
                    copies[copy] = name
                    self.tensors[copy] = replace(best, name=copy)
                    result[use] = result[use].renamed(name, copy)
        return result, list(copies.items())

    def follow_public(self, nests: list[Nest], images: Mapping[str, str | None]) -> None:
        """What is made of a tensor in public order, element by element, keeps it if nothing suffers."""
        for nest in nests:
            name = nest.target.tensor
            made = {r.tensor for v in nest.values for r in reads(v)} & self.public
            if nest.op != "map" or not made or name not in self.tensors or name in self.gradients:
                continue
            uses = [n for n in nests if any(r.tensor == name for r in n.accesses)]
            options = [self.tensors[name], self.tensor(name, tuple(range(len(self.shapes[name]))))]
            totals = [sum(self.costs(name, t, uses, images)) for t in options]
            self.tensors[name] = options[totals.index(min(totals))]

    def costs(
        self, name: str, tensor: Tensor, nests: list[Nest], images: Mapping[str, str | None]
    ) -> list[float]:
        """Of each nest, if a parameter and its gradient are stored like this."""
        alike = {g: replace(tensor, name=g) for g, owner in self.alike.items() if owner == name}
        tensors = {**self.tensors, name: tensor, **alike}
        return [_cost(n, tensors, images.get(n.target.tensor)) for n in nests]

    def follow(self, parameter: str) -> None:
        for name, owner in self.alike.items():
            if owner == parameter and name in self.tensors:
                self.tensors[name] = replace(self.tensors[parameter], name=name)

    def plan(
        self,
        nests: list[Nest],
        copies: list[tuple[str, str]],
        images: Mapping[str, str | None],
        scalars: Mapping[str, float],
        given: Mapping[str, int],
        unit: Unit | None,
    ) -> PassPlan:
        sizes = {"arena": 0, "parameters": 0, "gradients": 0, "scalars": 16}
        placed: dict[str, Tensor] = {}

        def place(name: str, space: str) -> None:
            tensor = replace(self.tensors[name], space=space, offset=sizes[space])
            placed[name] = tensor
            sizes[space] += -(-tensor.size // 16) * 16

        for name in self.parameters:
            place(name, "parameters")
        trained = sizes["parameters"] = -(-sizes["parameters"] // CHUNK) * CHUNK
        for copy, _ in copies:
            place(copy, "parameters")
        for name in self.constants:
            if name in self.tensors:
                place(name, "parameters")
        for gradient, owner in self.gradients.items():
            if gradient in self.tensors:
                placed[gradient] = replace(
                    self.tensors[gradient], space="gradients", offset=placed[owner].offset
                )
        sizes["gradients"] = trained
        for name in self.totals:
            self.tensors.setdefault(name, Tensor(name, "gradients", (), (), ()))
            place(name, "gradients")
        shard = -(-sizes["gradients"] // CHUNK) * CHUNK
        for number, (name, owner) in enumerate(self.states.items()):
            area = shard + number // len(self.parameters) * trained
            placed[name] = replace(
                self.tensors[name], space="gradients", offset=area + placed[owner].offset
            )
        for name, at in {COUNT.tensor: 0, **given}.items():
            placed[name] = Tensor(name, "scalars", (), (), (), at)
        shared = sharing(nests, self.tensors, self.kept | placed.keys()) if self.kept is not None else {}
        for name in sorted(self.tensors):
            if name not in placed and name not in shared:
                place(name, "arena")
        for name, owner in shared.items():
            placed[name] = replace(self.tensors[name], space="arena", offset=placed[owner].offset)
        views: dict[str, Tensor] = {}

        def scheduled(nest: Nest, letter: str | None) -> tuple[Nest, Schedule]:
            nest, more = merged(nest, placed, letter)
            views.update(more)
            return nest, choose(nest, {**placed, **more}, letter, unit)

        letters = [images.get(n.target.tensor) for n in nests]
        done = tuple((*scheduled(n, letter), letter) for n, letter in zip(nests, letters, strict=True))
        repacks = tuple(scheduled(_copy(copy, owner, placed), None) for copy, owner in copies)
        return PassPlan(done, repacks, placed, views, sizes, trained, scalars)


def _cost(nest: Nest, tensors: Mapping[str, Tensor], images: str | None) -> float:
    """Vector operations that a nest takes at best, with tensors stored like this."""
    nest, views = merged(nest, tensors, images)
    return best_cost(nest, {**tensors, **views}, images)


def _copy(copy: str, owner: str, tensors: Mapping[str, Tensor]) -> Nest:
    """A parameter in another order."""
    shape = tensors[owner].shape
    loops = tuple(Loop(f"a{axis}", extent) for axis, extent in enumerate(shape))
    indices = tuple(Index.of(x.letter) for x in loops)
    return Nest(Read(copy, indices), loops, (), "map", Read(owner, indices), RESULT)
