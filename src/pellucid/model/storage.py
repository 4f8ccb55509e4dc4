"""Model files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import container
from pellucid.errors import ModelFileError, PellucidError
from pellucid.layers.options import is_number
from pellucid.model.history import History
from pellucid.model.model import Model
from pellucid.model.normalisation import Normalisation
from pellucid.network_file import network_from_document, network_to_document

__all__ = ["load", "save"]

KIND = "model"


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Writes a model; see `Model.save`."""
    scaling = model.normalisation
    document: dict[str, Any] = {
        "network": network_to_document(model.network),
        "classes": list(model.classes),
        "normalisation": scaling
        and {"mean": scaling.mean.tolist(), "deviation": scaling.deviation.tolist(), "scale": scaling.scale},
        "history": [dict(record) for record in model.history],
        "metadata": dict(model.metadata),
    }
    container.save(path, model.parameters, document, kind=KIND)


def load(path: str | os.PathLike[str]) -> Model:
    """The model that a file holds, bit for bit as it was saved.

    Raises:
        ModelFileError: the file is damaged or is no model; the sentence says why.
        ResourceError: the file cannot be read.
    """
    try:
        parameters, document = container.load(path, kind=KIND)
    except ModelFileError as error:
        if Path(path).suffix == ".onnx":
            raise ModelFileError(f"{error}; ONNX files are read by from_onnx") from None
        raise
    try:
        return _model(parameters, document)
    except PellucidError as error:
        raise ModelFileError(f"{os.fspath(path)}: {error}") from None


def _model(parameters: dict[str, container.Array], document: container.Document) -> Model:
    match document:
        case {
            "network": dict(description),
            "classes": list(classes),
            "normalisation": scaling,
            "history": list(history),
            "metadata": dict(metadata),
        } if all(isinstance(c, str) for c in classes) and all(isinstance(record, dict) for record in history):
            network = network_from_document(description)
            ordered = {n: parameters.pop(n) for n in network.parameter_shapes if n in parameters}
            return Model(
                network,
                ordered | parameters,
                tuple(classes),
                _normalisation(scaling),
                History(history),
                metadata,
            )
    raise ModelFileError("its document does not describe a model")


def _normalisation(document: object) -> Normalisation | None:
    match document:
        case None:
            return None
        case {"mean": list(mean), "deviation": list(deviation), "scale": scale} if all(
            is_number(value) for value in [*mean, *deviation, scale]
        ):
            return Normalisation(np.array(mean, np.float64), np.array(deviation, np.float64), float(scale))
    raise ModelFileError("its document does not describe a normalisation")
