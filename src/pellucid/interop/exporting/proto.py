"""Finished graphs as ONNX models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import UsageError, missing
from pellucid.interop.exporting.graph import Dim, Graph, Tensor
from pellucid.model.model import versions

__all__ = ["finished"]

OPSET = 17
# The format's version that came with this set of operators.
IR_VERSION = 8
LARGEST_FILE = 2**31 - 1


def finished(
    graph: Graph, output: Tensor, name: str, *, about: str = "", metadata: Mapping[str, str] | None = None
) -> Any:
    """An ``onnx.ModelProto`` that ONNX's own checker accepts.

    Args:
        graph: all of it that the output does not need is left out.
        output: what the model gives.
        name: of the model.
        about: its description.
        metadata: what else it says about itself.

    Raises:
        MissingPackageError: ``onnx`` is not installed.
        UsageError: the model is larger than such a file can be.
    """
    onnx = _onnx()
    helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype
    operators, constants = graph.needed(output.name)
    nodes = [helper.make_node(o.kind, o.inputs, [o.output], name=o.output, **o.attributes) for o in operators]
    given = [
        helper.make_tensor_value_info(t.name, kind(dtype), _named(t.shape))
        for t, dtype in graph.inputs.items()
    ]
    result = helper.make_tensor_value_info(graph.final(output.name), kind(graph.dtype), _named(output.shape))
    arrays = [onnx.numpy_helper.from_array(array, constant) for constant, array in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, name, given, [result], arrays, doc_string=about),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pellucid",
        producer_version=versions()["pellucid"],
    )
    helper.set_model_props(model, dict(metadata or {}))
    if model.ByteSize() > LARGEST_FILE:
        raise UsageError(f"{name} takes {model.ByteSize():,} bytes; an ONNX file holds 2 GiB")
    onnx.checker.check_model(model, full_check=True)
    return model


def _named(shape: tuple[Dim, ...]) -> list[int | str]:
    return ["N" if d is None else d for d in shape]


def _onnx() -> Any:
    """The package that knows the format."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise missing("ONNX files", "onnx", "onnx") from None
    return onnx
