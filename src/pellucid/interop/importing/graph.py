"""What an ONNX file says, read without believing a word of it: nodes, arrays, the shape of the input."""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import MissingPackageError, ModelFileError, ResourceError, missing
from pellucid.files import open_regular, resource_error
from pellucid.interop.importing.wire import check_records

__all__ = ["Graph", "Operation", "array", "needed", "read"]

Array = NDArray[Any]

# A protobuf message has no more.
MOST_BYTES = 2**31 - 1
MOST_NODES = 10_000
OLDEST = 6
MOST_AXES = 20
# Of elements as ONNX numbers them: the type in the file, and what it becomes here.
TYPES: Mapping[int, tuple[str, type[np.generic]]] = {
    1: ("<f4", np.float32), 6: ("<i4", np.int64), 7: ("<i8", np.int64), 9: ("?", np.bool_),
    10: ("<f2", np.float32), 11: ("<f8", np.float64),
}  # fmt: skip
# Of the input.
PIXELS = 2
INPUTS = {1: np.float32, PIXELS: np.float32, 10: np.float32, 11: np.float64}
# Where the elements stand that are not in raw bytes.
FIELDS = {1: "float_data", 6: "int32_data", 7: "int64_data", 9: "int32_data", 11: "double_data"}


@dataclass(frozen=True)
class Operation:
    """One node of the graph, as the file has it.

    Attributes:
        position: among the nodes, from 1.
        op: the operator's name.
        name: the node's own.
        inputs: names of what it reads; empty for one left out.
        outputs: names of what it gives.
        attributes: ONNX's messages, by name.
    """

    position: int
    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f"node {self.position} ({self.op[:50]}{f' {self.name[:50]!r}' if self.name else ''})"


@dataclass(frozen=True)
class Graph:
    """A graph whose nodes stand in an order in which they can be computed.

    Attributes:
        opset: version of the operators.
        operations: the nodes that the output needs.
        tensors: ONNX's messages of the arrays that it comes with, by name.
        input: name of the one input.
        axes: its shape; None for an axis whose size the file leaves open.
        output: name of the output.
        promised: the shape that the file says it has; None for an axis of which it says nothing, and for all
            of it if it does not even say how many axes there are.
        name: of the network, for titles.
        metadata: notes that came with the model.
    """

    opset: int
    operations: tuple[Operation, ...]
    tensors: Mapping[str, Any]
    input: str
    axes: tuple[int | None, ...]
    dtype: np.dtype[Any]
    output: str
    promised: tuple[int | None, ...] | None = None
    name: str = "onnx"
    metadata: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def uses(self) -> Mapping[str, int]:
        """How often each value is read, the output once more."""
        counts = {self.output: 1}
        for name in (i for operation in self.operations for i in operation.inputs):
            counts[name] = counts.get(name, 0) + 1
        return counts


def read(path: str | os.PathLike[str], output: str | None = None) -> Graph:
    """The graph that a file holds, as far as it leads to the output of this name, or to the only one.

    Raises:
        ModelFileError: the file is no ONNX model, or holds what pellucid does not take.
        ResourceError: the file cannot be read.
        MissingPackageError: the package onnx is not installed.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not 0 < size <= MOST_BYTES:
                raise ValueError(f"it has {size:,} bytes; an ONNX file has 1 to {MOST_BYTES:,}")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                message = parsed(content)
            return graph(message, output)
    except ValueError as error:
        if isinstance(error, ModelFileError | MissingPackageError):
            raise
        raise ModelFileError(f"{os.fspath(path)}: {error}") from None
    except MemoryError:
        raise ResourceError(f"cannot read {os.fspath(path)}: its arrays do not fit into memory") from None
    except OSError as error:
        if isinstance(error, ResourceError):
            raise
        raise resource_error("read", path, error) from error


def parsed(content: Any) -> Any:
    """ONNX's own message of the file's bytes, once they have been counted."""
    try:
        from google.protobuf.message import DecodeError
        from onnx import ModelProto
    except ImportError:
        raise missing("ONNX files", "onnx", "onnx") from None
    check_records(content, ModelProto.DESCRIPTOR)
    try:
        return ModelProto.FromString(bytes(content))
    except DecodeError:
        raise ValueError("it is damaged or no ONNX file") from None


def graph(message: Any, wanted: str | None) -> Graph:
    """The graph of a model message; a ValueError says what is wrong with it."""
    inside = message.graph
    if len(inside.node) > MOST_NODES:
        raise ValueError(f"its graph has {len(inside.node):,} nodes; {MOST_NODES:,} are allowed")
    tensors = {_text(t.name): t for t in inside.initializer}
    output = _output(inside, wanted)
    operations = needed([_operation(n, i + 1) for i, n in enumerate(inside.node)], output)
    if not operations and output not in {i.name for i in inside.input}:
        raise ValueError(f"no node gives its output {output[:100]!r}")
    given = [i for i in inside.input if i.name not in tensors]
    read = {name for operation in operations for name in operation.inputs} | {output}
    inputs = [i for i in given if i.name in read]
    if len(inputs) != 1:
        names = ", ".join(repr(_text(i.name)[:50]) for i in inputs[:5]) or "none"
        raise ValueError(f"its output depends on {len(inputs)} inputs ({names}); a network has one")
    _check_order(operations, {*tensors, _text(inputs[0].name)}, output)
    readers = [operation for operation in operations if inputs[0].name in operation.inputs]
    axes, dtype = _input(inputs[0], cast=all(r.op in ("Cast", "CastLike") for r in readers))
    metadata = {_text(p.key): _text(p.value) for p in message.metadata_props}
    return Graph(
        _opset(message),
        operations,
        tensors,
        _text(inputs[0].name),
        axes,
        dtype,
        output,
        _promised(next(o for o in inside.output if o.name == output)),
        _title(_text(inside.name)),
        metadata,
    )


def _output(inside: Any, wanted: str | None) -> str:
    """The name of the output that is imported."""
    names = [_text(value.name) for value in inside.output]
    if not names:
        raise ValueError("it is no ONNX file, or its graph has no output")
    if wanted in names or (wanted is None and len(names) == 1):
        return wanted or names[0]
    shown = ", ".join(repr(name[:50]) for name in names[:5])
    raise ValueError(
        f"it has {len(names)} outputs ({shown}); name the one that is wanted as output"
        if wanted is None
        else f"it has no output {wanted!r}, but {shown}"
    )


def _opset(message: Any) -> int:
    from onnx.defs import onnx_opset_version

    versions = [o.version for o in message.opset_import if o.domain in ("", "ai.onnx")]
    if len(versions) != 1 or not OLDEST <= versions[0] <= onnx_opset_version():
        said = ", ".join(map(str, versions)) or "none"
        newest = onnx_opset_version()
        raise ValueError(f"its operators are of version {said}; versions {OLDEST} to {newest} are known")
    return int(versions[0])


def _operation(node: Any, position: int) -> Operation:
    names = [_text(n) for n in (*node.input, *node.output)]
    count = len(node.input)
    domain = _text(node.domain)
    op = _text(node.op_type) if domain in ("", "ai.onnx") else f"{domain}.{_text(node.op_type)}"
    op = op if op.isprintable() else repr(op)
    attributes = {_text(a.name): a for a in node.attribute}
    return Operation(
        position, op[:50], _text(node.name), tuple(names[:count]), tuple(names[count:]), attributes
    )


def needed(operations: Sequence[Operation], output: str) -> tuple[Operation, ...]:
    """Those without which there is no output."""
    wanted, found = {output}, []
    for operation in reversed(operations):
        if not wanted.isdisjoint(operation.outputs):
            wanted |= set(operation.inputs)
            found.append(operation)
    return tuple(found[::-1])


def _check_order(operations: Sequence[Operation], known: set[str], output: str) -> None:
    """Whether each node reads only what is there before it, so that there is no cycle."""
    seen = {*known, ""}
    for operation in operations:
        for name in operation.inputs:
            if name not in seen:
                raise ValueError(f"{operation} reads {name[:100]!r}, which nothing before it gives")
        for name in filter(None, operation.outputs):
            if name in seen:
                raise ValueError(f"{operation} gives {name[:100]!r}, which there is already")
            seen.add(name)
    if output not in seen:
        raise ValueError(f"no node gives its output {output[:100]!r}")


def _title(name: str) -> str:
    """The graph's name if a network can have it."""
    return name if 0 < len(name) <= 100 and name.isprintable() else "onnx"


def _input(value: Any, *, cast: bool) -> tuple[tuple[int | None, ...], np.dtype[Any]]:
    """Shape and type of the graph's input; whole numbers must be cast before anything else."""
    name, tensor = _text(value.name)[:50], value.type.tensor_type
    if tensor.elem_type not in INPUTS or (tensor.elem_type == PIXELS and not cast):
        raise ValueError(f"its input {name!r} does not hold floating-point numbers")
    if not tensor.HasField("shape") or len(tensor.shape.dim) > 8:
        raise ValueError(f"its input {name!r} has no shape of up to 8 axes")
    axes = _axes(tensor)
    if any(size is not None and size < 0 for size in axes):
        raise ValueError(f"its input {name!r} has the shape {axes}")
    return axes, np.dtype(INPUTS[tensor.elem_type])


def _promised(value: Any) -> tuple[int | None, ...] | None:
    """The shape that a value is said to have."""
    tensor = value.type.tensor_type
    return _axes(tensor) if tensor.HasField("shape") else None


def _axes(tensor: Any) -> tuple[int | None, ...]:
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim[:MOST_AXES])


def array(tensor: Any) -> Array:
    """The array of a tensor message, once its length has been compared with its shape.

    Raises:
        ValueError: it lies elsewhere, is of a type that networks do not have, or its length is not what its
            shape says.
    """
    name, dims = _text(tensor.name)[:100], tuple(tensor.dims)
    if tensor.data_location or tensor.external_data:
        raise ValueError(f"the array {name!r} lies in another file; store the model as one file")
    if tensor.data_type not in TYPES or tensor.HasField("segment"):
        kinds = "float16, float32, float64, int32, int64 and bool"
        raise ValueError(f"the array {name!r} is of a type other than {kinds}")
    kind, result = TYPES[tensor.data_type]
    if len(dims) > 8 or any(size < 0 for size in dims):
        raise ValueError(
            f"the array {name!r} has the shape {dims[:9]}; up to 8 sizes of at least 0 are allowed"
        )
    count, raw = math.prod(dims), tensor.raw_data
    values: Any = np.frombuffer(raw, np.uint8)
    if tensor.HasField("raw_data"):
        fits = len(raw) == count * np.dtype(kind).itemsize
        values = values.view(kind) if fits else values
    else:
        values = getattr(tensor, FIELDS[tensor.data_type]) if tensor.data_type in FIELDS else ()
        fits = len(values) == count
    if not fits:
        raise ValueError(
            f"the array {name!r} of shape {dims} has {len(raw) or len(values):,} bytes or elements"
        )
    return np.array(values, result).reshape(dims)


def _text(value: Any) -> str:
    """The text of a field; bytes that are no UTF-8 are an error."""
    if not isinstance(value, str):
        raise ValueError(f"a name in it is not UTF-8: {bytes(value)[:50]!r}")
    return value
