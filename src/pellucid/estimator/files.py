"""Fitted estimators as model files: what the model itself does not say stands in its metadata."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pellucid.errors import DataError, ModelFileError
from pellucid.estimator.images import image_shape_of
from pellucid.layers.options import is_number
from pellucid.model import Model
from pellucid.model import load as load_model
from pellucid.training.optimiser import Optimiser, optimiser

if TYPE_CHECKING:
    from pellucid.estimator.base import ImageEstimator

__all__ = ["load", "save"]

E = TypeVar("E", bound="ImageEstimator")
Path = str | os.PathLike[str]
KEY = "estimator"


def save(estimator: ImageEstimator, path: Path) -> None:
    """Writes a fitted estimator; see `ImageEstimator.to_file`."""
    given = {name: _plain(value) for name, value in estimator.get_params(deep=False).items()}
    document = {
        "type": type(estimator).__name__,
        "parameters": {name: value for name, value in given.items() if value is not None},
        "fitted": {name: getattr(estimator, name).tolist() for name in estimator._noted},
    }
    model = estimator.model_
    replace(model, metadata={**model.metadata, KEY: document}).save(path)


def load(kind: type[E], path: Path) -> E:
    """The estimator that a file holds; see `ImageEstimator.from_file`."""
    model = load_model(path)
    try:
        return _estimator(kind, model)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{os.fspath(path)}: it holds no {kind.__name__} ({error})") from None


def _estimator(kind: type[E], model: Model) -> E:
    document = model.metadata.get(KEY, {"type": kind.__name__, "parameters": {}, "fitted": None})
    if document["type"] != kind.__name__:
        raise DataError(f"it is of the type {document['type']}")
    known = inspect.signature(kind).parameters
    given = {name: _rich(name, value) for name, value in document["parameters"].items() if name in known}
    estimator = kind(**{"net": model.network, **given})
    shape, rate = model.network.input_shape, model.metadata.get("options", {}).get("lr")
    asked, layout = estimator.image_shape, estimator.data_format
    estimator.image_shape_ = shape if len(shape) == 3 else image_shape_of(shape[0], None, asked, layout)
    estimator.n_features_in_ = math.prod(shape)
    fitted = document["fitted"]
    estimator._restore(model, fitted and {name: np.array(fitted[name]) for name in estimator._noted})
    estimator._keep(model, float(rate) if is_number(rate) and rate > 0 else None, {})
    return estimator


def _plain(value: object) -> object:
    """A parameter in JSON's types; None if JSON has no words for it."""
    match value:
        case Optimiser():
            return value.options()
        case Mapping():
            return _listed(value.items())
        case np.generic() | np.ndarray():
            return value.tolist()
        case list() | tuple():
            return _listed(value)
        case str() | bool() | int() | float():
            return value
    return None


def _listed(values: Iterable[object]) -> list[object] | None:
    """Values in JSON's types; None if it has no words for one of them."""
    plain = [_plain(value) for value in values]
    return None if None in plain else plain


def _rich(name: str, value: Any) -> Any:
    """The parameter of which this is the plain form."""
    if name == "optimizer" and isinstance(value, Mapping):
        return optimiser(value)
    if name == "class_weight" and isinstance(value, list):
        return dict(value)
    return tuple(value) if name == "image_shape" else value
