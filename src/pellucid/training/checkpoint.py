"""The state of a training as a file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import container
from pellucid.engine import state_name
from pellucid.errors import ModelFileError
from pellucid.model import Normalisation
from pellucid.network import Network
from pellucid.network_file import network_from_document, network_to_document
from pellucid.training.history import Sums
from pellucid.training.options import Options

__all__ = ["Best", "Checkpoint", "Place", "load_checkpoint", "save_checkpoint"]

Array = NDArray[Any]
Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Place:
    """How far a training is.

    Attributes:
        epoch: that is in progress, from 0.
        step: steps of it that are done.
        sums: of these steps.
    """

    epoch: int = 0
    step: int = 0
    sums: Sums = field(default_factory=Sums)


@dataclass(frozen=True, eq=False)
class Best:
    """The parameters with the smallest validation loss so far, and the epoch, from 1, that they ended."""

    epoch: int
    loss: float
    parameters: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a training needs to go on, but for its images.

    Attributes:
        network: the architecture, with its loss.
        options: that the training began with.
        engine: name of the engine.
        images: fingerprints of the training and validation images.
        normalisation: of the images.
        place: how far it is.
        history: rows of the epochs that are done.
        parameters: by name.
        state: of the optimiser, by `pellucid.engine.state_name`.
        best: if parameters are kept for early stopping.
    """

    network: Network
    options: Options
    engine: str
    images: tuple[str, ...]
    normalisation: Normalisation | None
    place: Place
    history: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Array]
    state: Mapping[str, Array]
    best: Best | None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the file, atomically.

    Raises:
        ResourceError: it cannot be written; an older file stays.
        NetworkError: the network has layers that no file describes.
    """
    c = checkpoint
    arrays = {f"parameters/{name}": array for name, array in c.parameters.items()}
    arrays |= {f"state/{name.replace(':', '/')}": array for name, array in c.state.items()}
    document: dict[str, Any] = {
        "network": network_to_document(c.network),
        "options": c.options.document(),
        "engine": c.engine,
        "images": list(c.images),
        "place": {"epoch": c.place.epoch, "step": c.place.step, "sums": c.place.sums.document()},
        "history": list(c.history),
    }
    if c.normalisation is not None:
        arrays |= {"normalisation/mean": c.normalisation.mean}
        arrays |= {"normalisation/deviation": c.normalisation.deviation}
        document["scale"] = c.normalisation.scale
    if c.best is not None:
        arrays |= {f"best/{name}": array for name, array in c.best.parameters.items()}
        document["best"] = {"epoch": c.best.epoch, "loss": c.best.loss}
    container.save(path, arrays, document, kind="checkpoint")


def load_checkpoint(path: Path) -> Checkpoint:
    """What `save_checkpoint` wrote.

    Raises:
        ModelFileError: the file is damaged or no checkpoint.
        ResourceError: it cannot be read.
    """
    arrays, document = container.load(path, kind="checkpoint")
    try:
        return _restored(arrays, document)
    except (KeyError, TypeError, ValueError) as error:
        name = os.fspath(path)
        raise ModelFileError(f"{name}: its content is no training that can go on ({error})") from error


def _restored(arrays: Mapping[str, Array], document: Mapping[str, Any]) -> Checkpoint:
    network, options = network_from_document(document["network"]), Options.restored(document["options"])
    normalisation = None
    if "scale" in document:
        mean, deviation = arrays["normalisation/mean"], arrays["normalisation/deviation"]
        normalisation = Normalisation(mean, deviation, document["scale"])
    best = None
    if "best" in document:
        best = Best(document["best"]["epoch"], document["best"]["loss"], _under("best/", arrays))
    place = _place(document["place"])
    state = _state(network, options, _under("state/", arrays))
    if not state and options.optimizer.states and place != Place():
        raise ValueError("the state of its optimiser is missing")
    return Checkpoint(
        network,
        options,
        document["engine"],
        tuple(document["images"]),
        normalisation,
        place,
        _history(document["history"], place.epoch),
        _in_order(network, _under("parameters/", arrays)),
        state,
        best and replace(best, parameters=_in_order(network, best.parameters)),
    )


def _place(document: Mapping[str, Any]) -> Place:
    epoch, step, sums = document["epoch"], document["step"], Sums(**document["sums"])
    numbers = [epoch, step, sums.loss, sums.weight, sums.correct, sums.images, sums.seconds]
    if not all(type(number) in (int, float) and number >= 0 for number in numbers):
        raise ValueError("its place or sums are no numbers of at least 0")
    return Place(epoch, step, sums)


def _history(rows: object, epochs: int) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(rows, list) or len(rows) != epochs or not all(isinstance(row, dict) for row in rows):
        raise ValueError("its history is not one record for each epoch that is done")
    return tuple(rows)


def _state(network: Network, options: Options, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The optimiser's state, none or all of it, by the engine's names."""
    found = {name.replace("/", ":"): array for name, array in arrays.items()}
    wanted = {
        state_name(name, state): shape
        for state in options.optimizer.states
        for name, shape in network.parameter_shapes.items()
    }
    if found and {name: array.shape for name, array in found.items()} != wanted:
        raise ValueError("its state is not that of its optimiser and network")
    return found


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def _in_order(network: Network, parameters: Mapping[str, Array]) -> dict[str, Array]:
    """In the network's order, as they were before they were saved."""
    dtype = np.result_type(*parameters.values())
    return network.checked_parameters(parameters, dtype)
