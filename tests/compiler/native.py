"""Formulas run as machine code by the compiler alone, without a network around them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import numpy as np

from pellucid.compiler.equations import named_equations
from pellucid.compiler.machine import Host, aligned, compiled
from pellucid.compiler.module import SPACES, Module
from pellucid.compiler.plan import PassPlan, plan_pass
from pellucid.formula import evaluate
from pellucid.formula.derive import derive, gradient_name
from pellucid.formula.formula import Formula
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.ranges import Ranges, solve
from pellucid.formula.specialise import specialised

__all__ = ["Array", "both_ways", "by_numpy", "native", "planned"]

Array = np.ndarray
KINDS = {"float32": "float", "float64": "double"}


def planned(formula: Formula, ranges: Ranges, parameters: tuple[str, ...] = ()) -> PassPlan:
    """A pass of one formula, with every tensor under its own name; parameters lie as their use wants."""
    names = {t: t for t in ranges.shapes}
    equations = named_equations(formula, ranges, names, "inner", every_image=True)
    return plan_pass(equations, {p: ranges.shapes[p] for p in parameters}, {}, (), (), None)


def native(
    formula: Formula, ranges: Ranges, operands: Mapping[str, Array], dtype: str = "float64",
    where: Host | None = None, parameters: tuple[str, ...] = (),
) -> dict[str, Array]:  # fmt: skip
    """All tensors of the formula, by name; for the processor `where`, by default this one."""
    passes = planned(formula, ranges, parameters)
    module = Module(KINDS[dtype])
    passes.emit(module)
    arguments = ", ".join(f"ptr %{s}" for s in SPACES)
    body = f"call void @tile({arguments}, i64 %images)\n  ret void"
    module.functions.append(f"define void @run({arguments}, i64 %images) {{\n  {body}\n}}")
    code = compiled(module.text(), where)
    buffers = {s: aligned(max(passes.sizes[s], 1), np.dtype(dtype)) for s in SPACES}
    views = {n: t.view(buffers[t.space]) for n, t in passes.tensors.items() if n[0] != "@"}
    for name, array in operands.items():
        if name in views:
            views[name][...] = array
    run = code.function("run", *[ctypes.c_void_p] * len(SPACES), ctypes.c_int64)
    run(*(buffers[s].ctypes.data for s in SPACES), 1)
    return {name: np.array(view) for name, view in views.items()}


def by_numpy(
    formula: Formula, ranges: Ranges, operands: Mapping[str, Array], dtype: str = "float64"
) -> dict[str, Array]:
    """The same tensors by the reference."""
    plan = evaluate.planned(specialised(formula, ranges), ranges, dtype)
    return plan({n: np.asarray(a, dtype) for n, a in operands.items()})


def both_ways(
    formula: Formula, operands: Mapping[str, Array], sizes: Mapping[str, int], seed: int = 0
) -> list[tuple[Formula, Ranges, dict[str, Array]]]:
    """Forward and backward pass: the formula, its ranges and its operands."""
    shapes = {n: a.shape for n, a in operands.items()}
    gradient = derive(formula, tuple(operands))
    ranges = solve(gradient.forward, shapes, sizes)
    both = solve_gradient(gradient.formula, ranges)
    values = by_numpy(gradient.forward, ranges, operands)
    above = np.random.default_rng(seed).standard_normal(ranges.shapes[gradient.forward.output])
    upstream = {gradient_name(gradient.forward.output): above}
    return [
        (gradient.forward, ranges, dict(operands)),
        (gradient.formula, both, {**values, **upstream}),
    ]
