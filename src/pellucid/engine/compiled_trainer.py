"""Training in machine code: one native call a thread for as many steps as are asked for."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.compiler.driver import FIELDS
from pellucid.compiler.machine import aligned
from pellucid.compiler.plan import CHUNK
from pellucid.engine.checks import check_order, checked_task
from pellucid.engine.compiled_code import obtained
from pellucid.engine.compiled_plan import AVERAGE, DEVIATION, GIVEN_AT, LABEL, source_of
from pellucid.engine.compiled_training import TrainingRecipe
from pellucid.engine.compiled_update import StepScalars
from pellucid.engine.interface import OnStep, StepLog, Task, state_name
from pellucid.formula.evaluate import plan
from pellucid.formula.formula import Formula

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
        self.images = source_of(task.images, scaled=task.normalisation is not None)
        self.recipe = TrainingRecipe.of(task)
        self.layout, self._code = obtained(self.recipe)
        self.threads = min(threads, self.recipe.cut.shards)
        self.scalars = StepScalars(task.update.formula)
        numbers = self.layout.batch_numbers
        self._batch_formula = Formula.parse(numbers) if numbers else None
        self._allocate()
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
        self._add_batch_numbers(rows, order)
        keys = self._mask_keys(first_step, steps)
        log = np.zeros((steps, 2))
        done, together = 0, 1 if on_step is not None else steps
        while done < steps:
            wanted = min(together, steps - done)
            part = order[done * size : (done + wanted) * size]
            began = time.monotonic()
            ran = self._race(part, rows[done:], log[done:], keys[done:], wanted)
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

    def _race(self, order: Array, rows: Array, log: Array, keys: Array, steps: int) -> int:
        """The worker threads do the steps; a KeyboardInterrupt here ends them with the step they are in."""
        control = np.zeros(16, np.int64)
        context = self._context(order, rows, log, control, keys, steps)
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
        sizes, trained, states = self.layout.sizes, self.layout.trained, self.task.update.states
        self._parameters = aligned(sizes["parameters"], self.dtype)
        norms = self.recipe.norms(self.layout)
        self._gradients = aligned(norms + trained // CHUNK, self.dtype)
        first = norms - len(states) * trained
        self._states = {s: self._gradients[first + i * trained :][:trained] for i, s in enumerate(states)}
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
                self.layout.tensors[name].view(self._parameters)[...] = numbers

    def _store(self, buffer: Array, name: str, value: Array) -> None:
        tensor = self.layout.tensors[name]
        tensor.view(buffer)[...] = np.asarray(value, self.dtype).reshape(tensor.shape)

    def _public(self, buffer: Array, name: str) -> Array:
        shape = self.task.network.parameter_shapes[name]
        return np.array(self.layout.tensors[name].view(buffer)).reshape(shape)

    def _add_batch_numbers(self, rows: Array, order: Array) -> None:
        """Numbers of each batch's weights, by the loss's own equations."""
        if self._batch_formula is None or self.task.sample_weight is None:
            return
        weights, size = np.asarray(self.task.sample_weight, self.dtype), self.task.batch_size
        for step, row in enumerate(rows):
            part = weights[order[step * size : (step + 1) * size]]
            values = plan(self._batch_formula, {"weight": part.shape}, self.dtype)({"weight": part})
            for place, equation in enumerate(self._batch_formula.equations):
                row[GIVEN_AT - place] = values[equation.name]

    def _mask_keys(self, first_step: int, steps: int) -> Array:
        """For each step and mask the key of its random bits."""
        seed, names = self.task.seed, self.layout.masks
        keys = [[random.key(seed, "mask", n, first_step + s) for n in names] for s in range(steps)]
        return np.array(keys, np.uint64).reshape(steps, len(names))

    def _context(
        self, order: Array, rows: Array, log: Array, control: Array, keys: Array, steps: int
    ) -> Array:
        targets = self.task.targets
        labels = np.int64 if LABEL in self.layout.tensors else self.dtype
        self._labels = np.ascontiguousarray(targets, labels)
        weights = self.task.sample_weight
        self._weights = np.ascontiguousarray(weights if weights is not None else [], self.dtype)
        numbers = {
            "images": self.images.ctypes.data, "labels": self._labels.ctypes.data, "order": order.ctypes.data,
            "scalars": rows.ctypes.data, "parameters": self._parameters.ctypes.data, "log": log.ctypes.data,
            "control": control.ctypes.data, "steps": steps, "batch": self.task.batch_size,
            "total": len(order), "threads": self.threads, "arenas": self._arenas.ctypes.data,
            "arena_bytes": self._arena_bytes, "gradients": self._gradients.ctypes.data,
            "weights": self._weights.ctypes.data, "masks": keys.ctypes.data,
        }  # fmt: skip
        return np.array([numbers.get(f, 0) for f in FIELDS], np.int64)
