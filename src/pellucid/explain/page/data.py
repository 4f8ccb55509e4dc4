"""All that a page knows of a run: every value and gradient, and every equation, as one JSON element."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.run import Run
from pellucid.errors import UsageError
from pellucid.explain.explanation import TOLERANCE
from pellucid.explain.page.equations import equations, scopes
from pellucid.explain.reference import Place
from pellucid.explain.sources import Sources
from pellucid.explain.updating import Rates, stepped
from pellucid.network import INPUT
from pellucid.training.optimiser import optimiser as named

__all__ = ["data"]

Array = NDArray[Any]


def data(run: Run, *, classes: Sequence[str] = (), rate: float = 0.05, optimiser: object = "sgd") -> str:
    """The ``<script type="application/json">`` element with every number of a run and every equation.

    Args:
        run: of one image, with its gradients.
        classes: names of the classes, in order.
        rate: learning rate of the step that is shown for each parameter.
        optimiser: its name, or one such as ``pellucid.Adam()``; its states are those before the first step.

    Raises:
        UsageError: the run has more than one image.
    """
    if run[INPUT].shape[0] != 1:
        raise UsageError(f"a page shows a run of one image, and this one has {run[INPUT].shape[0]}")
    sources = Sources(run)
    kind = named(optimiser)  # type: ignore[arg-type]  # it says what it takes
    steps = [stepped(sources, name, kind, Rates(rate, 1), {}) for name in _trained(sources)]
    arrays = dict(_arrays(sources)) | {name: a for _, new in steps for name, a in new.items()}
    upstream = {f"{name}.upstream": np.asarray(a) for name, a in run.upstream.items()}
    content = {
        "network": run.network.name,
        "classes": list(classes),
        "epsilon": float(np.finfo(run.dtype).eps),
        "tolerance": TOLERANCE,
        "tensors": _encoded(arrays | upstream, run.dtype),
        "positions": [str(s.places[t]) for s in sources.scopes(gradients=False) for t in s.positions],
        "roles": dict(_roles(run, sources)),
        "equations": [
            *equations(sources, tuple(scope for scope, _ in steps)),
            *(_given(f"{name}.grad", f"{name}.upstream", a) for name, a in run.upstream.items()),
        ],
        "padding": dict(_padding(sources)),
        "assumptions": {
            s.step: [str(a) for a in s.formula.assumptions]
            for s in sources.scopes(gradients=False)
            if s.formula.assumptions
        },
    }
    # no "</script>" may stand inside, whatever a class is called
    text = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="pellucid-data">{text}</script>'


def _trained(sources: Sources) -> list[str]:
    """The parameters of which the run has a gradient."""
    return [n for n in sources.run.network.parameter_shapes if sources.has(Place(n, gradient=True))]


def _arrays(sources: Sources) -> Iterator[tuple[str, Array]]:
    """Every value and gradient, with those inside the steps' equations."""
    run = sources.run
    yield from ((name, run[name]) for name in run)
    yield from ((f"{name}.grad", run.grad[name]) for name in run.grad)
    for scope, _ in scopes(sources):
        for equation in scope.formula.equations:
            place = scope.places[equation.name]
            if not sources.has(place):
                yield str(place), sources.array(place)


def _encoded(arrays: Mapping[str, Array], dtype: np.dtype[Any]) -> dict[str, Any]:
    """Shapes, and little-endian bytes in base64; an array that equals an earlier one names it."""
    encoded: dict[str, Any] = {}
    seen: dict[bytes, str] = {}
    for name, array in arrays.items():
        values = np.ascontiguousarray(array, dtype.newbyteorder("<"))
        content = values.tobytes()
        first = seen.setdefault(content, name)
        bits: dict[str, object] = {"same": first}
        if first == name:
            bits = {"bits": 8 * values.itemsize, "base64": base64.b64encode(content).decode("ascii")}
        encoded[name] = {"shape": list(array.shape), **bits}
    return encoded


def _roles(run: Run, sources: Sources) -> Iterator[tuple[str, str]]:
    """What the arrays are that no equation computes."""
    for name in run:
        if not sources.uses(Place(name)):
            yield name, run._explainer.role(Place(name))
    yield from ((f"{name}.upstream", "a gradient that was given") for name in run.upstream)


def _given(gradient: str, upstream: str, array: Array) -> dict[str, Any]:
    """The equation of a gradient, or of a share of it, that was given."""
    letters = {f"a{axis}": size for axis, size in enumerate(np.shape(array))}
    read = ["read", upstream, [[[1, letter]] for letter in letters]]
    return {
        "of": gradient, "through": "upstream", "axes": [[letter] for letter in letters], "letters": letters,
        "value": read, "sums": [{"bounds": [], "conditions": [], "factors": [read]}],
        "general": "", "numbers": "", "names": {},
    }  # fmt: skip


def _padding(sources: Sources) -> Iterator[tuple[str, list[list[int]]]]:
    """For each array that is read beyond its ends, by how much on each axis."""
    for scope in sources.scopes(gradients=False):
        for tensor, axes in scope.formula.padding.items():
            amounts = [[scope.ranges.value(low), scope.ranges.value(high)] for low, high in axes]
            if any(map(any, amounts)):
                yield f"{scope.step}({scope.places[tensor]})", amounts
