"""What a model file says about itself: the classes, and how images become the network's input.

These are notes, and they may be wrong. Class names are taken if there is one for each output; a normalisation
only if the graph's first nodes really compute it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.engine.preparing import prepared
from pellucid.errors import PellucidError
from pellucid.interop.importing.graph import Graph, Operation, needed
from pellucid.layers.options import is_number
from pellucid.model import Model, Normalisation

__all__ = ["classes", "normalised"]

LONGEST = 1_000_000
# What stands between an image and the network's input, at most.
STEPS = ("Cast", "CastLike", "Mul", "Sub", "Div")
TOLERANCE = 1e-4
# Numbers of an image for which the file's word is compared with what it computes.
LARGEST = 2**24


def classes(graph: Graph, outputs: int) -> tuple[str, ...]:
    """The names of the classes; none if there is not one for each output."""
    found = _note(graph, "classes")
    if not isinstance(found, list) or len(found) != outputs or len({*map(str, found)}) != outputs:
        return ()
    named = tuple(name for name in found if isinstance(name, str) and name.isprintable())
    return named if len(named) == outputs else ()


def normalised(graph: Graph, model: Callable[[Graph], Model]) -> tuple[Normalisation | None, Graph]:
    """The normalisation that the graph begins with, and the graph from there on.

    Args:
        graph: the whole.
        model: builds a model of a part of it, so that what is noted can be compared with what is computed.
    """
    scaling, given = _noted(graph), _note(graph, "preprocessing")
    steps = _steps(graph)
    if scaling is None or given not in ("uint8", "float") or not steps:
        return None, graph
    last = steps[-1].outputs[0]
    gone = {step.position for step in steps}
    first = replace(graph, operations=needed(graph.operations, last), output=last)
    rest = tuple(o for o in graph.operations if o.position not in gone)
    try:
        if not rest or not _computes(model(first), scaling, pixels=given == "uint8"):
            return None, graph
    except (PellucidError, ValueError):
        return None, graph
    return scaling, replace(graph, operations=rest, input=last)


def _noted(graph: Graph) -> Normalisation | None:
    match _note(graph, "normalisation"):
        case {"mean": list(mean), "deviation": list(deviation), "scale": scale} if all(
            is_number(value) for value in [*mean, *deviation, scale]
        ):
            try:
                return Normalisation(
                    np.array(mean, np.float64), np.array(deviation, np.float64), float(scale)
                )
            except PellucidError:
                return None
    return None


def _note(graph: Graph, name: str) -> Any:
    text = graph.metadata.get(name, "")
    try:
        return json.loads(text) if 0 < len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None


def _steps(graph: Graph) -> list[Operation]:
    """The chain of nodes from the input on that only normalise, each value read once."""
    depends = {graph.input}
    for operation in graph.operations:
        if not depends.isdisjoint(operation.inputs):
            depends |= {*operation.outputs}
    steps: list[Operation] = []
    at = graph.input
    while graph.uses.get(at) == 1 and at != graph.output:
        (reader,) = (o for o in graph.operations if at in o.inputs)
        others = [name for name in reader.inputs if name != at]
        if reader.op not in STEPS or not depends.isdisjoint(others) or len(reader.outputs) != 1:
            break
        steps.append(reader)
        at = reader.outputs[0]
    return steps


def _computes(model: Model, scaling: Normalisation, *, pixels: bool) -> bool:
    """Whether a model does to images what a normalisation does."""
    shape = (1, *model.network.input_shape)
    if np.prod(shape, dtype=object) > LARGEST:
        return False
    if len(scaling.mean) != shape[1] or model.network.output_shape != model.network.input_shape:
        return False
    some = (np.arange(np.prod(shape)).reshape(shape) * 37 % 256).astype(np.uint8)
    images = some if pixels else some / 255
    wanted = prepared(scaling, shape, np.float64)(images)
    found = model.outputs(images.astype(np.float32), engine="numpy")
    return bool(np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE))
