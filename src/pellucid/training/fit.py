"""The loop over epochs and steps."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine import StepLog
from pellucid.errors import TrainingError
from pellucid.model import History, Model, versions
from pellucid.training.callbacks import Callback, Moment
from pellucid.training.checkpoint import Best, Checkpoint, Place, save_checkpoint
from pellucid.training.history import row
from pellucid.training.interrupt import SignalWatch, TrainingInterrupted
from pellucid.training.setting import Saving, Setting

__all__ = ["Fit"]

Array = NDArray[Any]


class Fit:
    """A training in progress: its place, what it has learned, and what it tells of it."""

    def __init__(
        self, setting: Setting, start: Checkpoint, saving: Saving, callbacks: Sequence[Callback]
    ) -> None:
        self.setting, self.start, self.saving, self.callbacks = setting, start, saving, callbacks
        self.place, self.history, self.best = start.place, start.history, start.best
        self.trainer = setting.trainer(start.parameters, start.state)
        self._stopping = False
        self._saved: Place | None = start.place if saving.holds_start else None
        self._saved_at = perf_counter()

    def run(self) -> Model:
        """Trains to the end, or until it is stopped.

        Raises:
            TrainingError: a loss or a parameter is not finite.
            TrainingInterrupted: a signal asked for an end.
            ResourceError: a checkpoint cannot be written.
        """
        with SignalWatch() as watch:
            try:
                while not self._is_over():
                    self._epoch(watch)
                    self._heed(watch)
            finally:
                for callback in self.callbacks:
                    callback.on_end()
        if self._saved is not self.place:
            self._save()
        return self.model()

    def model(self) -> Model:
        """The network as it is now, or as it was at its best if training stops early."""
        setting = self.setting
        metadata = {
            "versions": versions(),
            "engine": setting.engine.name,
            "data": setting.samples.name,
            "images": len(setting.samples),
            "options": setting.options.document(),
        }
        if self.best is not None:
            metadata["best_epoch"] = self.best.epoch
        parameters = self.trainer.parameters if self.best is None else self.best.parameters
        classes = setting.samples.classes
        history = History(self.history)
        return Model(setting.network, parameters, classes, setting.normalisation, history, metadata)

    def _is_over(self) -> bool:
        patience = self.setting.options.early_stopping
        waited = self.place.epoch - self.best.epoch if self.best is not None else 0
        over = self.place.epoch >= self.setting.options.epochs
        return over or self._stopping or (patience is not None and waited >= patience)

    def _epoch(self, watch: SignalWatch) -> None:
        """One epoch, or what is left of it."""
        for callback in self.callbacks:
            callback.on_epoch_start(self.place.epoch + 1)
        order, rates = self.setting.order(self.place.epoch), self.setting.rates(self.place.epoch)
        while self.place.step < len(rates) and not self._stopping:
            self._steps(order, rates, watch)
            self._heed(watch)
            if self.place.step < len(rates) and self._is_due(self.place.step):
                self._save()
        if self.place.step == len(rates):
            self._end_epoch(float(rates[-1]))

    def _steps(self, order: Array, rates: Array, watch: SignalWatch) -> None:
        """Some steps of the epoch: up to where a checkpoint is due, or to where somebody wants an end."""
        place, size = self.place, self.setting.options.batch_size
        last = self.saving.next_step(place.step, len(rates))
        images = order[place.step * size : last * size]
        first_step = place.epoch * len(rates) + place.step
        began = perf_counter()
        log = self.trainer.run(
            images,
            first_step,
            rates[place.step : last],
            lambda steps, images, loss: self._ask(steps, images, loss, watch),
        )
        self._check_losses(log, rates)
        weights = self.setting.samples.weights
        shares = None if weights is None else weights[images]
        sums = place.sums.after(log, shares, perf_counter() - began)
        self.place = replace(place, step=place.step + len(log.losses), sums=sums)

    def _ask(self, steps: int, images: int, loss: float, watch: SignalWatch) -> bool:
        """Tells the callbacks about a step; whether the engine is to stop after it."""
        place, total = self.place, self.place.sums.images + images
        moment = Moment(
            epoch=place.epoch + 1,
            epochs=self.setting.options.epochs,
            step=place.step + steps,
            steps=self.setting.steps,
            images=total,
            loss=(place.sums.mean_loss * place.sums.images + loss * images) / total,
        )
        answers = [callback.on_step(moment) for callback in self.callbacks]
        self._stopping = self._stopping or any(answers)
        return self._stopping or watch.noted is not None or self._is_due(moment.step)

    def _end_epoch(self, rate: float) -> None:
        parameters = self._finite_parameters()
        validation = self.setting.validated(parameters)
        if validation is not None and not math.isfinite(validation.loss):
            raise TrainingError(f"the loss on the validation images is {validation.loss} {self._where()}")
        epoch, sums = self.place.epoch + 1, self.place.sums
        new = row(epoch, self.place.step, sums, rate, validation, classes=self.setting.classifies)
        self.history = (*self.history, new)
        if validation is not None and self.setting.options.early_stopping is not None:
            better = self.best is None or validation.loss < self.best.loss
            self.best = Best(epoch, validation.loss, parameters) if better else self.best
        self.place = Place(epoch)
        self._save()
        answers = [callback.on_epoch_end(new) for callback in self.callbacks]
        self._stopping = self._stopping or any(answers)

    def _heed(self, watch: SignalWatch) -> None:
        """Saves and ends the training if a signal asked for it."""
        if watch.noted is None:
            return
        if self._saved is not self.place:
            self._save()
        name = "Ctrl-C" if watch.noted.name == "SIGINT" else watch.noted.name
        path = self.saving.path
        how = f"resume={os.fspath(path)!r} goes on from there" if path else "no checkpoint was asked for"
        raise TrainingInterrupted(f"stopped by {name} {self._where()}", how, self.model(), watch.noted)

    def _is_due(self, step: int) -> bool:
        return self.saving.is_due(step, perf_counter() - self._saved_at)

    def _save(self) -> None:
        """Writes a checkpoint, if one is asked for."""
        if self.saving.path is None:
            return
        now = replace(
            self.start,
            place=self.place,
            history=self.history,
            parameters=self._finite_parameters(),
            state=self.trainer.state,
            best=self.best,
        )
        save_checkpoint(self.saving.path, now)
        self._saved, self._saved_at = self.place, perf_counter()

    def _finite_parameters(self) -> Mapping[str, Array]:
        parameters = self.trainer.parameters
        for name, array in parameters.items():
            if not np.isfinite(array).all():
                raise TrainingError(f"{name} is no longer finite {self._where()}{self._last_good()}")
        return parameters

    def _check_losses(self, log: StepLog, rates: Array) -> None:
        loss = float(log.losses[-1])
        if not math.isfinite(loss):
            step = self.place.step + len(log.losses)
            raise TrainingError(
                f"the loss is {loss} in step {step} of {len(rates)} of epoch {self.place.epoch + 1}, "
                f"at a learning rate of {rates[step - 1]:.3g}{self._last_good()}"
            )

    def _where(self) -> str:
        if self.place.step == 0:
            return f"after epoch {self.place.epoch}"
        return f"after step {self.place.step} of {self.setting.steps} of epoch {self.place.epoch + 1}"

    def _last_good(self) -> str:
        if self._saved is None:
            return ""
        return f"; the checkpoint {os.fspath(self.saving.path or '')} is from before"
