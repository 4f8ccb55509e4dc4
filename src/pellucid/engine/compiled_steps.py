"""Training steps of one kind: their code, and the memory that it works on."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.compiler.context import CONTROL, CONTROL_SIZE, FIELDS
from pellucid.compiler.machine import aligned
from pellucid.compiler.placement import CHUNK
from pellucid.engine.compiled_code import obtained
from pellucid.engine.compiled_plan import AVERAGE, DEVIATION
from pellucid.engine.compiled_training import TrainingRecipe
from pellucid.engine.interface import Task, state_name
from pellucid.engine.workers import run_together

__all__ = ["Steps"]

Array = NDArray[Any]
STOP, DONE = CONTROL.index("stop"), CONTROL.index("done")


class Steps:
    """Parameters and states lie in the compiler's storage; public arrays are copies of views of it."""

    def __init__(self, task: Task, recipe: TrainingRecipe, threads: int) -> None:
        self.task, self.recipe = task, recipe
        self.dtype = np.dtype(task.dtype)
        self.layout, self._code = obtained(recipe)
        self.threads = min(threads, recipe.cut.shards)
        self._train = self._code.function("train", ctypes.c_void_p, ctypes.c_int64)
        sizes, trained, states = self.layout.sizes, self.layout.trained, task.update.states
        norms = recipe.norms(self.layout)
        self._parameters = aligned(sizes["parameters"], self.dtype)
        self._gradients = aligned(norms + trained // CHUNK, self.dtype)
        first = norms - len(states) * trained
        self._states = {s: self._gradients[first + i * trained :][:trained] for i, s in enumerate(states)}
        stride = -(-sizes["arena"] // CHUNK) * CHUNK + CHUNK
        self._arenas = aligned(self.threads * stride, self.dtype)
        self._arena_bytes = stride * self.dtype.itemsize
        scaling = task.normalisation
        if scaling is not None:
            for name, numbers in ((AVERAGE, scaling.mean), (DEVIATION, scaling.deviation)):
                self.layout.tensors[name].view(self._parameters)[...] = numbers

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies in public order."""
        return {n: self._public(self._parameters, n) for n in self.task.network.parameter_shapes}

    @property
    def state(self) -> dict[str, Array]:
        """Copies of the optimiser's states."""
        return {
            state_name(n, s): self._public(buffer, n)
            for s, buffer in self._states.items()
            for n in self.task.network.parameter_shapes
        }

    def fill(self, parameters: Mapping[str, Array], state: Mapping[str, Array]) -> None:
        """Puts in parameters, and states if there are any."""
        for name, value in parameters.items():
            self._store(self._parameters, name, value)
            for kind, buffer in self._states.items() if state else ():
                self._store(buffer, name, state[state_name(name, kind)])

    def run(self, arrays: Mapping[str, Array], steps: int, batch: int) -> int:
        """Does steps, each on a batch of images; returns how many it did.

        A KeyboardInterrupt here ends the steps with the one that runs.

        Args:
            arrays: by the names of the worker's fields.
            steps: how many.
            batch: images of a step; the last may have fewer.
        """
        # in cache lines of its own: a thread that waits reads it all the time
        control = aligned(CONTROL_SIZE, np.dtype(np.int64))
        known = {**arrays, "control": control, "parameters": self._parameters, "gradients": self._gradients}
        numbers = {
            **{name: array.ctypes.data for name, array in known.items()},
            "arenas": self._arenas.ctypes.data, "arena_bytes": self._arena_bytes, "steps": steps,
            "batch": batch, "total": len(arrays["order"]), "threads": self.threads,
        }  # fmt: skip
        context = np.array([numbers.get(f, 0) for f in FIELDS], np.int64)

        def stop() -> None:
            control[STOP] = 1

        run_together(partial(self._work, context, known), self.threads, stop)
        return int(control[DONE])

    def _work(self, context: Array, _held: Mapping[str, Array], thread: int) -> None:
        """One thread; it holds the arrays of which the context has only addresses."""
        self._train(context.ctypes.data, thread)

    def _store(self, buffer: Array, name: str, value: Array) -> None:
        tensor = self.layout.tensors[name]
        tensor.view(buffer)[...] = np.asarray(value, self.dtype).reshape(tensor.shape)

    def _public(self, buffer: Array, name: str) -> Array:
        shape = self.task.network.parameter_shapes[name]
        return np.array(self.layout.tensors[name].view(buffer)).reshape(shape)
