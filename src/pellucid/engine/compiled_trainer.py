"""Training in machine code: one native call a thread for as many steps as are asked for."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.engine.checks import check_order, checked_task
from pellucid.engine.compiled_plan import GIVEN_AT, source_of
from pellucid.engine.compiled_steps import Steps
from pellucid.engine.compiled_training import TrainingRecipe, holds_labels
from pellucid.engine.compiled_update import StepScalars
from pellucid.engine.coupling import coupled_layer
from pellucid.engine.interface import OnStep, StepLog, Task
from pellucid.formula.evaluate import plan
from pellucid.formula.formula import Formula

__all__ = ["CompiledTrainer"]

Array = NDArray[Any]
# Steps are done together until they take about this long; then whoever watches is asked.
LONGEST_SECONDS = 0.1


class CompiledTrainer:
    """A training of which all steps run in native code.

    Where images of a batch depend on each other, the code is made for their number: a short last batch has
    code of its own, to which parameters and states are handed over and back.
    """

    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = checked_task(task), threads
        self.dtype = np.dtype(task.dtype)
        labels = np.int64 if holds_labels(task) else self.dtype
        self._arrays = {
            "images": source_of(task.images, scaled=task.normalisation is not None),
            "labels": np.ascontiguousarray(task.targets, labels),
        }
        if task.sample_weight is not None:
            self._arrays["weights"] = np.ascontiguousarray(task.sample_weight, self.dtype)
        self._coupled = coupled_layer(task.network) is not None
        self._made: dict[int, Steps] = {}
        self._steps = self._steps_of(min(task.batch_size, max(1, len(task.images))))
        self._steps.fill(task.network.checked_parameters(task.parameters, self.dtype), task.state)
        self.scalars = StepScalars(task.update.formula)
        numbers = self._steps.layout.batch_numbers
        self._batch_formula = Formula.parse(numbers) if numbers else None

    @property
    def parameters(self) -> dict[str, Array]:
        return self._steps.parameters

    @property
    def state(self) -> dict[str, Array]:
        return self._steps.state

    @property
    def recipe(self) -> TrainingRecipe:
        """What the code in use is made of."""
        return self._steps.recipe

    def run(self, order: Array, first_step: int, rates: Array, on_step: OnStep | None = None) -> StepLog:
        """Trains on the images in this order; see `pellucid.engine.interface.Trainer.run`."""
        order = np.array(order)  # what is checked here is what the code reads, whatever happens meanwhile
        size, count, steps = self.task.batch_size, len(order), len(rates)
        check_order(order, len(self._arrays["images"]), rates, size)
        order = np.ascontiguousarray(order, np.int64)
        counts = np.minimum(size, count - size * np.arange(steps))
        rows = self.scalars.rows(rates, first_step, counts, self.dtype)
        self._add_batch_numbers(rows, order)
        keys = self._mask_keys(first_step, steps)
        log = np.zeros((steps, 2))
        done, together = 0, 1 if on_step is not None else steps
        while done < steps:
            wanted = min(together, self._alike(counts[done:]))
            parts = {
                "order": order[done * size : (done + wanted) * size], "scalars": rows[done:],
                "log": log[done:], "masks": keys[done:],
            }  # fmt: skip
            began = time.monotonic()
            ran = self._steps_for(int(counts[done])).run(self._arrays | parts, wanted, size)
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

    def _alike(self, counts: Array) -> int:
        """How many of the next steps the same code can do."""
        return int((counts == counts[0]).sum()) if self._coupled else len(counts)

    def _steps_for(self, images: int) -> Steps:
        """The code for a step on so many images, with the present parameters and states."""
        following = self._steps_of(images) if self._coupled else self._steps
        if following is not self._steps:
            following.fill(self._steps.parameters, self._steps.state)
            self._steps = following
        return following

    def _steps_of(self, images: int) -> Steps:
        if images not in self._made:
            size = images if self._coupled else self.task.batch_size
            self._made[images] = Steps(self.task, TrainingRecipe.of(self.task, size), self.threads)
        return self._made[images]

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
        seed, names = self.task.seed, self._steps.layout.masks
        keys = [[random.key(seed, "mask", n, first_step + s) for n in names] for s in range(steps)]
        return np.array(keys, np.uint64).reshape(steps, len(names))
