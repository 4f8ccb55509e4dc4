"""ONNX Runtime, inference only: the network written as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.measure.setting import THREADS
from benchmarks.sides.problem import Array, Problem, conv_padding, dense_weight, pool_window
from pellucid.layers import AveragePool2D, Conv2D, Dense, Flatten, MaxPool2D, ReLU
from pellucid.network import Node

__all__ = ["INFERENCE", "NAME", "exported"]

NAME = "onnxruntime"
OPERATORS, FORMAT = 17, 8


def exported(problem: Problem) -> onnx.ModelProto:
    """The graph with its weights; it is flattened channels first."""
    nodes, weights = [], []
    for before, node in pairwise([None, *problem.network.nodes]):
        for name, _ in node.parameters.values():
            value = problem.parameters[name]
            if value.ndim == 2:
                value = dense_weight(node, before, value, "CHW")
            weights.append(numpy_helper.from_array(value.copy(), name))
        nodes.append(operation(node))
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *problem.network.input_shape])
    last = problem.network.nodes[-1].name
    logits = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", *problem.network.output_shape])
    graph = helper.make_graph(nodes, problem.network.name, [image], [logits], weights)
    opsets = [helper.make_opsetid("", OPERATORS)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=FORMAT)
    onnx.checker.check_model(model)
    return model


def operation(node: Node) -> onnx.NodeProto:
    """One layer."""
    reads = [*node.sources, *(name for name, _ in node.parameters.values())]
    match node.layer:
        case Conv2D() as layer:
            rows, columns = conv_padding(layer)
            kind, options = "Conv", {"pads": [rows, columns, rows, columns]}
        case Dense():
            kind, options = "Gemm", {"transB": 1}
        case ReLU():
            kind, options = "Relu", {}
        case MaxPool2D() as layer:
            window = pool_window(layer)
            kind, options = "MaxPool", {"kernel_shape": window, "strides": window}
        case AveragePool2D() as layer:
            window = pool_window(layer)
            kind, options = "AveragePool", {"kernel_shape": window, "strides": window}
        case Flatten():
            kind, options = "Flatten", {"axis": 1}
        case _:
            raise NotImplementedError(f"ONNX Runtime is not given {node.layer}")
    return helper.make_node(kind, reads, [node.name], name=node.name, **options)


def predictor(problem: Problem) -> Callable[[int], Array]:
    """Batches, one call each, all optimisations on."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    model = exported(problem).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    batches = [{"input": images} for images, _ in problem.batches()]

    def times(count: int) -> Array:
        for number in range(count):
            (found,) = session.run(None, batches[number % len(batches)])
        return found

    return times


INFERENCE = {NAME: predictor}
