"""The NumPy engine's inner part: a program with every formula prepared for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.program import LOSS, Program
from pellucid.formula.derive import gradient_name
from pellucid.formula.evaluate import Plan, planned
from pellucid.formula.specialise import specialised
from pellucid.network import Network

__all__ = ["Executor", "executor"]

Array = NDArray[Any]
Values = dict[str, Array]


class Executor:
    """Runs one program, for one batch size and number type."""

    def __init__(self, program: Program, dtype: DTypeLike) -> None:
        self.program = program
        self.forward_plans = [planned(s.forward, s.ranges, dtype) for s in program.steps]
        self.backward_plans: list[Plan | None] = [
            planned(specialised(s.backward, s.backward_ranges), s.backward_ranges, dtype)
            if s.backward and s.backward_ranges
            else None
            for s in program.steps
        ]
        self.dtype = np.dtype(dtype)

    def forward(self, values: Values) -> list[Values]:
        """Adds every step's output to `values`; returns what each formula computed, under its own names."""
        inner: list[Values] = []
        with np.errstate(all="ignore"):
            for step, plan in zip(self.program.steps, self.forward_plans, strict=True):
                local = plan.values({operand: values[name] for operand, name in step.operands.items()})
                values[step.name] = local[step.forward.output]
                inner.append(local)
        return inner

    def backward(self, inner: list[Values], upstream: Mapping[str, Array]) -> Values:
        """Gradients by name, given those from above; gradients of several uses are added in order."""
        gradients: Values = dict(upstream)
        parts: dict[str, list[Array]] = {}
        done = zip(self.program.steps, self.backward_plans, inner, strict=True)
        for step, plan, local in reversed(list(done)):
            if step.name in parts:
                own = [gradients[step.name]] if step.name in upstream else []
                gradients[step.name] = _added([*own, *reversed(parts.pop(step.name))])
            if plan is None or (step.name not in gradients and step.name != LOSS):
                continue
            given = dict(local)
            if step.name != LOSS:
                given[gradient_name(step.forward.output)] = gradients[step.name]
            with np.errstate(all="ignore"):
                result = plan.values(given)
            for operand, name in reversed(list(step.gradients.items())):
                parts.setdefault(name, []).append(result[gradient_name(operand)])
        return gradients | {name: _added(list(reversed(found))) for name, found in parts.items()}


@lru_cache(maxsize=16)
def executor(
    network: Network, batch: int, dtype: np.dtype[Any], *, wanted: frozenset[str] = frozenset(),
    training: bool = False, loss: bool = True, weighted: bool = False,
) -> Executor:  # fmt: skip
    """The executor of a program, see `Program.build`; those that were used lately are kept."""
    program = Program.build(network, batch, wanted=wanted, training=training, loss=loss, weighted=weighted)
    return Executor(program, dtype)


def _added(arrays: list[Array]) -> Array:
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total
