"""Training with NumPy: every number of a step comes out of an equation."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.checks import check_order, checked_task
from pellucid.engine.executor import executor
from pellucid.engine.interface import OnStep, StepLog, Task, state_name
from pellucid.engine.preparing import as_rows, prepared
from pellucid.engine.program import LOSS, TARGETS, WEIGHTS
from pellucid.engine.running import masks_for
from pellucid.formula.evaluate import Plan, plan
from pellucid.layers.preparation import CORRECT, SQUARED_NORM, clipping
from pellucid.network import INPUT

__all__ = ["NumpyTrainer", "limited"]

Array = NDArray[Any]


class NumpyTrainer:
    """A training whose parameters lie one after another in one array, so that an update is one evaluation."""

    def __init__(self, task: Task) -> None:
        self.task = checked_task(task)
        self.dtype = np.dtype(task.dtype)
        self._parameters = _Flat(task.network.parameter_shapes, self.dtype)
        self._parameters.fill(task.network.checked_parameters(task.parameters, self.dtype))
        self._gradients = _Flat(task.network.parameter_shapes, self.dtype)
        self._states = {s: self._restored(s) for s in task.update.states}
        self._update = self._planned_update()
        self._clipping = self._planned_clipping() if task.clip_norm is not None else None
        self._batches: dict[int, _Batch] = {}

    @property
    def parameters(self) -> dict[str, Array]:
        return {name: view.copy() for name, view in self._parameters.views.items()}

    @property
    def state(self) -> dict[str, Array]:
        return {
            state_name(name, state): view.copy()
            for state, flat in self._states.items()
            for name, view in flat.views.items()
        }

    def run(self, order: Array, first_step: int, rates: Array, on_step: OnStep | None = None) -> StepLog:
        size = self.task.batch_size
        check_order(order, len(self.task.images), rates, size)
        losses: list[float] = []
        corrects: list[int] = []
        counts: list[int] = []
        total = 0.0
        with limited(self.task.threads):
            for at, rate in enumerate(rates):
                images = order[at * size : (at + 1) * size]
                loss, correct = self._step(images, first_step + at, rate)
                losses.append(loss)
                corrects.append(correct)
                counts.append(len(images))
                total += loss * len(images)
                done = at * size + len(images)
                if not np.isfinite(loss) or (on_step is not None and on_step(at + 1, done, total / done)):
                    break
        return StepLog(np.array(losses, np.float64), np.array(corrects, np.int64), np.array(counts, np.int64))

    def _step(self, images: Array, number: int, rate: float) -> tuple[float, int]:
        """One step on the images of these numbers: its loss and how many were right."""
        batch = self._batches.get(len(images))
        if batch is None:
            batch = self._batches[len(images)] = _Batch(self.task, len(images))
        values = batch.values(self.task, images, number)
        values.update(self._parameters.views)
        inner = batch.executor.forward(values)
        loss = float(values[LOSS])
        correct = batch.correct(values)
        if np.isfinite(loss):
            gradients = batch.executor.backward(inner, {})
            self._gradients.fill(gradients)
            self._apply(number, rate)
        return loss, correct

    def _apply(self, number: int, rate: float) -> None:
        """Moves the parameters along their gradients."""
        gradient = self._gradients.array
        if self._clipping is not None:
            gradient = self._clipping(gradient)
        given = {s: flat.array for s, flat in self._states.items()}
        given |= {"rate": np.asarray(rate, self.dtype), "t": np.asarray(number + 1, self.dtype)}
        new = self._update({"p": self._parameters.array, "g": gradient, **given})
        np.copyto(self._parameters.array, new["new_p"])
        for state, flat in self._states.items():
            np.copyto(flat.array, new[f"new_{state}"])

    def _restored(self, state: str) -> _Flat:
        flat = _Flat(self.task.network.parameter_shapes, self.dtype)
        if self.task.state:
            flat.fill({name: self.task.state[state_name(name, state)] for name in flat.views})
        return flat

    def _planned_update(self) -> Plan:
        formula, size = self.task.update.formula, self._parameters.array.shape
        shapes = {o: () if o in ("rate", "t") else size for o in formula.operands}
        return plan(formula, shapes, self.dtype)

    def _planned_clipping(self) -> partial[Array]:
        shape = self._parameters.array.shape
        norm = plan(SQUARED_NORM, {"g": shape}, self.dtype)
        scaled = plan(clipping(), {"g": shape, "limit": (), "total": ()}, self.dtype)
        return partial(_clipped, norm, scaled, np.asarray(self.task.clip_norm, self.dtype))


class _Flat:
    """Arrays of several shapes one after another in one array, and a view of each."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: np.dtype[Any]) -> None:
        sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self.array = np.zeros(sum(sizes), dtype)
        parts = np.split(self.array, np.cumsum(sizes)[:-1])
        self.views = {n: part.reshape(shapes[n]) for n, part in zip(shapes, parts, strict=True)}

    def fill(self, arrays: Mapping[str, Array]) -> None:
        for name, view in self.views.items():
            np.copyto(view, arrays[name])


class _Batch:
    """What is prepared once for a number of images."""

    def __init__(self, task: Task, count: int) -> None:
        network = task.network
        wanted, weighted = frozenset(network.parameter_shapes), task.sample_weight is not None
        dtype = np.dtype(task.dtype)
        self.executor = executor(network, count, dtype, wanted=wanted, training=True, weighted=weighted)
        self.prepare = prepared(task.normalisation, (count, *task.images.shape[1:]), task.dtype)
        self.rows = as_rows(network, count, task.dtype)
        shape = (count, *network.output_shape)
        classes = network.loss is not None and network.loss.classification
        self.count_correct = plan(CORRECT, {"x": shape, "y": shape}, task.dtype) if classes else None

    def values(self, task: Task, images: Array, step: int) -> dict[str, Array]:
        """What the network reads, but for its parameters."""
        values = {INPUT: self.prepare(task.images[images]), TARGETS: self.rows(task.targets[images])}
        if task.sample_weight is not None:
            values[WEIGHTS] = task.sample_weight[images].astype(self.executor.dtype)
        return values | masks_for(self.executor.program, images, task.seed, step, task.dtype)

    def correct(self, values: Mapping[str, Array]) -> int:
        if self.count_correct is None:
            return 0
        output = self.executor.program.network.output
        return int(self.count_correct({"x": values[output], "y": values[TARGETS]})["correct"])


def limited(threads: int | None) -> AbstractContextManager[object]:
    """Within it the matrix products use this many threads."""
    if threads is None:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(threads, user_api="blas")
    return limits


def _clipped(norm: Plan, scaled: Plan, limit: Array, gradient: Array) -> Array:
    total = norm({"g": gradient})["norm"]
    return scaled({"g": gradient, "limit": limit, "total": total})["clipped"]
