"""A network's gradients checked against differences of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.engine.executor import Executor
from pellucid.engine.inputs import as_inputs, as_targets
from pellucid.engine.program import LOSS, TARGETS, Program, Step
from pellucid.engine.running import masks_for
from pellucid.errors import NetworkError, UsageError
from pellucid.formula.branches import branches
from pellucid.formula.check import Row, check_gradients, passed
from pellucid.formula.evaluate import planned
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.network import INPUT, Network

__all__ = ["Check", "check"]

Array = NDArray[Any]
Values = dict[str, Array]

HEADINGS = ("gradient of", "elements", "directions", "kinks", "worst error", "at", "result")


@dataclass(frozen=True)
class Check:
    """The result of `Network.check`.

    Attributes:
        network: name of what was checked.
        images: their number.
        rows: one for each parameter and one for the input.
    """

    network: str
    images: int
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether all gradients are right and at most 2 % of what was compared lay on a kink."""
        return passed(self.rows)

    def to_dict(self) -> dict[str, object]:
        """Everything, in JSON's types."""
        rows = [
            {
                "gradient": row.name,
                "elements": row.coordinates,
                "directions": row.directions,
                "kinks": row.kinks,
                "worst_error": row.error,
                "at": None if row.element is None else list(row.element),
                "passed": row.passed,
            }
            for row in self.rows
        ]
        return {"network": self.network, "images": self.images, "passed": self.passed, "gradients": rows}

    def __str__(self) -> str:
        table = [HEADINGS, *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in table]
        verdict = "all gradients are right" if self.passed else "the check FAILED"
        images = "1 image" if self.images == 1 else f"{self.images} images"
        return "\n".join([f"{self.network}, {images}, float64", *lines, verdict])


def _cells(row: Row) -> tuple[str, ...]:
    counts = str(row.coordinates), str(row.directions), str(row.kinks)
    place = "" if row.element is None else "[" + ",".join(map(str, row.element)) + "]"
    return row.name, *counts, f"{row.error:.1e}", place, "right" if row.passed else "WRONG"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Numbers to the right."""
    numbers = range(1, 5)
    cells = enumerate(zip(row, widths, strict=True))
    return [cell.rjust(width) if n in numbers else cell.ljust(width) for n, (cell, width) in cells]


def check(
    network: Network, x: object = None, y: object = None, parameters: Mapping[str, Array] | None = None, *,
    images: int = 2, training: bool = False, seed: int = 0, coordinates: int = 200, directions: int = 3,
) -> Check:  # fmt: skip
    """Checks the gradients of a network; see `pellucid.network.Network.check`."""
    if network.loss is None and y is not None:
        raise NetworkError("targets were given, but the network has no loss")
    if coordinates < 1 or directions < 0:
        given = f"{coordinates} coordinates and {directions} directions"
        raise UsageError(f"a check compares at least 1 coordinate and 0 directions, not {given}")
    inputs = random.normal(random.key(seed, "input"), (images, *network.input_shape)) if x is None else x
    operands = {INPUT: as_inputs(network, inputs, np.float64)}
    count = len(operands[INPUT])
    if parameters is None:
        parameters = network.initial_parameters(seed, np.float64)
    operands |= network.checked_parameters(parameters, np.float64)
    program = Program.build(network, count, wanted=operands, training=training)
    fixed = masks_for(program, np.arange(count), seed, 0, np.float64)
    if network.loss is not None:
        fixed[TARGETS] = as_targets(
            network, _targets(network, count, seed) if y is None else y, count, np.float64
        )
    upstream = _upstream(network, count, seed)
    executor = Executor(program, np.float64)
    found = executor.backward(executor.forward({**operands, **fixed}), {} if network.loss else upstream)
    (above,) = upstream.values()
    rows = check_gradients(
        _Forward(program, fixed, next(iter(upstream))),
        operands,
        above,
        {name: found[name] for name in operands if name in found},
        key=random.key(seed, "check"),
        coordinates=coordinates,
        directions=directions,
    )
    return Check(network.name, count, tuple(rows))


def _targets(network: Network, count: int, seed: int) -> Array:
    key, shape = random.key(seed, "targets"), (count, *network.output_shape)
    if network.loss is not None and network.loss.classification:
        return random.integers(key, 0, shape[-1], count)
    return random.normal(key, shape)


def _upstream(network: Network, count: int, seed: int) -> dict[str, Array]:
    """The gradient that arrives at the end: of the loss with respect to itself, or a random one."""
    if network.loss is not None:
        return {LOSS: np.ones(())}
    return {network.output: random.normal(random.key(seed, "upstream"), (count, *network.output_shape))}


class _Forward:
    """From operands to the network's end and the branch of every distinction on the way.

    What does not depend on a changed operand is taken from the first call.
    """

    def __init__(self, program: Program, fixed: Values, end: str) -> None:
        self.steps = [_Traced(step) for step in program.steps]
        self.fixed, self.end = fixed, end
        self.base: Values = {}
        self.signs: list[list[Array]] = []

    def __call__(self, operands: Mapping[str, Array]) -> tuple[Array, list[Array]]:
        values = {**self.base, **self.fixed, **operands}
        changed = {name for name in operands if operands[name] is not self.base.get(name)}
        signs: list[list[Array]] = []
        for number, step in enumerate(self.steps):
            if self.signs and not changed.intersection(step.operands.values()):
                signs.append(self.signs[number])
                continue
            values[step.name], found = step(values)
            signs.append(found)
            changed.add(step.name)
        if not self.signs:
            self.base, self.signs = values, signs
        return values[self.end], [sign for found in signs for sign in found]


class _Traced:
    """One step of the program that tells its branches."""

    def __init__(self, step: Step) -> None:
        traced = branches(step.forward)
        self.name, self.operands, self.output = step.name, step.operands, step.forward.output
        self.plan = planned(traced, solve_gradient(traced, step.ranges), np.float64)
        self.marks = traced.defined.keys() - step.forward.defined.keys()

    def __call__(self, values: Values) -> tuple[Array, list[Array]]:
        local = self.plan({operand: values[name] for operand, name in self.operands.items()})
        return local[self.output], [local[mark] for mark in self.marks]
