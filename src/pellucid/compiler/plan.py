"""A pass of a network over one tile of images, planned: its nests in order, their storage and schedules.

What stands in a plan is data.  Nothing is decided after it: code follows from it nest by nest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.compiler.aliases import Cut, without_copies
from pellucid.compiler.conditions import implied
from pellucid.compiler.equations import Named
from pellucid.compiler.fuse import fused
from pellucid.compiler.hoist import hoisted
from pellucid.compiler.immediate import ElementUpdate, changed_at_once
from pellucid.compiler.kernel import Kernel
from pellucid.compiler.layout import Tensor
from pellucid.compiler.lower import lower
from pellucid.compiler.merge import merged, whole
from pellucid.compiler.module import SPACES, Module
from pellucid.compiler.nest import RESULT, Loop, Nest
from pellucid.compiler.placement import Placement, placed
from pellucid.compiler.schedule import Schedule, Unit, choose
from pellucid.compiler.storage import Roles, Storage
from pellucid.errors import FormulaError
from pellucid.formula.bounds import interval
from pellucid.formula.expression import Read, prime
from pellucid.formula.index import Index

__all__ = ["PassPlan", "plan_pass"]

# Passes after which what is done once no longer counts.
ENDLESS = 1 << 20


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
    given: Mapping[str, int] | None = None, passes: int = ENDLESS, unit: Unit | None = None,
    public: frozenset[str] = frozenset(), update: ElementUpdate | None = None, tile: int | None = None,
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
        tile: images of a pass at most; loops over images run to a number that is known at run time only, so
            that each one's extent in the plan must be this.

    Raises:
        FormulaError: a loop over images of another extent.
    """
    lowered = _Equations(equations)
    if tile is not None:
        _check_images(lowered.nests, tile)
    nests = lowered.nests
    cuts: dict[tuple[str, int], Cut] = {}
    if keep is not None:
        nests, cuts = without_copies(nests, keep)
    shapes = {t: _cut_shape(t, s, cuts) for t, s in lowered.shapes.items()}
    nests = [implied(n, shapes) for n in nests]
    if keep is not None:
        nests, shapes = hoisted(nests, shapes)
    changed = changed_at_once(nests, list(parameters), gradients, update) if update is not None else None
    states: dict[str, str] = {}
    if changed is not None and update is not None:
        nests, states = changed, update.stored(list(parameters))
        shapes.update({state: shapes[p] for state, p in states.items()})
        given = {**(given or {}), **update.scalars}
    if keep is not None:
        nests = fused(nests, keep | {*totals, *(gradients if changed is None else (*parameters, *states))})
    roles = Roles(tuple(parameters), gradients, states, totals, constants, public, keep)
    storage = Storage(nests, shapes, roles, passes)
    nests = storage.nests
    places = placed(nests, storage.tensors, list(storage.copies), roles, given or {})
    first = len(nests)
    if changed is not None:
        first = 1 + max(i for i, n in enumerate(nests) if any(t.tensor in totals for t in n.written))
    elif keep is None and backward is not None and backward < len(equations):
        first = lowered.starts[backward]
    return _scheduled(storage, places, lowered, unit, first, at_once=changed is not None)


class _Equations:
    """The equations of a pass as nests.

    Attributes:
        nests: of all equations, in order.
        starts: number of each equation's first nest.
        shapes: public shapes of all tensors, those in between included.
        scalars: values of named scalars.
    """

    def __init__(self, equations: Sequence[Named]) -> None:
        self.nests: list[Nest] = []
        self.starts: list[int] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.scalars: dict[str, float] = {}
        for named in equations:
            self.starts.append(len(self.nests))
            self.shapes.update(named.ranges.shapes)
            self.scalars.update(named.constants)
            for nest in _own_names(_lowered(named), named.ranges.shapes, self.shapes):
                name = nest.target.tensor
                if name not in named.ranges.shapes:
                    self.shapes[name] = _reached(nest, self.shapes.get(name))
                self.nests.append(replace(nest, images=named.images))


def _check_images(nests: Sequence[Nest], tile: int) -> None:
    for nest in nests:
        extent = nest.extents.get(nest.images or "", tile)
        if extent != tile:
            raise FormulaError(
                f"{nest.target!r} runs over {extent} images by {nest.images}, and a tile has {tile}"
            )


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


def _scheduled(
    storage: Storage, places: Placement, lowered: _Equations, unit: Unit | None, backward: int,
    *, at_once: bool,
) -> PassPlan:  # fmt: skip
    """The plan: nests with as few loops as their storage allows, each with its schedule."""
    views: dict[str, Tensor] = {}

    def scheduled(nest: Nest) -> tuple[Nest, Schedule]:
        nest, more = merged(nest, places.tensors, nest.images)
        views.update(more)
        return nest, choose(nest, {**places.tensors, **more}, nest.images, unit)

    done = tuple((*scheduled(n), n.images) for n in storage.nests)
    copies = [_copy(copy, places.tensors[owner]) for copy, owner in storage.copies.items()]
    return PassPlan(
        done, tuple(scheduled(copy) for copy in copies), places.tensors, views, places.sizes,
        places.trained, lowered.scalars, backward, at_once,
    )  # fmt: skip


def _copy(name: str, tensor: Tensor) -> Nest:
    """A parameter in another order."""
    loops = tuple(Loop(f"a{axis}", extent) for axis, extent in enumerate(tensor.shape))
    indices = tuple(Index.of(x.letter) for x in loops)
    return Nest(Read(name, indices), loops, (), "map", Read(tensor.name, indices), RESULT)
