"""An optimiser's equations as machine code for one chunk of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.compiler.context import ROW
from pellucid.compiler.fuse import fused
from pellucid.compiler.immediate import ElementUpdate
from pellucid.compiler.kernel import Kernel
from pellucid.compiler.layout import Tensor
from pellucid.compiler.lower import lower
from pellucid.compiler.machine import host
from pellucid.compiler.module import Module
from pellucid.compiler.placement import CHUNK
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.schedule import choose
from pellucid.errors import UsageError
from pellucid.formula.evaluate import plan
from pellucid.formula.expression import Equation, Expr, Node, Num, Read, map_children, reads, with_reads
from pellucid.formula.formula import CONSTANTS, Formula
from pellucid.formula.index import Index
from pellucid.formula.ranges import Ranges
from pellucid.layers.preparation import SQUARED_NORM, clipping

__all__ = ["SQUARES", "StepScalars", "element_update", "emit_update"]

Array = NDArray[Any]
# Numbers of an optimiser that a step's row of scalars has room for.
MOST_SCALARS = 10
# The sum of squares of all gradients, in the last place of the row.
TOTAL = "@total"
# Functions that square a chunk: one adds its shards up, one its squares.
SQUARES = 2


class StepScalars:
    """Parts of an update that hold no tensor, worked out for all steps before they begin."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.hoisted: list[Expr] = []
        self.equations = tuple(Equation(e.target, self._visit(e.value)) for e in formula.equations)

    def _visit(self, node: Node) -> Any:
        if (
            isinstance(node, Expr)
            and not any(r.indices for r in reads(node))
            and any(True for _ in reads(node))
        ):
            if node not in self.hoisted:
                self.hoisted.append(node)
            return Read(f"@s{self.hoisted.index(node) + 1}")
        return map_children(node, self._visit)

    def rows(self, rates: Array, first_step: int, counts: Array, dtype: np.dtype[Any]) -> Array:
        rows = np.zeros((len(rates), ROW), dtype)
        if not len(rates):
            return rows
        rows[:, 0] = counts
        given = {
            "rate": np.asarray(rates, np.float64),
            "t": first_step + 1 + np.arange(len(rates), dtype=np.float64),
        }
        for number, value in enumerate(self.hoisted):
            rows[:, number + 1] = self._over_steps(value, given, len(rates))
        return rows

    def _over_steps(self, value: Expr, given: Mapping[str, Array], steps: int) -> Array:
        def at_step(read: Read) -> Read:
            return Read(read.tensor, (Index.of("d"),)) if read.tensor in given else read

        inner = with_reads(value, at_step)
        formula = Formula(
            (Equation(Read("value", (Index.of("d"),)), inner),), constants=self.formula.constants
        )
        used = {n: a for n, a in given.items() if n in formula.operands}
        return plan(formula, {n: a.shape for n, a in used.items()}, np.float64, {"D": steps})(used)["value"]


def element_update(formula: Formula, states: tuple[str, ...]) -> ElementUpdate:
    """An optimiser's step for one element, its scalars where `StepScalars.rows` puts them."""
    scalars = StepScalars(formula)
    if len(scalars.hoisted) >= MOST_SCALARS:
        raise UsageError("the optimiser has too many scalars")
    constants = {**CONSTANTS, **{k: float(v) for k, v in formula.constants.items()}}
    places = {f"@s{number + 1}": number + 1 for number in range(len(scalars.hoisted))}
    return ElementUpdate(scalars.equations, states, constants, places)


def emit_update(
    module: Module,
    update: ElementUpdate,
    planned: PassPlan,
    shards: int,
    shard: int,
    limit: float | None = None,
) -> tuple[int, int]:
    """The functions ``change0``, ``change1``, ... of one chunk; the room they need, and their number.

    With a limit of the gradients' norm, the functions ``square0``, ``square1``, ... too, which add a chunk's
    shards up in the first and square it.
    """
    d = Index.of("d")
    tensors: dict[str, Tensor] = {}

    def tensor(name: str, space: str, offset: int) -> None:
        tensors[name] = Tensor(name, space, (CHUNK,), (0,), ((0, 0),), offset)

    tensor("p", "parameters", 0)
    for s in range(shards):
        tensor(f"g:{s}", "gradients", s * shard)
    for i, state in enumerate(update.states):
        tensor(state, "gradients", shards * shard + i * planned.trained)
    for name, place in update.scalars.items():
        tensors[name] = Tensor(name, "scalars", (), (), (), place)
    total: Expr = Num(0)
    for s in range(shards):
        total = total + Read(f"g:{s}", (d,))
    constants = dict(update.constants)
    summed = Equation(Read("g", (d,)), total)
    if limit is not None:
        tensors["norm"] = Tensor("norm", "arena", (), (), (), 0)
        tensors[TOTAL] = Tensor(TOTAL, "scalars", (), (), (), ROW - 1)
        first = Read("g:0", (d,))
        norm = SQUARED_NORM.equations[0]
        _emit(module, "square", [Equation(first, total), _with(norm, {"g": "g:0"})], tensors, constants)
        constants["limit"] = float(limit)
        summed = _with(clipping().equations[0], {"g": "g:0", "clipped": "g", "total": TOTAL})
    equations = [summed, *update.equations]
    for place, equation in enumerate(equations):
        tensor(equation.name, "arena", place * CHUNK)
    for name in ("p", *update.states):
        if f"new_{name}" in tensors:
            equations.append(Equation(Read(name, (d,)), Read(f"new_{name}", (d,))))
    return len(equations) * CHUNK, _emit(module, "change", equations, tensors, constants)


def _emit(
    module: Module, name: str, equations: list[Equation], tensors: Mapping[str, Tensor],
    constants: Mapping[str, float],
) -> int:  # fmt: skip
    """One function for each nest of the equations of a chunk; how many they are."""
    ranges = Ranges({"d": CHUNK}, {}, {t: x.shape for t, x in tensors.items()})
    nests = [nest for equation in equations for nest in lower(equation, ranges)]
    keep = {equations[-1].name, *(n for n, t in tensors.items() if t.space != "arena")}
    nests = fused(nests, frozenset(keep))
    unit = host().unit(module.kind)
    for number, nest in enumerate(nests):
        Kernel(module, f"{name}{number}", nest, choose(nest, tensors, None, unit), tensors, constants, None)
    return len(nests)


def _with(equation: Equation, names: Mapping[str, str]) -> Equation:
    """The equation over tensors of other names."""

    def renamed(read: Read) -> Read:
        return Read(names.get(read.tensor, read.tensor), read.indices)

    return Equation(renamed(equation.target), with_reads(equation.value, renamed))
