"""A training step's code: forward and backward pass, optimiser, and the loops around them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from pellucid.compiler.context import barrier
from pellucid.compiler.driver import squares_function, training_worker, update_function
from pellucid.compiler.immediate import ElementUpdate
from pellucid.compiler.machine import host
from pellucid.compiler.masks import Mask, masks_function
from pellucid.compiler.module import Module
from pellucid.compiler.placement import CHUNK
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.rows import Feed, gather
from pellucid.engine.compiled_code import Document, Layout, kind_of, network_described
from pellucid.engine.compiled_plan import (
    CORRECTS,
    IMAGE,
    LABEL,
    BatchCut,
    batch_equations,
    input_scale,
    source_type,
    training_plan,
    training_program,
)
from pellucid.engine.compiled_update import SQUARES, element_update, emit_update
from pellucid.engine.interface import Task, Update
from pellucid.engine.program import LOSS, TARGETS, WEIGHTS, Program
from pellucid.formula.formula import Formula
from pellucid.network import INPUT, Network

__all__ = ["TrainingRecipe", "holds_labels"]


def holds_labels(task: Task) -> bool:
    """Whether targets are numbers of classes, and not what the outputs should be."""
    loss = task.network.loss
    return loss is not None and loss.classification and task.targets.ndim == 1


@dataclass(frozen=True)
class TrainingRecipe:
    """All that the code of a training depends on; tasks may share it.

    Attributes:
        network: with a loss.
        kind: float or double, in which everything is computed.
        source: LLVM's type of the images' numbers.
        scale: the normalisation's factor; None if images are not normalised.
        labels: whether targets are labels, and not what the outputs should be.
        weighted: whether each image has a weight.
        cut: how a batch is cut.
        update: the optimiser's equations.
        clip_norm: most that the norm of all gradients together may be; None if it is not bounded.
    """

    network: Network
    kind: str
    source: str
    scale: float | None
    labels: bool
    weighted: bool
    cut: BatchCut
    update: Update
    clip_norm: float | None

    @staticmethod
    def of(task: Task, batch: int | None = None) -> TrainingRecipe:
        """What the task needs; how a batch of so many images is cut depends on its size alone."""
        source = source_type(task.images.dtype)
        return TrainingRecipe(
            task.network, kind_of(task.dtype), source, input_scale(task.normalisation, source),
            holds_labels(task), task.sample_weight is not None,
            BatchCut.of(task.network, batch or task.batch_size, np.dtype(task.dtype).itemsize), task.update,
            None if task.clip_norm is None else float(task.clip_norm),
        )  # fmt: skip

    def description(self) -> Document | None:
        network = network_described(self.network)
        if network is None:
            return None
        names = ("kind", "source", "scale", "labels", "weighted", "clip_norm")
        update = [repr(self.update.formula), list(self.update.states)]
        rest = {n: getattr(self, n) for n in names}
        return {"training": network, "update": update, "cut": asdict(self.cut), **rest}

    def make(self) -> tuple[Layout, Module]:
        program = self.program()
        plan = self.plan(program)
        numbers = str(Formula(batch_equations(program))) if self.weighted else ""
        layout = Layout.of(plan, tuple(program.masks), numbers)
        return layout, self._module(program, plan, layout)

    def program(self) -> Program:
        """The network's formulas for one tile of images."""
        return training_program(self.network, self.cut.tile, weighted=self.weighted)

    def plan(self, program: Program) -> PassPlan:
        """Forward and backward pass of one tile."""
        unit = host().unit(self.kind)
        update = self._step() if self.clip_norm is None else None
        return training_plan(
            program, self.cut, scale=self.scale, labels=self.labels, unit=unit, update=update
        )

    def _step(self) -> ElementUpdate:
        return element_update(self.update.formula, self.update.states)

    def norms(self, layout: Layout) -> int:
        """Where the chunks' squared norms lie: behind the shards' gradients and the optimiser's states."""
        return self.cut.shards * layout.shard + len(self.update.states) * layout.trained

    def _module(self, program: Program, plan: PassPlan, layout: Layout) -> Module:
        module = Module(self.kind)
        plan.emit(module)
        if not plan.at_once:
            scratch, calls = emit_update(
                module, self._step(), plan, self.cut.shards, layout.shard, self.clip_norm
            )
            module.functions.append(update_function(self.kind, scratch, calls))
        masks = [Mask(plan.tensors[name], keep) for name, (_, keep) in program.masks.items()]
        clipped = self.clip_norm is not None
        module.functions += [
            barrier(),
            gather(self._feeds(plan), self.kind),
            *([masks_function(masks, self.kind)] if masks else []),
            *([squares_function(SQUARES)] if clipped else []),
            training_worker(
                self.kind, self.cut.tile, {**plan.sizes, "gradients": layout.shard},
                plan.trained // CHUNK, CHUNK, plan.tensors[LOSS].offset,
                plan.tensors[CORRECTS].offset if CORRECTS in plan.tensors else -1,
                self.cut.shards, added=self.cut.passes > 1, copies=bool(plan.repacks), masks=bool(masks),
                at_once=plan.at_once, norms=self.norms(layout) if clipped else -1,
            ),
        ]  # fmt: skip
        return module

    def _feeds(self, plan: PassPlan) -> list[Feed]:
        tensors = plan.tensors
        feeds = [Feed("images", self.source, tensors[INPUT if self.scale is None else IMAGE])]
        if self.labels:
            feeds.append(Feed("labels", "i64", tensors[LABEL]))
        else:
            feeds.append(Feed("labels", self.kind, tensors[TARGETS]))
        return [*feeds, *([Feed("weights", self.kind, tensors[WEIGHTS])] if WEIGHTS in tensors else [])]
