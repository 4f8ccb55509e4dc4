from __future__ import annotations

import random
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from pellucid import Model
from pellucid.interop import from_onnx
from tests.hostile.outcome import Outcome, judged

MOST_COMPARED = 2**20  # elements of an input; the reference is slow
ODD = (-(2**63), -(2**31), -1, 0, 1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)
NOTES = ("[" * 9999, '["a","b","\x1b"]', "1", '["a","b","c"]')
OPS = (
    "Relu", "Conv", "MaxPool", "AveragePool", "Gemm", "MatMul", "Add", "Concat", "Pad", "Reshape",
    "Transpose", "ReduceMean", "Softmax", "Flatten", "LRN", "ConvTranspose", "BatchNormalization",
    "Identity", "Constant", "Loop", "If", "Scan", "NonMaxSuppression", "relu", "", "\N{SNOWMAN}",
)  # fmt: skip


def run(count: int, seed: int) -> list[Outcome]:
    """Make that many files, load each one and judge the result.

    They are numbered from `seed` on; the number decides everything, so that consecutive runs together have an
    equal number with each mutation.
    """
    outcomes = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = Path(folder) / "hostile.onnx"
        for number in range(seed, seed + count):
            draw = random.Random(number)
            mutation = list(MUTATIONS)[number % len(MUTATIONS)]
            hostile = MUTATIONS[mutation](draw, _valid(draw))
            path.write_bytes(hostile)
            outcomes.append(judged("onnx", mutation, path.name, partial(_read, path, hostile)))
    return outcomes


def _read(path: Path, content: bytes) -> str | None:
    return _flaw(from_onnx(path), content)


def _flaw(model: Model, content: bytes) -> str | None:
    """How a model differs from what ONNX's reference computes, if that computes anything."""
    if not all(np.isfinite(array).all() for array in model.parameters.values()):
        return None
    shape = (1, *model.network.input_shape)
    if np.prod(shape) > MOST_COMPARED:
        return None
    images = np.random.default_rng(0).random(shape)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            message = onnx.ModelProto.FromString(content)
            kind = message.graph.input[0].type.tensor_type.elem_type
            images = images.astype(helper.tensor_dtype_to_np_dtype(kind))
            name = message.graph.input[0].name
            expected = ReferenceEvaluator(message).run(None, {name: images})[0]
        except Exception:
            return None  # the reference has no meaning for it
        outputs = [model.outputs(images, engine="numpy")]
        if model.network.loss is not None:  # a Softmax at the end became the loss
            outputs.append(model.predict_proba(images, engine="numpy"))
    if all(_differ(found, expected) for found in outputs):
        return f"the outputs are not what the bytes mean, or not of the shape {expected.shape}"
    return None


def _differ(found: np.ndarray, expected: np.ndarray) -> bool:
    """Whether outputs are of another shape, or, where all are finite, others."""
    if found.shape != expected.shape:
        return True
    if not np.isfinite(expected).all() or not np.isfinite(found).all():
        return False
    scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
    return float(np.abs(found - expected).max(initial=0)) > 1e-3 * scale


def _valid(draw: random.Random) -> onnx.ModelProto:
    """A small network with most kinds of attributes and arrays."""
    numbers = np.random.default_rng(draw.randrange(2**32))
    nodes: list[onnx.NodeProto] = []
    arrays: list[onnx.TensorProto] = []

    def array(name: str, *shape: int) -> str:
        arrays.append(numpy_helper.from_array(numbers.normal(size=shape).astype(np.float32), name))
        return name

    def node(op: str, *inputs: str, **attributes: Any) -> str:
        output = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, list(inputs), [output], f"{op}{len(nodes)}", **attributes))
        return output

    pads = draw.choice([[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]])
    weight, bias = array("conv.weight", 4, 2, 3, 3), array("conv.bias", 4)
    x = node("Conv", "image", weight, bias, pads=pads, strides=[1, 1])
    x = node(*draw.choice([("Relu", x), ("Sigmoid", x), ("Tanh", x)]))
    if draw.random() < 0.5:
        x = node("LeakyRelu", x, alpha=0.2)
    pool = draw.choice(["MaxPool", "AveragePool"])
    x = node(pool, x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=draw.randrange(2))
    if draw.random() < 0.3:
        x = node("Concat", x, node("Transpose", x, perm=[0, 1, 2, 3]), axis=1)
    if draw.random() < 0.3:
        arrays.append(numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "pads"))
        x = node("Pad", x, "pads")
    means = draw.random() < 0.5
    x = node("GlobalAveragePool", x) if means else node("ReduceMean", x, axes=[2, 3], keepdims=1)
    x = node("Flatten", x)
    channels = 8 if any(n.op_type == "Concat" for n in nodes) else 4
    x = node("Gemm", x, array("dense.weight", 3, channels), array("dense.bias", 3), transB=1)
    if draw.random() < 0.5:
        x = node("Softmax", x, axis=1)
    given = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 2, 8, 8])]
    taken = [helper.make_tensor_value_info(x, TensorProto.FLOAT, [None, 3])]
    graph = helper.make_graph(nodes, "net", given, taken, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _truncation(draw: random.Random, model: onnx.ModelProto) -> bytes:
    content = bytes(model.SerializeToString())
    return content[: draw.randrange(len(content))]


def _bit_flip(draw: random.Random, model: onnx.ModelProto) -> bytes:
    changed = bytearray(model.SerializeToString())
    for position in draw.sample(range(len(changed)), draw.choice([1, 1, 2, 8, 40])):
        changed[position] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _lying_shapes(draw: random.Random, model: onnx.ModelProto) -> bytes:
    """Shapes, sizes and types that are not those of the bytes."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        with suppress(IndexError):  # what is gone cannot be lied about
            draw.choice(_lies_of_lying_shapes(draw, model))()
    return bytes(model.SerializeToString())


def _lies_of_lying_shapes(draw: random.Random, model: onnx.ModelProto) -> list[Callable[[], object]]:
    graph = model.graph
    tensor = draw.choice(graph.initializer)
    odd = draw.choice(ODD)
    dims = graph.input[0].type.tensor_type.shape.dim
    return [
        lambda: tensor.dims.append(odd),
        lambda: tensor.dims.__setitem__(0, odd),
        lambda: tensor.dims.__setitem__(slice(None), tensor.dims[::-1]),
        lambda: tensor.dims.extend([1] * 100),
        lambda: setattr(tensor, "data_type", draw.randrange(25)),
        lambda: setattr(tensor, "raw_data", tensor.raw_data[: draw.randrange(50)]),
        lambda: tensor.ClearField("raw_data"),
        lambda: tensor.float_data.extend([1.0] * draw.randrange(5)),
        lambda: setattr(draw.choice(dims), "dim_value", odd),
        lambda: dims.pop(),
        lambda: setattr(graph.input[0].type.tensor_type, "elem_type", draw.randrange(25)),
        lambda: graph.input[0].ClearField("type"),
    ]


def _odd_nodes(draw: random.Random, model: onnx.ModelProto) -> bytes:
    """Operators, attributes and names that make no sense, or another one."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        with suppress(IndexError):  # what is gone cannot be lied about
            draw.choice(_lies_of_odd_nodes(draw, model))()
    return bytes(model.SerializeToString())


def _lies_of_odd_nodes(draw: random.Random, model: onnx.ModelProto) -> list[Callable[[], object]]:
    graph = model.graph
    node = draw.choice(graph.node)
    attribute = draw.choice([*node.attribute, helper.make_attribute("axis", draw.choice(ODD))])
    odd = draw.choice(ODD)
    return [
        lambda: setattr(node, "op_type", draw.choice(OPS)),
        lambda: setattr(node, "domain", draw.choice(["ai.onnx", "com.microsoft", "ai.onnx.ml"])),
        lambda: setattr(attribute, "type", draw.randrange(14)),
        lambda: setattr(attribute, "i", odd),
        lambda: setattr(attribute, "f", draw.choice([float("nan"), float("inf"), 1e38, -1.0])),
        lambda: attribute.ints.append(odd),
        lambda: attribute.ints.extend([1] * 10_000),
        lambda: attribute.ints.__setitem__(slice(0, 1), [odd]),
        lambda: node.attribute.append(attribute),
        lambda: node.attribute.append(helper.make_attribute("fancy", 1)),
        lambda: node.attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER")),
        lambda: node.attribute.append(helper.make_attribute("auto_pad", "?")),
        lambda: node.attribute.append(helper.make_attribute("group", odd)),
        lambda: node.input.append(draw.choice(["image", "conv.weight", "", "nowhere"])),
        lambda: node.input.__setitem__(0, draw.choice([graph.node[-1].output[0], "", "?", "image"])),
        lambda: node.input.pop(),
        lambda: node.output.pop(),
        lambda: node.output.__setitem__(0, draw.choice(["image", "", "v0", "conv.weight"])),
        lambda: setattr(graph.output[0], "name", draw.choice(["", "v0", "image", "conv.bias", "v1"])),
        lambda: graph.node.append(node),
        lambda: graph.node.reverse(),
        lambda: model.opset_import[0].__setattr__("version", odd),
        lambda: model.metadata_props.add(key="classes", value=draw.choice(NOTES)),
        lambda: model.metadata_props.add(
            key="normalisation", value='{"mean":[1e400],"deviation":[0],"scale":-1}'
        ),
    ]


def _bomb(draw: random.Random, model: onnx.ModelProto) -> bytes:
    """A few bytes that ask for very many."""
    graph = model.graph
    conv = graph.node[0]

    def sized(*shape: int) -> None:
        graph.initializer[0].dims[:] = shape

    def deep(levels: int) -> bytes:
        inner = b""
        for _ in range(levels):  # a graph in an attribute of a node of a graph
            for tag in (b"\x32", b"\x2a", b"\x0a"):
                inner = tag + _varint(len(inner)) + inner
        return bytes(model.SerializeToString()) + b"\x3a" + _varint(len(inner)) + inner

    bombs: list[Callable[[], bytes | None]] = [
        lambda: sized(2**31, 2**31, 3, 3),
        lambda: sized(0, 2**62, 3, 3),
        lambda: conv.attribute[0].ints.__setitem__(slice(None), [2**31 - 1] * 4),
        lambda: conv.attribute[0].ints.__setitem__(slice(None), [2**15] * 4),
        lambda: graph.input[0].type.tensor_type.shape.dim[2].__setattr__("dim_value", 2**31 - 1),
        lambda: graph.input[0].type.tensor_type.shape.dim[2].__setattr__("dim_value", 2**20),
        lambda: bytes(model.SerializeToString()) + b"\x3a\x80\x80\x80\x20" + b"\x0a\x00" * 2**25,
        lambda: bytes(model.SerializeToString()) + b"\x3a" + _varint(2 * 2**17) + b"\x0a\x00" * 2**17,
        lambda: bytes(model.SerializeToString()) + b"\x3a" + _varint(2 * 2**17) + b"\x2a\x00" * 2**17,
        lambda: deep(draw.choice([3, 30, 1000, 20_000])),
        lambda: bytes(model.SerializeToString()) + b"\x0b" * draw.choice([10, 10_000, 10**6]),
        lambda: bytes(model.SerializeToString()) + b"\x7a\xff\xff\xff\xff\x0f",
        lambda: graph.node.extend([helper.make_node("Relu", [], [f"r{n}"]) for n in range(20_000)]),
        lambda: graph.node.extend([graph.node[1]] * 2000),
        lambda: setattr(graph.node[1], "name", "x" * 10**6),
        lambda: graph.node[1].input.extend(["image"] * 10**5),
    ]
    made = draw.choice(bombs)()
    return made if isinstance(made, bytes) else bytes(model.SerializeToString())


def _long_chain(draw: random.Random, model: onnx.ModelProto) -> bytes:
    """Nodes one after the other, as many as a model may have and more."""
    graph = model.graph
    last = graph.output[0].name
    for number in range(draw.choice([50, 3000])):
        graph.node.append(helper.make_node(draw.choice(["Relu", "Identity"]), [last], [f"w{number}"]))
        last = f"w{number}"
    graph.output[0].name = last
    return bytes(model.SerializeToString())


def _elsewhere(draw: random.Random, model: onnx.ModelProto) -> bytes:
    """Arrays that lie in other files, and names that are no text or would do harm in a terminal."""
    tensor = draw.choice(model.graph.initializer)
    if draw.random() < 0.6:
        location = draw.choice(["/etc/passwd", "../secret", "data.bin", "C:\\x", "\\\\host\\x", ""])
        tensor.data_location = draw.choice([TensorProto.EXTERNAL, TensorProto.DEFAULT])
        tensor.external_data.add(key="location", value=location)
        tensor.external_data.add(key="length", value=draw.choice(["10", "-1", "x", str(2**62)]))
        return bytes(model.SerializeToString())
    names = [b"\xff\xfe", b"\xc3", b"\x1b[2J", b"a\nb", b"\0", b"../x", b"\xed\xa0\x80", b"\xe2\x80\xae"]
    name = draw.choice(names)
    old = draw.choice([b"conv.weight", b"conv.bias", b"Relu", b"v0", b"image", b"net", b"Conv0", b"pads"])
    padded = (name * 20)[: len(old)] if draw.random() < 0.5 else name + old[len(name) :]
    return bytes(model.SerializeToString()).replace(old, padded[: len(old)])


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


MUTATIONS: dict[str, Callable[[random.Random, onnx.ModelProto], bytes]] = {
    "truncation": _truncation,
    "bit flip": _bit_flip,
    "lying shapes": _lying_shapes,
    "odd nodes": _odd_nodes,
    "bomb": _bomb,
    "long chain": _long_chain,
    "elsewhere": _elsewhere,
}
