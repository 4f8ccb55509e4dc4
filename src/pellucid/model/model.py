"""A trained network with all that it takes to use it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.model.normalisation import Normalisation
from pellucid.network import Network

__all__ = ["Model", "versions"]

Array = NDArray[Any]


def versions() -> dict[str, str]:
    """Of everything that the numbers of a training depend on."""
    return {"pellucid": version("pellucid"), "python": platform.python_version(), "numpy": np.__version__}


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its parameters, and what is needed to use them on images.

    Attributes:
        network: the architecture.
        parameters: arrays by full name (``conv1.weight``).
        classes: what each output stands for; empty if the network does not classify.
        normalisation: how images become the network's input; None if they are it already.
        history: of the training, a record for each epoch, in JSON's types.
        metadata: what else is worth keeping, in JSON's types: versions, seed, engine, the training's options.
    """

    network: Network
    parameters: Mapping[str, Array]
    classes: tuple[str, ...] = ()
    normalisation: Normalisation | None = None
    history: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=lambda: {"versions": versions()})
