"""ONNX's own tests of its operators, as models with one input whose other inputs are arrays in the file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.backend.test.loader import DATA_DIR

from pellucid import Model

__all__ = ["LEFT_OUT", "OPERATORS", "OnnxCase", "left_out_cases", "onnx_cases", "outputs"]

Array = NDArray[Any]

# The operators of which every case is run or left out with a reason.
OPERATORS = frozenset([
    "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Constant", "Conv", "ConvTranspose",
    "Div", "Dropout", "Elu", "Flatten", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Identity",
    "InstanceNormalization", "LRN", "LeakyRelu", "LogSoftmax", "MatMul", "MaxPool", "Mul", "PRelu",
    "Pad", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Softmax", "Sub", "Tanh", "Transpose",
])  # fmt: skip
# Those that come for free, whose cases are run as far as there are any.
MORE = frozenset([
    "Abs", "Erf", "Exp", "Gelu", "HardSigmoid", "Log", "Max", "Min", "Neg", "Pow", "Reciprocal",
    "ReduceMax", "ReduceMin", "ReduceSum", "Selu", "Softplus", "Softsign", "Sqrt", "Squeeze", "Sum",
    "Unsqueeze",
])  # fmt: skip
# The reason for each case that is not run, by its name.
LEFT_OUT: dict[str, str] = json.loads((Path(__file__).parent / "onnx_left_out.json").read_text("utf-8"))


@dataclass(frozen=True)
class OnnxCase:
    """One of ONNX's cases.

    Attributes:
        name: ONNX's.
        operators: of its nodes.
        model: as ONNX has it, but its inputs after the first are arrays that it holds.
        inputs: what goes in.
        outputs: what should come out.
        batched: whether the first axis of the input counts images, or the whole input is one image.
    """

    name: str
    operators: frozenset[str]
    model: onnx.ModelProto
    inputs: Array
    outputs: Array
    batched: bool

    def __str__(self) -> str:
        return self.name


@cache
def onnx_cases() -> tuple[OnnxCase, ...]:
    """Every case of the operators that is not left out."""
    return tuple(case for case in every_case() if case.name not in LEFT_OUT)


def left_out_cases() -> tuple[OnnxCase, ...]:
    """Every case of the operators that is not run."""
    return tuple(case for case in every_case() if case.name in LEFT_OUT)


def outputs(case: OnnxCase, model: Model, engine: str) -> Array:
    """What a model gives for a case's input."""
    given = case.inputs if case.batched else case.inputs[np.newaxis]
    if given.dtype == np.float64:
        run = model.network.run(given, parameters=model.parameters, dtype=np.float64, engine=engine)
        found = run[model.network.output]
    else:
        found = model.outputs(given, engine=engine)
    return found if case.batched else found[0]


@cache
def every_case() -> tuple[OnnxCase, ...]:
    """All cases whose operators are known here."""
    return tuple(
        _case(name, model, inputs, outputs)
        for name, model, inputs, outputs in (*_node_cases(), *_stored_cases())
        if {node.op_type for node in model.graph.node} <= OPERATORS | MORE
    )


def _node_cases() -> Iterator[tuple[str, onnx.ModelProto, list[Array], list[Array]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some cases of other operators overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        for case in collect_testcases(None):
            if case.model is not None and case.data_sets:
                inputs, outputs = case.data_sets[0]
                yield case.name, case.model, list(inputs), list(outputs)


def _stored_cases() -> Iterator[tuple[str, onnx.ModelProto, list[Array], list[Array]]]:
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):
        for folder in sorted(Path(DATA_DIR, kind).iterdir()):
            model = onnx.load(folder / "model.onnx")
            if all(_is_tensor(v.type) for v in (*model.graph.input, *model.graph.output)):
                files = folder / "test_data_set_0"
                yield folder.name, model, _arrays(files, "input"), _arrays(files, "output")


def _is_tensor(kind: Any) -> bool:
    return bool(kind.HasField("tensor_type"))


def _arrays(folder: Path, kind: str) -> list[Array]:
    files = (folder / f"{kind}_{number}.pb" for number in range(len([*folder.glob(f"{kind}_*.pb")])))
    return [numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes())) for file in files]


# Operators of images: the first axis counts them.
BATCHED = frozenset([
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "GlobalAveragePool", "GlobalMaxPool",
    "InstanceNormalization", "LRN", "MaxPool",
])  # fmt: skip


def _case(name: str, model: onnx.ModelProto, inputs: list[Array], outputs: list[Array]) -> OnnxCase:
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    given = [i.name for i in bound.graph.input if i.name not in {t.name for t in bound.graph.initializer}]
    for word, value in list(zip(given, inputs, strict=True))[1:]:
        bound.graph.initializer.append(numpy_helper.from_array(value, word))
    operators = frozenset(node.op_type for node in model.graph.node)
    batched = bool(operators & BATCHED)
    return OnnxCase(name, operators, bound, inputs[0] if inputs else np.zeros(()), outputs[0], batched)
