"""Training in machine code: one native call a thread for as many steps as are asked for."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.compiler.driver import FIELDS, ROW, Feed, barrier, gather, training_worker, update_function
from pellucid.compiler.emit import Kernel, Module
from pellucid.compiler.layout import Tensor
from pellucid.compiler.machine import aligned, compiled
from pellucid.compiler.nest import lower
from pellucid.compiler.plan import CHUNK, PassPlan
from pellucid.compiler.schedule import choose
from pellucid.engine.checks import check_order, checked_task
from pellucid.engine.compiled_plan import (
    AVERAGE,
    CORRECTS,
    DEVIATION,
    IMAGE,
    LABEL,
    source_of,
    tile_size,
    training_plan,
)
from pellucid.engine.interface import OnStep, StepLog, Task, state_name
from pellucid.engine.program import LOSS, TARGETS
from pellucid.errors import UsageError
from pellucid.formula.evaluate import plan
from pellucid.formula.expression import Equation, Expr, Node, Num, Read, map_children, reads
from pellucid.formula.formula import CONSTANTS, Formula
from pellucid.formula.index import Index
from pellucid.formula.ranges import Ranges
from pellucid.network import INPUT

__all__ = ["CompiledTrainer"]

Array = NDArray[Any]
POLL_SECONDS = 0.1
# Steps are done together until they take about this long; then whoever watches is asked.
LONGEST_SECONDS = 0.1


class CompiledTrainer:
    """A training whose parameters lie in the compiler's storage; public arrays are views of it, copied."""

    def __init__(self, task: Task, threads: int) -> None:
        self.task = checked_task(task)
        self.dtype = np.dtype(task.dtype)
        self.kind = {4: "float", 8: "double"}[self.dtype.itemsize]
        self.shards = 4 if task.batch_size >= 16 else 2 if task.batch_size >= 8 else 1
        self.threads = min(threads, self.shards)
        self._source, self.images = source_of(task.images, scaled=task.normalisation is not None)
        tile = tile_size(task.network, -(-task.batch_size // self.shards), self.dtype.itemsize)
        self.plan = training_plan(task, tile)
        self.scalars = _Scalars(task.update.formula)
        self._allocate()
        self._code = compiled(self._module(tile).text())
        self._train = self._code.function("train", ctypes.c_void_p, ctypes.c_int64)

    @property
    def parameters(self) -> dict[str, Array]:
        return {n: self._public(self._parameters, n) for n in self.task.network.parameter_shapes}

    @property
    def state(self) -> dict[str, Array]:
        return {
            state_name(n, s): self._public(self._states[s], n)
            for s in self.task.update.states
            for n in self.task.network.parameter_shapes
        }

    def run(self, order: Array, first_step: int, rates: Array, on_step: OnStep | None = None) -> StepLog:
        """Trains on the images in this order; see `pellucid.engine.interface.Trainer.run`."""
        size, count, steps = self.task.batch_size, len(order), len(rates)
        check_order(order, len(self.images), rates, size)
        order = np.ascontiguousarray(order, np.int64)
        counts = np.minimum(size, count - size * np.arange(steps))
        rows = self.scalars.rows(rates, first_step, counts, self.dtype)
        log = np.zeros((steps, 2))
        done, together = 0, 1 if on_step is not None else steps
        while done < steps:
            wanted = min(together, steps - done)
            part = order[done * size : (done + wanted) * size]
            began = time.monotonic()
            ran = self._race(part, rows[done:], log[done:], wanted)
            done += ran
            if ran < wanted or not np.isfinite(log[done - 1, 0]):
                break
            images = int(counts[:done].sum())
            if on_step is not None and on_step(done, images, float(log[:done, 0] @ counts[:done]) / images):
                break
            if time.monotonic() - began < LONGEST_SECONDS:
                together = max(together, done // 2)
        corrects = np.rint(log[:done, 1]).astype(np.int64)
        return StepLog(log[:done, 0].copy(), corrects, counts[:done])

    def _race(self, order: Array, rows: Array, log: Array, steps: int) -> int:
        """The worker threads do the steps; a KeyboardInterrupt here ends them with the step they are in."""
        control = np.zeros(16, np.int64)
        context = self._context(order, rows, log, control, steps)
        address = context.ctypes.data
        workers = [
            threading.Thread(target=self._train, args=(address, t), daemon=True) for t in range(self.threads)
        ]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                while worker.is_alive():
                    worker.join(POLL_SECONDS)
        finally:
            control[0] = 1
            for worker in workers:
                worker.join()
        return int(control[1])

    def _allocate(self) -> None:
        sizes, trained = dict(self.plan.sizes), self.plan.trained
        self._shard = -(-sizes["gradients"] // CHUNK) * CHUNK
        self._parameters = aligned(sizes["parameters"], self.dtype)
        states = self.task.update.states
        shard = self._shard
        self._gradients = aligned(self.shards * shard + len(states) * trained, self.dtype)
        self._states = {
            s: self._gradients[self.shards * shard + i * trained :][:trained] for i, s in enumerate(states)
        }
        stride = -(-sizes["arena"] // CHUNK) * CHUNK + CHUNK
        self._arenas = aligned(self.threads * stride, self.dtype)
        self._arena_bytes = stride * self.dtype.itemsize
        values = self.task.network.checked_parameters(self.task.parameters, self.dtype)
        for name, value in values.items():
            self._store(self._parameters, name, value)
            for state in states if self.task.state else ():
                self._store(self._states[state], name, self.task.state[state_name(name, state)])
        scaling = self.task.normalisation
        if scaling is not None:
            for name, numbers in ((AVERAGE, scaling.mean), (DEVIATION, scaling.deviation)):
                self.plan.tensors[name].view(self._parameters)[...] = numbers

    def _store(self, buffer: Array, name: str, value: Array) -> None:
        tensor = self.plan.tensors[name]
        tensor.view(buffer)[...] = np.asarray(value, self.dtype).reshape(tensor.shape)

    def _public(self, buffer: Array, name: str) -> Array:
        shape = self.task.network.parameter_shapes[name]
        return np.array(self.plan.tensors[name].view(buffer)).reshape(shape)

    def _feeds(self) -> list[Feed]:
        tensors = self.plan.tensors
        image = tensors[IMAGE if self.task.normalisation is not None else INPUT]
        feeds = [Feed("images", self._source, image)]
        target = tensors[LABEL] if LABEL in tensors else tensors[TARGETS]
        return [*feeds, Feed("labels", "i64" if LABEL in tensors else self.kind, target)]

    def _module(self, tile: int) -> Module:
        module = Module(self.kind)
        self.plan.emit(module)
        sizes = {**self.plan.sizes, "gradients": self._shard}
        scratch, calls = _emit_update(
            module,
            self.task.update.formula,
            self.scalars,
            self.plan,
            self.shards,
            sizes["gradients"],
            self.task.update.states,
        )
        correct = self.plan.tensors[CORRECTS].offset if CORRECTS in self.plan.tensors else -1
        module.functions += [
            barrier(),
            gather(self._feeds(), self.kind),
            update_function(self.kind, scratch, calls),
            training_worker(
                self.kind, tile, sizes, self.plan.trained // CHUNK, CHUNK, self.plan.tensors[LOSS].offset,
                correct, self.shards, copies=bool(self.plan.repacks),
            ),
        ]  # fmt: skip
        return module

    def _context(self, order: Array, rows: Array, log: Array, control: Array, steps: int) -> Array:
        targets = self.task.targets
        labels = np.int64 if LABEL in self.plan.tensors else self.dtype
        self._labels = np.ascontiguousarray(targets, labels)
        numbers = {
            "images": self.images.ctypes.data, "labels": self._labels.ctypes.data, "order": order.ctypes.data,
            "scalars": rows.ctypes.data, "parameters": self._parameters.ctypes.data, "log": log.ctypes.data,
            "control": control.ctypes.data, "steps": steps, "batch": self.task.batch_size,
            "total": len(order), "threads": self.threads, "arenas": self._arenas.ctypes.data,
            "arena_bytes": self._arena_bytes, "gradients": self._gradients.ctypes.data,
        }  # fmt: skip
        return np.array([numbers.get(f, 0) for f in FIELDS], np.int64)


class _Scalars:
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
        def visit(node: Node) -> Node:
            if isinstance(node, Read) and node.tensor in given:
                return Read(node.tensor, (Index.of("d"),))
            return map_children(node, visit)

        inner = visit(value)
        assert isinstance(inner, Expr)
        formula = Formula(
            (Equation(Read("value", (Index.of("d"),)), inner),), constants=self.formula.constants
        )
        used = {n: a for n, a in given.items() if n in formula.operands}
        return plan(formula, {n: a.shape for n, a in used.items()}, np.float64, {"D": steps})(used)["value"]


def _emit_update(
    module: Module,
    formula: Formula,
    scalars: _Scalars,
    planned: PassPlan,
    shards: int,
    shard: int,
    states: tuple[str, ...],
) -> tuple[int, int]:
    """The functions ``change0``, ``change1``, ... of one chunk; the room they need, and their number."""
    if len(scalars.hoisted) >= ROW:
        raise UsageError("the optimiser has too many scalars")
    d = Index.of("d")
    tensors: dict[str, Tensor] = {}

    def tensor(name: str, space: str, offset: int) -> None:
        tensors[name] = Tensor(name, space, (CHUNK,), (0,), ((0, 0),), offset)

    tensor("p", "parameters", 0)
    for s in range(shards):
        tensor(f"g:{s}", "gradients", s * shard)
    for i, state in enumerate(states):
        tensor(state, "gradients", shards * shard + i * planned.trained)
    for number in range(len(scalars.hoisted)):
        tensors[f"@s{number + 1}"] = Tensor(f"@s{number + 1}", "scalars", (), (), (), number + 1)
    total: Expr = Num(0)
    for s in range(shards):
        total = total + Read(f"g:{s}", (d,))
    equations = [Equation(Read("g", (d,)), total), *scalars.equations]
    for place, equation in enumerate(equations):
        tensor(equation.name, "arena", place * CHUNK)
    for name in ("p", *states):
        if f"new_{name}" in tensors:
            equations.append(Equation(Read(name, (d,)), Read(f"new_{name}", (d,))))
    ranges = Ranges({"d": CHUNK}, {}, {t: x.shape for t, x in tensors.items()})
    constants = {**CONSTANTS, **{k: float(v) for k, v in formula.constants.items()}}
    number = 0
    for equation in equations:
        for nest in lower(equation, ranges):
            Kernel(module, f"change{number}", nest, choose(nest, tensors, None), tensors, constants, None)
            number += 1
    return len(equations) * CHUNK, number
