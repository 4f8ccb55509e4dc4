"""What an article runs the network on: parameters, images and targets, and the words that say where from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import random
from pellucid.data.digits import digits
from pellucid.data.limits import Limits
from pellucid.data.pixels import fitted
from pellucid.engine.check import Check
from pellucid.engine.inputs import as_inputs
from pellucid.engine.preparing import prepared
from pellucid.engine.run import Run
from pellucid.errors import UsageError
from pellucid.model import Model, Normalisation
from pellucid.network import Network

__all__ = ["Subject", "of_model", "of_network"]

Array = NDArray[Any]
# Of the embedded digits, the image that is taken where none is given.
DIGIT = 7
DIGITS = tuple(str(digit) for digit in range(10))


@dataclass(frozen=True)
class Subject:
    """A network with all that one run of it needs.

    Attributes:
        model: the network, its parameters, its classes, and how pixels become its input.
        images: one, (1, ...), as the model takes it.
        targets: its label, or its targets in the output's shape; None if there is no loss.
        upstream: a gradient that arrives at the output of a network without a loss; else empty.
        notes: sentences that say where all of this is from.
        seed: of all that was drawn.
    """

    model: Model
    images: Array
    targets: Array | None
    upstream: Mapping[str, Array]
    notes: tuple[str, ...]
    seed: int

    @property
    def network(self) -> Network:
        return self.model.network

    def run(self, engine: str = "numpy") -> Run:
        """One image, forward and backward, with the model's type of numbers."""
        model = self.model
        inputs = prepared(model.normalisation, self.images.shape, model.dtype)(self.images)
        return self.network.run(
            inputs,
            self.targets,
            model.parameters,
            upstream=self.upstream or None,
            engine=engine,
            dtype=model.dtype,
        )

    def check(self) -> Check:
        """The gradients compared with differences, in float64, at this image and these parameters."""
        return self.model.check(self.images, self.targets, seed=self.seed)


def of_network(
    network: Network, parameters: Mapping[str, Array] | None, images: object, labels: object, seed: int
) -> Subject:
    """A network that may lack anything: what is not given is made, and the notes say so."""
    if parameters is None:
        parameters = network.initial_parameters(seed)
        note = f"The network has not been trained: its parameters are the first values of seed {seed}."
    else:
        parameters = {n: np.asarray(a) for n, a in parameters.items()}
        note = "Its parameters were given."
    pixels = images is None or np.asarray(images).dtype == np.uint8
    model = Model(network, parameters, normalisation=_fractions(network) if pixels else None)
    return of_model(model, images, labels, seed, (note,) if network.parameter_shapes else ())


def of_model(model: Model, images: object, labels: object, seed: int, notes: tuple[str, ...] = ()) -> Subject:
    """A model with one image; the embedded digits have one for those who give none."""
    given, answer, origin = _image(model, images, seed)
    targets, about = _targets(model, given, labels, answer, seed)
    upstream: Mapping[str, Array] = {}
    if model.network.loss is None:
        shape = (1, *model.network.output_shape)
        upstream = {model.network.output: random.normal(random.key(seed, "upstream"), shape)}
    return Subject(model, given, targets, upstream, (*notes, origin, about), seed)


def _fractions(network: Network) -> Normalisation | None:
    """Pixels from 0 to 255 become fractions."""
    if len(network.input_shape) != len(("C", "H", "W")):
        return None
    channels = network.input_shape[0]
    return Normalisation(np.zeros(channels), np.ones(channels), scale=1 / 255)


def _image(model: Model, images: object, seed: int) -> tuple[Array, int | None, str]:
    """One image as the model takes it, what it shows if that is known, and where it is from."""
    shape = model.network.input_shape
    if images is not None:
        array = np.asarray(images)
        array = array[np.newaxis] if array.ndim == len(shape) and array.shape == shape else array
        given = as_inputs(model.network, array, array.dtype)
        if len(given) != 1:
            raise UsageError(f"an article follows one image, and {len(given)} were given")
        return given, None, "Its image was given."
    match shape:
        case (channels, height, width):
            one = digits().test
            assert one is not None
            picture = one.take([DIGIT])
            mode = "rgb" if channels == 3 else "gray"
            fit = fitted(picture, (height, width), mode, Limits()).images
            fit = fit if channels == fit.shape[1] else fit.repeat(channels, axis=1)
            label = int(picture.labels[0])
            return (
                fit,
                label,
                (
                    f"Its image is a handwritten {label} from the digits of the UCI repository that "
                    f"scikit-learn brings along, brought to {height} × {width} pixels."
                ),
            )
    drawn = random.normal(random.key(seed, "input"), (1, *shape)).astype(model.dtype)
    return drawn, None, f"Its input of {shape[0]} features is random, of seed {seed}."


def _targets(
    model: Model, images: Array, labels: object, answer: int | None, seed: int
) -> tuple[Array | None, str]:
    """The label or targets, and where they are from."""
    network = model.network
    if network.loss is None:
        return None, f"It has no loss: the gradient that arrives at its output is random, of seed {seed}."
    if labels is not None:
        array = np.atleast_1d(np.asarray(labels))
        return (
            array,
            f"Its class was given: {_class(model, array)}." if array.size == 1 else "Its targets were given.",
        )
    if not network.loss.classification:
        drawn = random.normal(random.key(seed, "targets"), (1, *network.output_shape))
        return drawn, f"Its targets are random, of seed {seed}."
    if answer is not None and answer < network.output_shape[-1] and model.classes in ((), DIGITS):
        return np.array([answer]), f"Its class is {answer}."
    guess = model.predict(images, engine="numpy")
    found = f"the one that the network finds most probable is taken: {_class(model, guess)}"
    return guess, f"No class was given, so {found}."


def _class(model: Model, label: Array) -> str:
    return model.classes[int(label[0])] if model.classes else str(label[0])
