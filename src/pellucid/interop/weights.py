"""Weights from and for other programs: a state dict as a ``.safetensors`` file.

Such a file holds arrays under the names of the modules that own them, ``0.weight`` and ``0.bias`` for the
first of an ``nn.Sequential``, and nothing about what the modules are. So they are matched with a network's
layers in order, and every shape is compared.

Two families of frameworks lay weights out differently. PyTorch's kernels are (out, in, rows, columns) like
ours, and its features after a flatten are ordered channel by channel. Keras and TensorFlow keep images with
channels last: kernels are (rows, columns, in, out), dense weights (in, out), features pixel by pixel. What
orders our features, the equation of the layer that flattens them says.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ModelFileError, ResourceError
from pellucid.files import open_regular, resource_error, write_atomically
from pellucid.formula.evaluate import evaluate
from pellucid.formula.expression import Read, reads
from pellucid.layers import Conv2D
from pellucid.model import Model
from pellucid.network import INPUT, Network, Node

__all__ = ["export_weights", "import_weights"]

Array = NDArray[Any]
# The word of channels-last frameworks for what we and PyTorch call a weight.
KERNEL = "kernel"
LISTED = 20  # names in a sentence, at most
FLOATS = ("float16", "float32", "float64")


def import_weights(
    network: Network, path: str | os.PathLike[str], *, channels_last: bool | None = None
) -> dict[str, Array]:
    """A network's parameters from the state dict of a model that has the same layers in the same order.

    Args:
        network: whose parameters they become.
        path: a ``.safetensors`` file, as ``safetensors.torch.save_file`` writes it of ``model.state_dict()``.
        channels_last: whether the weights are laid out as in Keras and TensorFlow; if None, they are if they
            are called ``kernel``.

    Returns:
        Arrays by our names, float32, or float64 if one of them is.

    Raises:
        ModelFileError: the file is none, or has other arrays than the network; the sentence names the first.
        ResourceError: the file cannot be read.
    """
    where = os.fspath(path)
    arrays = _read(path)
    if channels_last is None:
        channels_last = any(_split(name)[1] == KERNEL for name in arrays)
    found: dict[str, Array] = {}
    for ours, theirs in _matched(network, arrays, where).items():
        wanted, layout = network.parameter_shapes[ours], _Layout.of(network, ours, channels_last)
        array = arrays[theirs]
        if array.shape != layout.shape(wanted):
            raise ModelFileError(
                f"{where}: {theirs} has the shape {array.shape}, but {ours}, which stands in its place, "
                f"needs {layout.shape(wanted)}"
            )
        found[ours] = layout.imported(array)
    dtype = np.result_type(np.float32, *(a.dtype for a in found.values()))
    return {name: np.ascontiguousarray(found[name], dtype) for name in network.parameter_shapes}


def export_weights(model: Model, path: str | os.PathLike[str], *, channels_last: bool = False) -> None:
    """Writes a model's parameters as the state dict of a chain of the same layers, atomically.

    A layer's arrays are named by its place in the chain: ``0.weight``, ``0.bias``, ``3.weight`` ..., as
    ``nn.Sequential`` names them, or ``0.kernel`` for a framework that keeps channels last.

    Args:
        model: whose parameters are written.
        path: of the ``.safetensors`` file.
        channels_last: whether they are laid out as in Keras and TensorFlow.

    Raises:
        ResourceError: the file cannot be written.
    """
    from safetensors.numpy import save

    places = {node.name: str(place) for place, node in enumerate(model.network.nodes)}
    arrays: dict[str, Array] = {}
    for name, array in model.parameters.items():
        owner, leaf = _split(name)
        leaf = KERNEL if channels_last and leaf == "weight" else leaf
        layout = _Layout.of(model.network, name, channels_last)
        arrays[f"{places[owner]}.{leaf}"] = np.ascontiguousarray(layout.exported(array))
    write_atomically(path, lambda stream: stream.write(save(arrays)))


@dataclass(frozen=True)
class _Layout:
    """How a framework keeps one of our parameters.

    Attributes:
        axes: our axis for each of theirs; None if they are the same.
        features: our feature for each of theirs along the second of our axes; None if they are the same.
        turned: whether their filters are ours turned round, as theirs correlate and ours convolve.
    """

    axes: tuple[int, ...] | None
    features: Array | None
    turned: bool

    @staticmethod
    def of(network: Network, name: str, channels_last: bool) -> _Layout:
        owner, leaf = _split(name)
        node, rank = network.by_name[owner], len(network.parameter_shapes[name])
        if leaf != "weight" or rank not in (2, 4):
            return _Layout(None, None, False)
        axes = None if not channels_last else (1, 0) if rank == 2 else (2, 3, 1, 0)
        features = _features(network, node, channels_last) if rank == 2 else None
        return _Layout(axes, features, isinstance(node.layer, Conv2D) and node.layer.true_convolution)

    def shape(self, ours: tuple[int, ...]) -> tuple[int, ...]:
        return ours if self.axes is None else tuple(ours[axis] for axis in self.axes)

    def imported(self, array: Array) -> Array:
        array = array if self.axes is None else array.transpose(np.argsort(self.axes))
        if self.features is not None:
            array = array[:, np.argsort(self.features)]
        return array[..., ::-1, ::-1] if self.turned else array

    def exported(self, array: Array) -> Array:
        array = array[..., ::-1, ::-1] if self.turned else array
        if self.features is not None:
            array = array[:, self.features]
        return array if self.axes is None else array.transpose(self.axes)


def _features(network: Network, node: Node, channels_last: bool) -> Array | None:
    """Our feature behind each of theirs, if what the layer reads was flattened from images."""
    while node.sources[0] != INPUT:
        node = network.by_name[node.sources[0]]
        if len(node.shapes[0]) == 4:
            break
        if not _elementwise(node):
            return None
    if len(node.shapes[0]) != 4 or len(node.shape) != 1 or node.parameters or len(node.sources) > 1:
        return None
    count = math.prod(node.shapes[0])
    pixels = np.arange(count, dtype=np.float64).reshape(node.shapes[0])
    ours = evaluate(node.formula, {node.layer.operands[0]: pixels})[node.formula.output][0]
    theirs = (pixels[0].transpose(1, 2, 0) if channels_last else pixels[0]).ravel()
    if not np.array_equal(np.sort(ours), np.arange(count)) or np.array_equal(ours, theirs):
        return None
    return np.asarray(np.argsort(ours)[theirs.astype(np.int64)])


def _elementwise(node: Node) -> bool:
    """Whether each element of the output is made of the same element of what the layer reads."""
    targets = {e.target.indices for e in node.formula.equations}
    read: Iterable[Read] = (r for e in node.formula.equations for r in reads(e.value) if r.indices)
    return not node.parameters and len(targets) == 1 and all(r.indices in targets for r in read)


def _matched(network: Network, arrays: Mapping[str, Array], where: str) -> dict[str, str]:
    """Their name for each of ours: the same one, or the one in the same place."""
    if arrays.keys() == network.parameter_shapes.keys():
        return {name: name for name in arrays}
    ours, theirs = _modules(network.parameter_shapes, where), _modules(arrays, where)
    if len(ours) != len(theirs):
        raise ModelFileError(
            f"{where}: it has the weights of {len(theirs)} layers ({_listed(theirs)}), but the network has "
            f"{len(ours)} layers with parameters ({_listed(ours)})"
        )
    found: dict[str, str] = {}
    for own, other in zip(ours, sorted(theirs, key=_natural), strict=True):
        leaves = {"weight" if leaf == KERNEL else leaf: name for leaf, name in theirs[other].items()}
        if leaves.keys() != set(ours[own]):
            raise ModelFileError(
                f"{where}: {other} has {_listed(theirs[other])}, but {own}, which stands in its place, has "
                f"{_listed(ours[own])}"
            )
        found |= {name: leaves[leaf] for leaf, name in ours[own].items()}
    return found


def _modules(names: Iterable[str], where: str) -> dict[str, dict[str, str]]:
    """The arrays of each layer, by its name, and by what each is to the layer."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        owner, leaf = _split(name)
        arrays = found.setdefault(owner, {})
        if leaf in arrays:
            twice = f"{arrays[leaf]!r:.100} and {name!r:.100}"
            raise ModelFileError(f"{where}: {twice} are the same array's name")
        arrays[leaf] = name
    return found


def _split(name: str) -> tuple[str, str]:
    """``features.0.weight`` as ``features.0`` and ``weight``; Keras divides with strokes."""
    owner, _, leaf = name.replace("/", ".").removesuffix(":0").rpartition(".")
    return owner, leaf


def _natural(name: str) -> list[tuple[int, str]]:
    """A key by which 2 comes before 10."""
    parts = re.split(r"([0-9]+)", name)
    numbers = [part.lstrip("0") if place % 2 else None for place, part in enumerate(parts)]
    return [(0, part) if n is None else (len(n), n) for n, part in zip(numbers, parts, strict=True)]


def _listed(names: Iterable[str]) -> str:
    ordered = [f"{name:.50}" for name in sorted(names, key=_natural)]
    return ", ".join(ordered[:LISTED] + ["..."] * (len(ordered) > LISTED)) or "none"


def _read(path: str | os.PathLike[str]) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with open_regular(path) as file:
        try:
            arrays = load(file.read())
        except KeyError as error:  # NumPy has no such type
            raise ModelFileError(f"{os.fspath(path)}: it holds numbers of the type {error.args[0]}") from None
        except (SafetensorError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"{os.fspath(path)}: it is no .safetensors file of arrays: {error}"
            ) from None
        except MemoryError:
            raise ResourceError(f"cannot read {os.fspath(path)}: its arrays do not fit into memory") from None
        except OSError as error:
            raise resource_error("read", path, error) from error
    for name, array in arrays.items():
        if array.dtype.name not in FLOATS:
            raise ModelFileError(f"{os.fspath(path)}: {name} is of the type {array.dtype}, not of floats")
    return arrays
