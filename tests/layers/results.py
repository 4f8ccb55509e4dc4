"""What pellucid gets for the frozen single-layer cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.executor import Executor
from pellucid.engine.program import Program
from pellucid.formula.derive import derive, gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.gradient_ranges import solve_gradient
from pellucid.formula.ranges import solve
from pellucid.layers import LAYERS, LOSSES, Add, FormulaLayer
from pellucid.network import INPUT, Network
from tests.fixtures.cases import LayerCase, relative_error

__all__ = ["BOUND", "errors"]

Array = NDArray[Any]
# Of an error, relative to the largest element of its tensor.
BOUND = 1e-12
IDENTITY = FormulaLayer("y[n,d] = x[n,d]")


def errors(case: LayerCase) -> dict[str, float]:
    """The error of the output and of each gradient, relative to the largest element of its tensor."""
    found = _results(case)
    expected = {"output": case.output, **case.gradients}
    if found.keys() != expected.keys():
        raise AssertionError(f"{case}: {list(found)} were computed, {list(expected)} are expected")
    return {name: relative_error(found[name], expected[name]) for name in expected}


def _results(case: LayerCase) -> Mapping[str, Array]:
    if case.layer in LOSSES:
        return _loss_results(case)
    return _join_results(case) if case.layer == "Add" else _layer_results(case)


def _layer_results(case: LayerCase) -> Mapping[str, Array]:
    """The output and the gradients of one layer, by the engine's own steps: `run` refuses NaN."""
    x = case.inputs["input"]
    net = Network([LAYERS[case.layer](**case.options, name="it")], x.shape[1:])
    program = Program.build(net, len(x), wanted={INPUT, *net.parameter_shapes}, loss=False)
    executor = Executor(program, np.float64)
    parameters = {f"it.{name}": values for name, values in case.parameters.items()}
    values = {INPUT: x, **net.checked_parameters(parameters, np.float64)}
    inner = executor.forward(values)
    assert case.upstream is not None
    gradients = executor.backward(inner, {"it": case.upstream})
    named = {name: gradients[f"it.{name}"] for name in case.parameters}
    return {"output": values["it"], "input": gradients[INPUT], **named}


def _join_results(case: LayerCase) -> Mapping[str, Array]:
    """The same for a layer of several inputs."""
    layer = Add(inputs=tuple(case.inputs))
    arrays = dict(zip(layer.operands, case.inputs.values(), strict=True))
    gradient = derive(layer.formula(tuple(a.shape for a in arrays.values())))
    ranges = solve(gradient.forward, {name: a.shape for name, a in arrays.items()})
    assert case.upstream is not None
    values = planned(gradient.forward, ranges)(arrays)
    values[gradient_name("y")] = case.upstream
    found = planned(gradient.formula, solve_gradient(gradient.formula, ranges))(values)
    named = zip(case.inputs, layer.operands, strict=True)
    return {"output": values["y"], **{name: found[gradient_name(o)] for name, o in named}}


def _loss_results(case: LayerCase) -> Mapping[str, Array]:
    """The loss and its gradient, after a layer that changes nothing."""
    x = case.inputs["input"]
    net = Network([IDENTITY], x.shape[1:], LOSSES[case.layer](**case.options))
    run = net.run(x, case.target, sample_weight=case.sample_weight, dtype=np.float64)
    return {"output": np.asarray(run.loss), "input": run.grad["input"]}
