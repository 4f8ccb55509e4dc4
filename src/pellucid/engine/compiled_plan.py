"""A network's work written down as equations for the compiler: a training step, or a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.compiler.equations import Named, gradient_of, named_equations
from pellucid.compiler.immediate import ElementUpdate
from pellucid.compiler.plan import PassPlan, plan_pass
from pellucid.compiler.schedule import Unit
from pellucid.engine.coupling import coupled_layer
from pellucid.engine.interface import Scaling
from pellucid.engine.program import LOSS, TARGETS, WEIGHTS, Program, Step
from pellucid.errors import UsageError
from pellucid.formula.derive import gradient_name
from pellucid.formula.expression import Equation, reads
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import Ranges, solve
from pellucid.layers.preparation import CORRECT, ONE_HOT, normalisation
from pellucid.network import INPUT, Network

__all__ = [
    "AVERAGE",
    "CORRECTS",
    "DEVIATION",
    "GIVEN_AT",
    "IMAGE",
    "LABEL",
    "BatchCut",
    "batch_equations",
    "input_scale",
    "prediction_plan",
    "prediction_tile",
    "shards_for",
    "source_of",
    "source_type",
    "tile_size",
    "training_plan",
    "training_program",
]

IMAGE, LABEL, AVERAGE, DEVIATION, CORRECTS = "@image", "@label", "@average", "@deviation", "correct"
# A tile's values, each layer's counted once, for the second-level cache; read off the seed networks' times.
TILE_BYTES = 1 << 20
LARGEST_TILE = 8
# Passes between two changes of the parameters, beyond which more make no difference to the code.
MANY = 8
# The last but one place in a step's row of scalars; numbers of a batch's weights stand here and before it.
GIVEN_AT = 14

Array = NDArray[Any]


@dataclass
class _Equations:
    """Equations gathered in order under unique names."""

    tile: int
    totals: tuple[str, ...]
    found: list[Named]
    seen: set[str]
    whole: bool = False

    def add(
        self,
        formula: Formula,
        given: Mapping[str, tuple[int, ...]],
        names: Mapping[str, str],
        prefix: str,
        **sizes: int,
    ) -> None:
        ranges = solve(formula, given, sizes)
        self.named(formula, ranges, names, prefix)

    def named(self, formula: Formula, ranges: Ranges, names: Mapping[str, str], prefix: str) -> None:
        self.found += named_equations(
            formula, ranges, names, prefix, totals=self.totals, seen=self.seen, every_image=self.whole
        )

    def forward(self, step: Step) -> None:
        names = {**step.operands, step.forward.output: step.name}
        self.named(step.forward, step.ranges, names, step.name)

    def backward(self, step: Step) -> None:
        if step.backward is None or step.backward_ranges is None:
            return
        above = {gradient_name(step.forward.output): gradient_of(step.name)}
        below = {gradient_name(operand): gradient_of(value) for operand, value in step.gradients.items()}
        names = {**step.operands, step.forward.output: step.name, **above, **below}
        self.named(step.backward, step.backward_ranges, names, step.name)


def shards_for(batch: int) -> int:
    """Parts of a batch whose gradients are summed by themselves: by its size alone, not by the threads.

    >>> [shards_for(batch) for batch in (1, 8, 64)]
    [1, 2, 4]
    """
    return 4 if batch >= 16 else 2 if batch >= 8 else 1


def tile_size(network: Network, batch: int, itemsize: int) -> int:
    """Images that a pass takes at once: a function of the network and the batch, not of the machine."""
    numbers = sum(int(np.prod(shape)) for shape in (network.input_shape, *(n.shape for n in network.nodes)))
    fitting = TILE_BYTES // (numbers * itemsize)
    return max(1, min(LARGEST_TILE, batch, 1 << max(fitting, 1).bit_length() - 1))


def prediction_tile(network: Network, images: int, itemsize: int) -> int:
    """Images that a prediction takes at once, of so many; all, if they depend on each other."""
    if images == 1 or coupled_layer(network) is not None:
        return images
    return tile_size(network, 64, itemsize)


@dataclass(frozen=True)
class BatchCut:
    """How a batch is cut, by its size and the network alone.

    Attributes:
        shards: parts with gradients of their own.
        tile: images that a pass takes at once.
        passes: tiles of a shard; what has many has `MANY`.
        whole: whether it is not cut at all, since its images depend on each other.
    """

    shards: int
    tile: int
    passes: int
    whole: bool = False

    @staticmethod
    def of(network: Network, batch: int, itemsize: int) -> BatchCut:
        if coupled_layer(network) is not None:
            return BatchCut(1, batch, 1, whole=True)
        shards = shards_for(batch)
        of_shard = -(-batch // shards)
        tile = tile_size(network, of_shard, itemsize)
        return BatchCut(shards, tile, min(-(-of_shard // tile), MANY))


def source_type(dtype: np.dtype[Any]) -> str:
    """LLVM's type of images' numbers, as `source_of` hands them over."""
    return {"|u1": "i8", np.dtype(np.float32).str: "float"}.get(dtype.str, "double")


def source_of(images: Array, *, scaled: bool) -> Array:
    """The images in a type that code reads: bytes stay bytes."""
    images = np.ascontiguousarray(images)
    if source_type(images.dtype) != "double":
        return images
    if scaled and images.dtype.kind in "iub":
        raise UsageError(f"images of whole numbers are bytes (uint8), not {images.dtype}")
    return images.astype(np.float64, copy=False)


def input_scale(scaling: Scaling | None, source: str) -> float | None:
    """The factor of the images' numbers in the normalisation, if there is one; fractions have it already."""
    if scaling is None:
        return None
    return float(scaling.scale) if source == "i8" else 1.0


def training_plan(
    program: Program, cut: BatchCut, *, scale: float | None, labels: bool, unit: Unit | None = None,
    update: ElementUpdate | None = None,
) -> PassPlan:  # fmt: skip
    """Forward and backward pass of one tile, with the loss and the count of right answers.

    Args:
        program: of `training_program`.
        cut: the tiles of images before gradients are used; the sums of several are added up.
        scale: of `input_scale`.
        labels: whether targets are labels, and not what the outputs should be.
        unit: the processor's vectors.
        update: the optimiser's step, if each element's needs its own gradient only.

    Raises:
        UsageError: something that is not compiled: the sentence says what.
    """
    network, tile = program.network, program.batch
    gradients = {gradient_of(p): p for p in network.parameter_shapes}
    classes = network.loss is not None and network.loss.classification
    totals = (LOSS, *((CORRECTS,) if classes else ()))
    equations = _Equations(tile, (*totals, *gradients) if cut.passes > 1 else (), [], set(), cut.whole)
    _add_input(equations, network, scale)
    shape = (tile, *network.output_shape)
    if labels:
        equations.add(ONE_HOT, {"label": (tile,)}, {"label": LABEL, "y": TARGETS}, "@target", K=shape[-1])
    given = {f"{LOSS}:{e.name}": GIVEN_AT - i for i, e in enumerate(batch_equations(program))}
    for step in program.steps:
        equations.forward(step)
    equations.found = [named for named in equations.found if named.equation.name not in given]
    if classes:
        names = {"x": network.output, "y": TARGETS, "correct": CORRECTS}
        equations.add(CORRECT, {"x": shape, "y": shape}, names, "@score")
    for step in reversed(program.steps):
        equations.backward(step)
    keep = frozenset({INPUT, IMAGE, LABEL, TARGETS, WEIGHTS, *program.masks})
    return plan_pass(
        equations.found, network.parameter_shapes, gradients, totals, (AVERAGE, DEVIATION), keep,
        given=given, passes=cut.passes, unit=unit, public=frozenset({INPUT if scale is None else IMAGE}),
        update=update if cut.shards == cut.passes == 1 and not cut.whole else None, tile=tile,
    )  # fmt: skip


def training_program(network: Network, tile: int, *, weighted: bool) -> Program:
    """The network's program for a tile of images."""
    return Program.build(network, tile, wanted=network.parameter_shapes, training=True, weighted=weighted)


def batch_equations(program: Program) -> tuple[Equation, ...]:
    """The loss's equations for single numbers of a batch that need only its weights: known beforehand."""
    if not program.weighted:
        return ()
    known = {"weight"}
    found: list[Equation] = []
    for equation in program.steps[-1].forward.equations:
        if not equation.target.indices and {r.tensor for r in reads(equation.value)} <= known:
            found.append(equation)
            known.add(equation.name)
    return tuple(found)


def prediction_plan(network: Network, tile: int, scale: float | None, unit: Unit | None = None) -> PassPlan:
    """The forward pass of one tile; for the scale see `input_scale`.

    Where images depend on each other, all of them are one tile.
    """
    program = Program.build(network, tile, loss=False)
    equations = _Equations(tile, (), [], set(), coupled_layer(network) is not None)
    _add_input(equations, network, scale)
    for step in program.steps:
        equations.forward(step)
    public = frozenset({INPUT if scale is None else IMAGE, network.output})
    return plan_pass(
        equations.found, network.parameter_shapes, {}, (), (AVERAGE, DEVIATION), public, unit=unit,
        public=public, tile=tile,
    )  # fmt: skip


def _add_input(equations: _Equations, network: Network, scale: float | None) -> None:
    if scale is None:
        return
    shape = (equations.tile, *network.input_shape)
    formula = replace(normalisation(len(shape)), constants={"scale": scale})
    names = {"image": IMAGE, "average": AVERAGE, "deviation": DEVIATION, "x": INPUT}
    equations.add(formula, {"image": shape, "average": shape[1:2], "deviation": shape[1:2]}, names, "@input")
