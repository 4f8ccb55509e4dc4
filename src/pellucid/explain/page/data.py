"""All that a page knows of a run: every value and gradient, and every equation, as one JSON element."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.run import Run
from pellucid.errors import UsageError
from pellucid.explain.explanation import TOLERANCE
from pellucid.explain.page.equations import equations, scopes
from pellucid.explain.page.layout import layout
from pellucid.explain.page.picture import NEGATIVE, POSITIVE
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
    kind = named(optimiser)
    steps = [stepped(sources, name, kind, Rates(rate, 1), {}) for name in _trained(sources)]
    arrays = dict(_arrays(sources)) | {name: a for _, new in steps for name, a in new.items()}
    joining = {n: np.asarray(a) for n, a in run.upstream.items() if sources.uses(Place(n, gradient=True))}
    content = {
        "network": run.network.name,
        "classes": list(classes),
        "epsilon": float(np.finfo(run.dtype).eps),
        "tolerance": TOLERANCE,
        "colours": {"negative": NEGATIVE, "positive": POSITIVE},
        "tensors": _encoded(arrays | {f"{n}.upstream": a for n, a in joining.items()}, run.dtype),
        "computed": [*_computed(sources)],
        "positions": [str(s.places[t]) for s in sources.scopes(gradients=False) for t in s.positions],
        "roles": dict(_roles(run, sources)) | {f"{n}.upstream": "a gradient that was given" for n in joining},
        "equations": [
            *equations(sources, tuple(scope for scope, _ in steps)),
            *(_joining(f"{name}.grad", f"{name}.upstream", a) for name, a in joining.items()),
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
    for place in _computed(sources).values():
        yield str(place), sources.array(place)


def _computed(sources: Sources) -> dict[str, Place]:
    """The results inside the steps' equations that the run has not kept."""
    formulas = ((scope.places, scope.formula.equations) for scope, _ in scopes(sources))
    inner = (places[equation.name] for places, equations in formulas for equation in equations)
    return {str(place): place for place in inner if not sources.has(place)}


def _encoded(arrays: Mapping[str, Array], dtype: np.dtype[Any]) -> dict[str, Any]:
    """Shapes, layouts and little-endian bytes in base64; an array that equals an earlier one names it."""
    encoded: dict[str, Any] = {}
    seen: dict[bytes, str] = {}
    for name, array in arrays.items():
        values = np.ascontiguousarray(array, dtype.newbyteorder("<"))
        content = values.tobytes()
        first = seen.setdefault(content, name)
        bits: dict[str, object] = {"same": first}
        if first == name:
            bits = {"bits": 8 * values.itemsize, "base64": base64.b64encode(content).decode("ascii")}
        encoded[name] = {"shape": list(array.shape), "layout": asdict(layout(array.shape)), **bits}
    return encoded


def _roles(run: Run, sources: Sources) -> Iterator[tuple[str, str]]:
    """What the arrays are that no equation computes."""
    places = [*map(Place, run), *(Place(name, gradient=True) for name in run.grad)]
    yield from ((str(place), run._explainer.role(place)) for place in places if not sources.uses(place))


def _joining(gradient: str, upstream: str, array: Array) -> dict[str, Any]:
    """The equation of that share of a gradient which was given."""
    letters = {f"a{axis}": size for axis, size in enumerate(np.shape(array))}
    read = ["read", upstream, [[[1, letter]] for letter in letters]]
    return {
        "of": gradient, "through": "upstream", "axes": [[letter] for letter in letters], "letters": letters,
        "value": read, "sums": [{"bounds": [], "conditions": [], "factors": [read]}],
        "written": "", "names": {},
    }  # fmt: skip


def _padding(sources: Sources) -> Iterator[tuple[str, list[list[int]]]]:
    """For each array that is read beyond its ends, by how much on each axis."""
    for scope in sources.scopes(gradients=False):
        for tensor, axes in scope.formula.padding.items():
            amounts = [[scope.ranges.value(low), scope.ranges.value(high)] for low, high in axes]
            if any(map(any, amounts)):
                yield f"{scope.step}({scope.places[tensor]})", amounts
