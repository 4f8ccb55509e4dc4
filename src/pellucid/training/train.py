"""Training, from a network and images to a model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Literal

from numpy.typing import DTypeLike, NDArray

from pellucid import engine as engines
from pellucid.data import ImageSet
from pellucid.engine.inputs import float_type
from pellucid.errors import DataError, ModelFileError, NetworkError, UsageError
from pellucid.layers import SoftmaxCrossEntropy
from pellucid.model import Model, Normalisation
from pellucid.network import Network
from pellucid.training.callbacks import Callback
from pellucid.training.checkpoint import Checkpoint, Place, load_checkpoint
from pellucid.training.fit import Fit
from pellucid.training.optimiser import Optimiser
from pellucid.training.options import Options
from pellucid.training.progress import ProgressBar
from pellucid.training.samples import Samples, as_samples, held_out, measured
from pellucid.training.schedule import Schedule
from pellucid.training.setting import Saving, Setting

__all__ = ["train"]

Array = NDArray[Any]
Data = ImageSet | tuple[object, object]
Path = str | os.PathLike[str]


def train(
    network: Network,
    data: Data,
    *,
    validation: float | Data | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimizer: str | Optimiser | None = None,
    lr: float | None = None,
    schedule: str | Schedule | None = None,
    warmup: float | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    clip_norm: float | None = None,
    label_smoothing: float | None = None,
    early_stopping: int | None = None,
    sample_weight: object = None,
    normalisation: Normalisation | Literal[False] | None = None,
    parameters: Mapping[str, Array] | None = None,
    seed: int | None = None,
    dtype: DTypeLike | None = None,
    engine: str = "auto",
    threads: int | None = None,
    checkpoint: Path | None = None,
    checkpoint_steps: int | None = None,
    checkpoint_seconds: float | None = None,
    resume: Path | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
) -> Model:
    """Trains a network on images.

    What is None has the default of `Options`, or with `resume` what the checkpoint says.

    Args:
        network: with a loss.
        data: images (N, C, H, W) or (N, features) with labels (N,) or targets in the output's shape.
        validation: images that are scored after each epoch, or the share of `data` that is kept for it.
        epochs: how often each image is seen; the only option that a resumed training may change.
        batch_size: images a step; the last step of an epoch takes what is left.
        optimizer: "sgd", "momentum", "nesterov", "adam", "adamw", or one with options of its own.
        lr: full learning rate; the optimiser's own by default.
        schedule: "constant", "step", "cosine", "one-cycle", or one with options of its own.
        warmup: epochs in which the rate rises.
        weight_decay: of the optimiser.
        momentum: of the optimiser.
        clip_norm: most that the norm of all gradients together may be.
        label_smoothing: share of each label that is spread over all classes.
        early_stopping: epochs without a smaller validation loss after which training stops; the best
            parameters are returned.
        sample_weight: (N,), the weight of each image in the loss; images of weight 0 are left out.
        normalisation: False for none; measured on the images to learn from, by default.
        parameters: values to begin with; drawn from the seed by default.
        seed: of everything that is drawn: values to begin with, orders, masks, the share for validation.
        dtype: float32 or float64.
        engine: "auto" or a name.
        threads: that the engine may use.
        checkpoint: file that is written at each epoch's end, and when training is interrupted; with
            `resume` that file, if none is named.
        checkpoint_steps: steps of an epoch between two checkpoints.
        checkpoint_seconds: time between two checkpoints.
        resume: checkpoint from which training goes on as if it had never stopped.
        callbacks: told of steps and epochs.
        progress: whether to show a bar; if standard error is a terminal, by default.

    Returns:
        The trained model with its history.

    Raises:
        UsageError: options that cannot be used, or other ones than those of the training that is resumed.
        DataError: images that the network cannot learn from, or others than those of the checkpoint.
        TrainingError: the loss is no longer finite; an earlier checkpoint stays.
        TrainingInterrupted: Ctrl-C, or a request to terminate; the step was finished and saved.
        ModelFileError: a checkpoint that is damaged.
        ResourceError: a checkpoint that cannot be read or written.

    >>> import numpy as np
    >>> from pellucid.layers import Dense, SoftmaxCrossEntropy
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> net = Network([Dense(2)], (1,), SoftmaxCrossEntropy())
    >>> model = train(net, (x, [0, 0, 1, 1]), epochs=50, lr=0.1, progress=False)
    >>> model.history[-1]["accuracy"]
    1.0
    """
    given = {
        "epochs": epochs, "batch_size": batch_size, "optimizer": optimizer, "lr": lr, "schedule": schedule,
        "warmup": warmup, "weight_decay": weight_decay, "momentum": momentum, "clip_norm": clip_norm,
        "label_smoothing": label_smoothing, "early_stopping": early_stopping, "seed": seed,
        "validation": validation if isinstance(validation, int | float) else None,
        "dtype": None if dtype is None else float_type(dtype).name,
    }  # fmt: skip
    _check_kinds(callbacks, normalisation)
    earlier = None if resume is None else load_checkpoint(resume)
    options = Options().changed(**given) if earlier is None else _agreed(earlier.options, given)
    saving = _saving(checkpoint, resume, checkpoint_steps, checkpoint_seconds)
    name = earlier.engine if earlier is not None and engine == "auto" else engine
    network = _smoothed(network, options)
    samples, held = _divided(network, data, validation, sample_weight, options)
    if earlier is not None and (normalisation is not None or parameters is not None):
        raise UsageError("a training that is resumed has normalisation and parameters from its checkpoint")
    if normalisation is None:
        normalisation = measured(samples.images) if earlier is None else earlier.normalisation
    setting = Setting(network, samples, held, normalisation or None, options, engines.get(name), threads)
    fingerprints = setting.fingerprints() if saving.path is not None else ()
    if earlier is None:
        start = _start(setting, parameters, fingerprints)
    else:
        start = replace(earlier, options=options, engine=setting.engine.name)
        _check_same(start, setting, fingerprints)
    bars = [] if progress is False else [ProgressBar(asked=progress is True)]
    return Fit(setting, start, saving, [*callbacks, *bars]).run()


def _check_kinds(callbacks: object, normalisation: object) -> None:
    if not isinstance(callbacks, Sequence) or not all(isinstance(one, Callback) for one in callbacks):
        raise UsageError(f"callbacks are a list of objects whose class is a Callback, not {callbacks!r}")
    if not (normalisation is None or normalisation is False or isinstance(normalisation, Normalisation)):
        raise UsageError(
            f"normalisation is a Normalisation, False for none, or None to measure it, not {normalisation!r}"
        )


def _agreed(options: Options, given: Mapping[str, Any]) -> Options:
    """The options of a training that is resumed, perhaps with more epochs."""
    new = options.changed(**given)
    for name in (f.name for f in fields(Options) if f.name != "epochs"):
        before, now = getattr(options, name), getattr(new, name)
        if before != now:
            raise UsageError(
                f"the training that is resumed has {name} = {before!r}; it cannot go on with {now!r}"
            )
    return new


def _saving(checkpoint: Path | None, resume: Path | None, steps: int | None, seconds: float | None) -> Saving:
    """Where checkpoints go; a resumed training goes on in the file that it came from."""
    path = checkpoint if checkpoint is not None else resume
    same = path is not None and resume is not None and os.path.realpath(path) == os.path.realpath(resume)
    return Saving(path, steps, seconds, holds_start=same)


def _smoothed(network: Network, options: Options) -> Network:
    """The network with the label smoothing that was asked for."""
    if not isinstance(network, Network):
        raise UsageError(f"training takes a Network, not {network!r}")
    if network.loss is None:
        raise UsageError(f"{network.name} has no loss, so there is nothing that training could make small")
    if options.label_smoothing is None:
        return network
    if not isinstance(network.loss, SoftmaxCrossEntropy):
        raise UsageError(f"label smoothing goes with SoftmaxCrossEntropy; {network.name} has another loss")
    loss = replace(network.loss, label_smoothing=options.label_smoothing)
    return Network(network.layers, network.input_shape, loss, name=network.name)


def _divided(
    network: Network, data: object, validation: object, sample_weight: object, options: Options
) -> tuple[Samples, Samples | None]:
    """The images to learn from, and those to validate with."""
    samples, held = as_samples(network, data, sample_weight), None
    if validation is not None and not isinstance(validation, int | float):
        held = as_samples(network, validation)
    elif options.validation is not None:
        samples, held = held_out(samples, options.validation, options.seed)
    if options.early_stopping is not None and held is None:
        raise UsageError("early stopping needs images to validate with, and none were given")
    return samples, held


def _start(
    setting: Setting, parameters: Mapping[str, Array] | None, fingerprints: tuple[str, ...]
) -> Checkpoint:
    """The state before the first step."""
    network, options = setting.network, setting.options
    if parameters is None:
        parameters = network.initial_parameters(options.seed, options.dtype)
    return Checkpoint(
        network, options, setting.engine.name, fingerprints, setting.normalisation,
        Place(), (), parameters, {}, None,
    )  # fmt: skip


def _check_same(earlier: Checkpoint, setting: Setting, fingerprints: tuple[str, ...]) -> None:
    """Whether a checkpoint is one of this training."""
    if earlier.network != setting.network:
        raise NetworkError(
            f"the checkpoint is of another network: {earlier.network!r}, not {setting.network!r}"
        )
    if earlier.place.step > setting.steps:
        raise ModelFileError(
            f"the checkpoint is after step {earlier.place.step} of {setting.steps} of an epoch"
        )
    if earlier.images[:1] != fingerprints[:1]:
        raise DataError(f"the images of {setting.samples.name} are not those that the checkpoint is of")
    if earlier.images != fingerprints:
        raise DataError("the validation images are not those that the checkpoint is of")
