"""What pellucid gets for the frozen single-layer cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.executor import Executor
from pellucid.engine.program import Program
from pellucid.engine.running import Passes
from pellucid.layers import LAYERS, LOSSES, Add, FormulaLayer
from pellucid.network import INPUT, Network
from tests.fixtures.cases import LayerCase, relative_error

__all__ = ["BOUND", "errors"]

Array = NDArray[Any]
# Of an error, relative to the largest element of its tensor.
BOUND = 1e-12
PART = {2: "y[n,c] = x[n,c + o]", 4: "y[n,c,i,j] = x[n,c + o,i,j]"}
IDENTITY = FormulaLayer("y[n,d] = x[n,d]")


def errors(case: LayerCase, engine: str = "numpy") -> dict[str, float]:
    """The error of the output and of each gradient, relative to the largest element of its tensor."""
    found = _results(case, engine)
    expected = {"output": case.output, **case.gradients}
    if found.keys() != expected.keys():
        raise AssertionError(f"{case}: {list(found)} were computed, {list(expected)} are expected")
    return {name: relative_error(found[name], expected[name]) for name in expected}


def _results(case: LayerCase, engine: str) -> Mapping[str, Array]:
    if case.layer in LOSSES:
        return _loss_results(case, engine)
    return _join_results(case, engine) if case.layer == "Add" else _layer_results(case, engine)


def _layer_results(case: LayerCase, engine: str) -> Mapping[str, Array]:
    """The output and the gradients of one layer, by the engine's own steps: `run` refuses NaN."""
    x = case.inputs["input"]
    net = Network([LAYERS[case.layer](**case.options, name="it")], x.shape[1:])
    parameters = {f"it.{name}": values for name, values in case.parameters.items()}
    values, gradients = _both_ways(net, x, parameters, case.upstream, engine)
    named = {name: gradients[f"it.{name}"] for name in case.parameters}
    return {"output": values["it"], "input": gradients[INPUT], **named}


def _join_results(case: LayerCase, engine: str) -> Mapping[str, Array]:
    """The same for a layer of several inputs, which lie one behind the other in the network's."""
    arrays = list(case.inputs.values())
    width = arrays[0].shape[1]
    names = tuple(f"part{at}" for at, _ in enumerate(arrays))
    parts = [
        FormulaLayer(PART[a.ndim], name=name, inputs=(INPUT,), constants={"C": width, "o": at * width})
        for at, (name, a) in enumerate(zip(names, arrays, strict=True))
    ]
    together = np.concatenate(arrays, 1)
    net = Network([*parts, Add(inputs=names, name="it")], together.shape[1:])
    values, gradients = _both_ways(net, together, {}, case.upstream, engine)
    split = np.split(gradients[INPUT], len(arrays), 1)
    return {"output": values["it"], **dict(zip(case.inputs, split, strict=True))}


def _both_ways(
    net: Network, x: Array, parameters: Mapping[str, Array], upstream: Array | None, engine: str
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Values and gradients by name."""
    program = Program.build(net, len(x), wanted={INPUT, *net.parameter_shapes}, loss=False)
    passes = _passes(engine)(program, np.float64)
    values = {INPUT: x, **net.checked_parameters(parameters, np.float64)}
    inner = passes.forward(values)
    assert upstream is not None
    return values, passes.backward(inner, {"it": upstream})


def _passes(engine: str) -> type[Passes]:
    if engine == "numpy":
        return Executor
    from pellucid.engine.compiled_executor import CompiledExecutor

    return CompiledExecutor


def _loss_results(case: LayerCase, engine: str) -> Mapping[str, Array]:
    """The loss and its gradient, after a layer that changes nothing."""
    x = case.inputs["input"]
    net = Network([IDENTITY], x.shape[1:], LOSSES[case.layer](**case.options))
    run = net.run(x, case.target, sample_weight=case.sample_weight, dtype=np.float64, engine=engine)
    return {"output": np.asarray(run.loss), "input": run.grad["input"]}
