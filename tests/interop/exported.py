"""Formulas and networks as ONNX models, run by ONNX's own reference implementation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.formula.evaluate import evaluate
from pellucid.formula.ranges import solve
from pellucid.interop.exporting.graph import Graph
from pellucid.interop.exporting.lowering import lowered
from pellucid.interop.exporting.onnx_file import onnx_model
from pellucid.interop.exporting.proto import finished
from pellucid.model import Model
from pellucid.network import Network
from tests.formula.case import Case

__all__ = ["BOUND", "error", "formula_model", "network_error", "reference", "values"]

# Float32 against float64, relative to the largest element.
BOUND = 1e-5


def formula_model(case: Case) -> Any:
    """A formula alone, for fixed shapes, as a model that reads its operands."""
    formula = case.formula()
    graph = Graph(np.float32)
    graph.begin("formula")
    operands = {name: graph.input(name, shape) for name, shape in case.shapes.items()}
    output = lowered(graph, formula, solve(formula, case.shapes, case.sizes), operands)
    return finished(graph, replace(output, name=graph.called("result", output.name)), "formula")


def reference(model: Any, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    from onnx.reference import ReferenceEvaluator

    names = {i.name for i in model.graph.input}
    (result,) = ReferenceEvaluator(model).run(None, {n: a for n, a in feeds.items() if n in names})
    return np.asarray(result)


def values(case: Case) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Operands in float32, and what the formula makes of them in float64."""
    operands = {name: array.astype(np.float32) for name, array in case.operands(3).items()}
    exact = {name: array.astype(np.float64) for name, array in operands.items()}
    formula = case.formula()
    return operands, evaluate(formula, exact, sizes=case.sizes)[formula.output]


def error(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest expected element; infinite for another shape."""
    if got.shape != expected.shape:
        return np.inf
    return float(np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-30))


def network_error(network: Network, images: int, run: Any = reference, seed: int = 1) -> float:
    """How far the exported network strays from the NumPy engine in float64."""
    parameters = network.initial_parameters(seed)
    x = np.random.default_rng(seed).standard_normal((images, *network.input_shape)).astype(np.float32)
    expected = network.run(x, parameters=parameters, dtype=np.float64)[network.output]
    return error(run(onnx_model(Model(network, parameters)), {"input": x}), expected)
