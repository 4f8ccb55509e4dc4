"""Reference vectors: a run in float64 in one file, for those who check kernels of their own."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid import canonical_json, random
from pellucid.engine.program import LOSS, TARGETS, Program, Step
from pellucid.engine.run import Run
from pellucid.errors import UsageError
from pellucid.explain.reference import Place
from pellucid.files import write_atomically
from pellucid.formula.derive import gradient_name
from pellucid.layers.options import is_whole
from pellucid.model.model import versions
from pellucid.network import INPUT, Network

__all__ = ["METADATA", "Vectors", "reference_vectors"]

Array = NDArray[Any]
METADATA = "metadata"
FORMAT = "pellucid vectors 1"
# The same bytes on every day.
_DATE = (1980, 1, 1, 0, 0, 0)
CONVENTIONS = {
    "order": "images, channels, rows, columns; the last axis is contiguous; indices count from 0",
    "convolution": "cross-correlation, unless the equation says otherwise",
    "outside": "an element beyond the edge of its tensor, within the declared padding, is 0 in a sum and is "
    "never the maximum",
    "maximum": "of equal elements the first in row-major order is the maximum, whose place in the window has "
    "a name ending in _at",
    "relu": "its derivative at 0 is 0",
    "gradients": "NAME.grad is the gradient of the loss by NAME; without a loss, of the sum of the output's "
    "elements times the gradient that was given for it",
    "several uses": "the gradient of a value that several layers read is the sum of what each passes back",
    "training": "dropout is not at work",
}


@dataclass(frozen=True)
class Vectors:
    """Every number of one run, by name, and what is needed to read them.

    Attributes:
        arrays: float64, and whole numbers for positions of maxima: ``input``, ``targets``, parameters, every
            layer's output, results inside layers (``maxpool1:y_at``), ``loss``, and with ``.grad`` behind the
            name the gradient by any of these that has one.
        metadata: versions, seed, conventions, and for each layer its equations as text, what their letters
            stand for, constants, sizes and padding; in JSON's types.
    """

    arrays: Mapping[str, Array]
    metadata: Mapping[str, Any]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an ``.npz`` file, atomically; the metadata are JSON under the name ``metadata``.

        Raises:
            ResourceError: the file cannot be written.
        """
        write_atomically(path, self._write)

    def _write(self, stream: BinaryIO) -> None:
        text = np.array(canonical_json.dumps(dict(self.metadata)))
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in {METADATA: text, **self.arrays}.items():
                entry = zipfile.ZipInfo(f"{name}.npy", _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)


def reference_vectors(
    network: Network, parameters: Mapping[str, Array] | None = None, *, batch: int = 2, seed: int = 0
) -> Vectors:
    """See `pellucid.network.Network.vectors`."""
    for what, value, least in (("batch", batch, 1), ("seed", seed, 0)):
        if not is_whole(value, least):
            raise UsageError(f"{what} is a whole number of at least {least}, not {value!r:.60}")
    run = _run(network, parameters, int(batch), int(seed))
    arrays = dict(_named(run))
    program = Program.build(
        network, int(batch), wanted={INPUT, *run.program.wanted}, loss=network.loss is not None
    )
    known = versions()
    metadata = {
        "format": FORMAT, "pellucid": known["pellucid"], "numpy": known["numpy"], "network": network.name,
        "batch": int(batch), "seed": int(seed), "dtype": "float64", "engine": "numpy",
        "output": network.output, "conventions": CONVENTIONS, "layers": [*map(_described, program.steps)],
    }  # fmt: skip
    return Vectors(arrays, metadata)


def _run(network: Network, parameters: Mapping[str, Array] | None, batch: int, seed: int) -> Run:
    """Random inputs and targets; without a loss, a random gradient arrives at the output."""
    x = random.normal(random.key(seed, "input"), (batch, *network.input_shape))
    shape = (batch, *network.output_shape)
    if parameters is None:
        parameters = network.initial_parameters(seed, np.float64)
    if network.loss is None:
        above = {network.output: random.normal(random.key(seed, "upstream"), shape)}
        return network.run(x, parameters=parameters, upstream=above, dtype=np.float64)
    key = random.key(seed, TARGETS)
    targets: Array = random.normal(key, shape)
    if network.loss.classification:
        targets = random.integers(key, 0, shape[-1], batch)
    return network.run(x, targets, parameters, dtype=np.float64)


def _named(run: Run) -> Iterator[tuple[str, Array]]:
    """Values, then gradients, each under a name of its own."""
    values = {name: np.asarray(run[name]) for name in run}
    gradients = {str(Place(name, gradient=True)): name for name in run.grad}
    for name in (METADATA, *gradients):
        if name in values:
            raise UsageError(
                f"the name {name} stands for two arrays in the file; rename the layer or parameter"
            )
    yield from values.items()
    for name, of in gradients.items():
        yield name, np.asarray(run.grad[of])


def _described(step: Step) -> dict[str, Any]:
    """A layer's or the loss's equations, and what their letters stand for."""
    ranges, forward = step.ranges, step.forward
    inside = {e.name: f"{step.name}:{e.name}" for e in forward.equations if e.name != forward.output}
    names = {**inside, **step.operands, forward.output: step.name}
    gradients = {gradient_name(o): str(Place(v, gradient=True)) for o, v in step.gradients.items()}
    if step.name != LOSS and step.gradients:
        gradients[gradient_name(forward.output)] = str(Place(step.name, gradient=True))
    padding = {
        tensor: [[ranges.value(low), ranges.value(high)] for low, high in amounts]
        for tensor, amounts in forward.padding.items()
    }
    return {
        "name": step.name,
        "forward": [str(equation) for equation in forward.equations],
        "assumptions": [str(fact) for fact in forward.assumptions],
        "backward": [] if step.backward is None else [str(equation) for equation in step.backward.equations],
        "names": names, "gradients": gradients, "constants": dict(forward.constants),
        "sizes": {name: size for name, size in ranges.symbols.items() if name not in forward.constants},
        "padding": padding,
    }  # fmt: skip
