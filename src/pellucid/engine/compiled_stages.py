"""What the compiler makes of a network, stage by stage: for readers, and for tests that look inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from pellucid.compiler.kernel import Kernel
from pellucid.compiler.layout import Tensor
from pellucid.compiler.machine import Host, assembly, host
from pellucid.compiler.merge import whole
from pellucid.compiler.module import Module
from pellucid.compiler.nest import Nest
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.schedule import Schedule
from pellucid.compiler.share import vector_share
from pellucid.engine.checks import check_trainable
from pellucid.engine.compiled_plan import (
    BatchCut,
    input_scale,
    prediction_plan,
    prediction_tile,
    training_plan,
    training_program,
)
from pellucid.engine.inputs import float_type
from pellucid.engine.interface import Scaling
from pellucid.errors import UsageError, unknown
from pellucid.formula.expression import Equation, Read
from pellucid.network import Network

__all__ = ["STAGES", "Stages", "chosen", "prediction_stages", "training_stages"]

STAGES = ("nest", "schedule", "llvm", "asm")
KINDS = {4: "float", 8: "double"}
# Directives that a reader of assembly does without.
_NOISE = re.compile(r"\s*\.(?!byte|long|quad|zero|word|xword|LCP|LBB)|\s*[#;]|\s*//|\s*$")


@dataclass(frozen=True)
class Stages:
    """One kernel on its way from an equation to machine code.

    Attributes:
        name: of its function: nest0, nest1, ... in the order in which they run; copy0, ... bring parameters
            into another order, after each update.
        nest: its loops.
        schedule: how they run.
        images: the letter that runs over images.
        plan: the pass around it.
        kind: "float" or "double".
        where: the processor that it is made for.
    """

    name: str
    nest: Nest
    schedule: Schedule
    images: str | None
    plan: PassPlan
    kind: str
    where: Host

    @property
    def tensors(self) -> tuple[str, ...]:
        """What it computes, values in between included; a view goes by its tensor's name."""
        return tuple(whole(target.tensor) for target in self.nest.targets)

    @property
    def equations(self) -> tuple[str, ...]:
        """Where it comes from, an equation for each tensor; a copy in another order is one by itself."""
        nest = self.nest
        first = nest.source or Equation(nest.target, nest.body)
        return tuple(map(repr, (first, *(Equation(store.target, store.value) for store in nest.then))))

    @property
    def storage(self) -> str:
        """What it reads and writes, each with its indices in the order of storage."""
        touched = dict.fromkeys(read for read in self.nest.accesses if read.indices)
        return ", ".join(_stored(read, self.plan.storage[read.tensor]) for read in touched)

    @property
    def vectors(self) -> float:
        """Share of its work that is done in vectors."""
        return vector_share(self.nest, self.schedule, self.plan.storage)

    def shown(self, stage: str) -> str:
        """One stage as text: "nest", "schedule", "llvm" or "asm"."""
        match stage:
            case "nest":
                return str(self.nest)
            case "schedule":
                vectors = f"{self.vectors:.0%} of the work in vectors"
                return "\n".join([*str(self.schedule).split("; "), vectors, f"stored {self.storage}"])
            case "llvm":
                return self.llvm()
            case "asm":
                return self.assembly()
        raise unknown("stage", stage, STAGES)

    def llvm(self) -> str:
        """Its function before LLVM's own passes, as a module that stands by itself."""
        module = Module(self.kind)
        tensors, constants = self.plan.storage, self.plan.constants
        Kernel(module, self.name, self.nest, self.schedule, tensors, constants, self.images)
        return module.text().replace("define internal ", "define ")

    def assembly(self) -> str:
        """Its code, without what only the assembler needs."""
        lines = assembly(self.llvm(), self.where).splitlines()
        return "\n".join(line.expandtabs(8) for line in lines if not _NOISE.match(line)) + "\n"


def chosen(kernels: Sequence[Stages], name: str | None) -> list[Stages]:
    """The kernel of this name, or those that compute the tensor of this name; all if None is given.

    Raises:
        UsageError: there is no such kernel and no such tensor.
    """
    found = [k for k in kernels if name in (None, k.name, *k.tensors)]
    if not found:
        names = [name for kernel in kernels for name in (kernel.name, *kernel.tensors)]
        raise unknown("kernel", str(name), list(dict.fromkeys(names)))
    return found


def _stored(read: Read, tensor: Tensor) -> str:
    return tensor.name + "".join(f"[{read.indices[axis]}]" for axis in tensor.order)


def training_stages(
    network: Network, batch: int = 64, dtype: DTypeLike = np.float32, scaling: Scaling | None = None,
    where: Host | None = None,
) -> tuple[Stages, ...]:  # fmt: skip
    """The kernels of one training step, forward and backward, in the order in which they run.

    Args:
        network: with a loss.
        batch: images a step.
        dtype: float32 or float64.
        scaling: how bytes become inputs; without it, images are inputs already.
        where: the processor; this one if it is not given.

    Raises:
        UsageError: something that cannot be trained, or that is not compiled.

    >>> from pellucid import zoo
    >>> (kernel,) = chosen(training_stages(zoo.load("mnist-maxpool")), "d dense1.weight")
    >>> kernel.equations
    ('d dense1.weight[k,d] = sum[n<8] d dense1[n,k]*flatten1[n,d]',)
    """
    check_trainable(network)
    if batch < 1:
        raise UsageError(f"a batch has at least 1 image, not {batch}")
    size = float_type(dtype).itemsize
    cut = BatchCut.of(network, batch, size)
    labels = network.loss is not None and network.loss.classification
    program = training_program(network, cut.tile, weighted=False)
    scale = input_scale(scaling, "i8")
    where = where or host()
    unit = where.unit(KINDS[size])
    plan = training_plan(program, cut, scale=scale, labels=labels, unit=unit)
    return tuple(_stages(plan, KINDS[size], where))


def prediction_stages(
    network: Network, batch: int = 64, dtype: DTypeLike = np.float32, scaling: Scaling | None = None,
    where: Host | None = None,
) -> tuple[Stages, ...]:  # fmt: skip
    """The kernels of a prediction; arguments as for `training_stages`, with one image or many in a batch."""
    if batch < 1:
        raise UsageError(f"a batch has at least 1 image, not {batch}")
    size = float_type(dtype).itemsize
    tile = prediction_tile(network, batch, size)
    where = where or host()
    plan = prediction_plan(network, tile, input_scale(scaling, "i8"), where.unit(KINDS[size]))
    return tuple(_stages(plan, KINDS[size], where))


def _stages(plan: PassPlan, kind: str, where: Host) -> Iterator[Stages]:
    for number, (nest, schedule) in enumerate(plan.repacks):
        yield Stages(f"copy{number}", nest, schedule, None, plan, kind, where)
    for number, (nest, schedule, images) in enumerate(plan.nests):
        yield Stages(f"nest{number}", nest, schedule, images, plan, kind, where)
