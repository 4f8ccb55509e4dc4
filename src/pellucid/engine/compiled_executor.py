"""One batch in machine code, forward and backward, with every value within reach: for runs and for checks."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.compiler.equations import Named, gradient_of, named_equations
from pellucid.compiler.machine import aligned, host
from pellucid.compiler.module import SPACES, Module
from pellucid.compiler.plan import PassPlan, plan_pass
from pellucid.engine.compiled_code import Document, Layout, kind_of, network_described, obtained
from pellucid.engine.program import Program, Step
from pellucid.formula.derive import gradient_name

__all__ = ["CompiledExecutor", "ExecutorRecipe"]

Array = NDArray[Any]
Values = dict[str, Array]


@dataclass(frozen=True)
class ExecutorRecipe:
    """All that the code of a run depends on: the program, and the number type."""

    program: Program
    kind: str

    def description(self) -> Document | None:
        program = self.program
        network = network_described(program.network)
        if network is None:
            return None
        asked = [sorted(program.wanted), program.training, program.loss, program.weighted]
        return {"run": network, "batch": program.batch, "asked": asked, "kind": self.kind}

    def plan(self) -> PassPlan:
        """Forward and backward pass of the whole batch."""
        forward, backward = _equations(self.program)
        parameters = self.program.network.parameter_shapes
        gradients = {gradient_of(p): p for p in parameters}
        return plan_pass(
            [*forward, *backward], parameters, gradients, (), (), None, backward=len(forward),
            unit=host().unit(self.kind),
        )  # fmt: skip

    def make(self) -> tuple[Layout, Module]:
        plan = self.plan()
        module = Module(self.kind)
        plan.emit(module)
        spaces = ", ".join(f"ptr %{s}" for s in SPACES)
        for name in ("forward", "backward", "repack"):
            body = f"  call void @{name}({spaces}, i64 %images)\n  ret void"
            module.functions.append(f"define void @run_{name}({spaces}, i64 %images) {{\n{body}\n}}")
        return Layout.of(plan), module


class CompiledExecutor:
    """Runs one program, for one batch size and number type; the batch is one tile and nothing is left out."""

    def __init__(self, program: Program, dtype: DTypeLike) -> None:
        self.program, self.dtype = program, np.dtype(dtype)
        self.layout, self._code = obtained(ExecutorRecipe(program, kind_of(dtype)))
        self._buffers = {s: aligned(max(self.layout.sizes[s], 1), self.dtype) for s in SPACES}
        self._buffers["scalars"][0] = program.batch

    def forward(self, values: Values) -> list[Values]:
        for buffer in ("arena", "parameters", "gradients"):
            self._buffers[buffer].fill(0)
        for name, array in values.items():
            if name in self.layout.tensors:
                self._view(name)[...] = np.asarray(array, self.dtype).reshape(self.layout.tensors[name].shape)
        self._call("repack")
        self._call("forward")
        inner: list[Values] = []
        for step in self.program.steps:
            inner.append(
                {t: np.array(self._view(n)) for t, n in _names(step).items() if n in self.layout.tensors}
            )
            values[step.name] = np.array(self._view(step.name))
        return inner

    def backward(self, inner: list[Values], upstream: Mapping[str, Array]) -> Values:
        for name, array in upstream.items():
            if gradient_of(name) in self.layout.tensors:
                self._view(gradient_of(name))[...] = array
        self._call("backward")
        network = self.program.network
        names = [*network.parameter_shapes, "input", *(n.name for n in network.nodes)]
        found = {
            n: np.array(self._view(gradient_of(n))) for n in names if gradient_of(n) in self.layout.written
        }
        return {**upstream, **found}

    def _view(self, name: str) -> Array:
        tensor = self.layout.tensors[name]
        return tensor.view(self._buffers[tensor.space])

    def _call(self, name: str) -> None:
        function = self._code.function(f"run_{name}", *[ctypes.c_void_p] * 4, ctypes.c_int64)
        function(*(self._buffers[s].ctypes.data for s in SPACES), self.program.batch)


def _names(step: Step) -> dict[str, str]:
    """The unique name of each tensor that the step's forward formula defines."""
    own = {t: f"{step.name}:{t}" for t in step.forward.defined}
    return {**own, step.forward.output: step.name}


def _equations(program: Program) -> tuple[list[Named], list[Named]]:
    seen: set[str] = set()
    forward: list[Named] = []
    backward: list[Named] = []
    for step in program.steps:
        names = {**step.operands, step.forward.output: step.name}
        forward += named_equations(step.forward, step.ranges, names, step.name, seen=seen, every_image=True)
    for step in reversed(program.steps):
        if step.backward is None or step.backward_ranges is None:
            continue
        above = {gradient_name(step.forward.output): gradient_of(step.name)}
        below = {gradient_name(operand): gradient_of(value) for operand, value in step.gradients.items()}
        names = {**step.operands, step.forward.output: step.name, **above, **below}
        backward += named_equations(
            step.backward, step.backward_ranges, names, step.name, seen=seen, every_image=True
        )
    return forward, backward
