"""Random networks exported to ONNX and run by ONNX Runtime: the same logits, the same classes."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from evidence import table
from pellucid.interop.exporting.onnx_file import onnx_model
from pellucid.model import Model
from pellucid.network import Network
from tests.drawn_networks import draw_network

NETWORKS = 500
BOUND = 1e-5


@dataclass(frozen=True)
class Result:
    """What came of one network.

    Attributes:
        network: that was exported.
        operators: of the exported graph.
        images: that both sides were given.
        stray: how far a logit of ONNX Runtime's lies outside what pellucid computes, of the largest logit.
        decided: images whose two largest logits are further apart than twice the bound.
        equal: those of them for which both sides give the same class.
    """

    network: Network
    operators: tuple[str, ...]
    images: int
    stray: float
    decided: int
    equal: int


def compared(seed: int) -> Result:
    """One network, on one to four images."""
    network = draw_network(seed)
    parameters = network.initial_parameters(seed)
    shape = (1 + seed % 4, *network.input_shape)
    x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    single, double = (
        network.run(x, parameters=parameters, dtype=kind)[network.output].astype(np.float64)
        for kind in (np.float32, np.float64)
    )
    model = onnx_model(Model(network, parameters))
    got = _by_runtime(model, x)
    assert got.shape == double.shape, seed
    largest = max(float(np.abs(double).max()), 1e-30)
    outside = np.maximum(got - np.maximum(single, double), np.minimum(single, double) - got)
    decided = equal = 0
    if double.ndim == 2 and double.shape[1] > 1:
        second, first = np.sort(double, axis=1)[:, -2:].T
        clear = first - second > 2 * BOUND * largest
        decided = int(clear.sum())
        equal = int((got.argmax(1) == double.argmax(1))[clear].sum())
    operators = tuple(node.op_type for node in model.graph.node)
    stray = max(0.0, float(outside.max())) / largest
    return Result(network, operators, len(x), stray, decided, equal)


def _by_runtime(model: Any, x: NDArray[np.float32]) -> NDArray[np.float64]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.asarray(session.run(None, {"input": x})[0], np.float64)


def main() -> int:
    """Compare all networks, write the table, and return the number of failures."""
    onnxruntime.set_default_logger_severity(3)
    results = [compared(seed) for seed in range(NETWORKS)]
    by_layer: dict[str, list[Result]] = defaultdict(list)
    layers: Counter[str] = Counter()
    for result in results:
        names = [type(layer).__name__ for layer in result.network.layers]
        layers.update(names)
        for name in {*names}:
            by_layer[name].append(result)
    decided, equal = sum(r.decided for r in results), sum(r.equal for r in results)
    failures = sum(r.stray > BOUND for r in results) + decided - equal
    operators = Counter(kind for r in results for kind in r.operators)
    table.write(
        "onnx_export",
        "Random networks exported to ONNX, against ONNX Runtime",
        question=(
            f"Does ONNX Runtime compute from the exported file what pellucid computes? A logit strays by as "
            f"much as it lies outside the range between pellucid's float32 and float64 logits, divided by "
            f"the largest logit of the batch; {BOUND:.0e} is allowed. Classes are compared where the two "
            "largest logits are further apart than twice that. Every file passes onnx.checker with shape "
            "inference."
        ),
        counts={
            "onnx": onnx.__version__,
            "ONNX Runtime": onnxruntime.__version__,
            "networks": len(results),
            "networks with branches": sum("Add" in _kinds(r.network) for r in results),
            "layers": sum(layers.values()),
            "operators": f"{operators.total():,} of {len(operators)} kinds: {', '.join(sorted(operators))}",
            "images": sum(r.images for r in results),
            "worst logit": max(r.stray for r in results),
            "images whose class is clear": decided,
            "of these, with the same class": equal,
            "failures": failures,
        },
        columns=["layer", "times", "networks with it", "worst logit of these"],
        rows=[
            [name, layers[name], len(found), max(r.stray for r in found)]
            for name, found in sorted(by_layer.items())
        ],
    )
    return failures + (len(results) != NETWORKS)


def _kinds(network: Network) -> set[str]:
    return {type(layer).__name__ for layer in network.layers}


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
