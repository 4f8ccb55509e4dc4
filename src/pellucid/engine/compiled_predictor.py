"""Prediction in machine code: whole data sets in one call a thread, single images in microseconds."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.compiler.context import CONTROL, CONTROL_SIZE, FIELDS, ROW, barrier
from pellucid.compiler.inference import inference_worker
from pellucid.compiler.machine import aligned, host
from pellucid.compiler.module import Module
from pellucid.compiler.placement import CHUNK
from pellucid.compiler.plan import PassPlan
from pellucid.compiler.rows import Feed, gather, scatter
from pellucid.engine.compiled_code import Document, Layout, kind_of, network_described, obtained
from pellucid.engine.compiled_plan import (
    AVERAGE,
    DEVIATION,
    IMAGE,
    input_scale,
    prediction_plan,
    prediction_tile,
    source_of,
    source_type,
)
from pellucid.engine.coupling import coupled_layer
from pellucid.engine.interface import Scaling
from pellucid.engine.workers import run_beside, run_together
from pellucid.errors import UsageError
from pellucid.network import INPUT, Network

__all__ = ["CompiledPredictor", "PredictionRecipe"]

Array = NDArray[Any]
# Numbers of images whose images depend on each other, for which code is kept.
MOST_SIZES = 8
# So few images are predicted in no time: the thread that calls takes part.
SHORT = 4096
FIRST = np.zeros(1, np.int64)
# Places in the control block.
STOP, TAKEN = CONTROL.index("stop"), CONTROL.index("taken")
# Places in the table of addresses that change from call to call.
PLACES = [FIELDS.index(name) for name in ("images", "order", "total", "out")]


class CompiledPredictor:
    """A network with fixed parameters as a function of images; several threads may call it at once."""

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, Array],
        scaling: Scaling | None,
        dtype: DTypeLike,
        threads: int,
    ) -> None:
        self.network, self.scaling, self.threads = network, scaling, threads
        self.dtype = np.dtype(dtype)
        self.parameters = network.checked_parameters(parameters, self.dtype)
        self.coupled = coupled_layer(network) is not None
        self._made: dict[tuple[str, int], _Prediction] = {}
        self._tile = prediction_tile(network, 64, self.dtype.itemsize)  # of any other number than one
        self._one: dict[np.dtype[Any], _Prediction] = {}
        self._one_shape = (1, *network.input_shape)

    def __call__(self, images: Array) -> Array:
        """Outputs (N, ...) of images (N, C, H, W) or (N, features), as they lie in a file."""
        if images.shape == self._one_shape:
            one = self._one.get(images.dtype)
            if one is not None:
                return one.single(images)
        if images.shape[1:] != self.network.input_shape:
            wanted, given = self.network.input_shape, images.shape[1:]
            raise UsageError(f"{self.network.name} takes inputs of the shape {wanted}, not {given}")
        images = source_of(images, scaled=self.scaling is not None)
        if not len(images):
            return np.empty((0, *self.network.output_shape), self.dtype)
        tile = len(images) if self.coupled or len(images) == 1 else self._tile
        key = (source_type(images.dtype), tile)
        made = self._made.get(key)
        if made is None:
            if self.coupled and len(self._made) >= MOST_SIZES:
                self._made = {}
            # of two threads that make the same at once, one sees its own thrown away
            made = self._made.setdefault(key, _Prediction(self, *key))
        if len(images) == 1:
            self._one[images.dtype] = made
        return made(images)


@dataclass(frozen=True)
class PredictionRecipe:
    """All that the code of a prediction depends on.

    Attributes:
        network: its loss is of no account.
        kind: float or double, in which everything is computed.
        source: LLVM's type of the images' numbers.
        scale: the normalisation's factor; None if images are not normalised.
        tile: images that a pass takes at once.
    """

    network: Network
    kind: str
    source: str
    scale: float | None
    tile: int

    def description(self) -> Document | None:
        network = network_described(self.network)
        if network is None:
            return None
        return {"prediction": network, **{n: getattr(self, n) for n in ("kind", "source", "scale", "tile")}}

    def plan(self) -> PassPlan:
        """The forward pass of one tile."""
        return prediction_plan(self.network, self.tile, self.scale, host().unit(self.kind))

    def make(self) -> tuple[Layout, Module]:
        plan = self.plan()
        module = Module(self.kind)
        plan.emit(module)
        image = plan.tensors[INPUT if self.scale is None else IMAGE]
        module.functions += [
            barrier(),
            gather([Feed("images", self.source, image)], self.kind),
            scatter(Feed("out", self.kind, plan.tensors[self.network.output]), self.kind),
            inference_worker(self.kind, self.tile),
        ]
        return Layout.of(plan), module


class _Prediction:
    """Code for images of one type and for tiles of one size."""

    def __init__(self, owner: CompiledPredictor, source: str, tile: int) -> None:
        network, self.dtype = owner.network, owner.dtype
        self.threads = 1 if tile == 1 or owner.coupled else owner.threads
        self.shape = network.output_shape
        scale = input_scale(owner.scaling, source)
        layout, self._code = obtained(PredictionRecipe(network, kind_of(self.dtype), source, scale, tile))
        tensors, sizes = layout.tensors, layout.sizes
        self._predict = self._code.function("predict", ctypes.c_void_p, ctypes.c_int64)
        self._parameters = aligned(max(sizes["parameters"], 1), self.dtype)
        self._scalars = aligned(ROW, self.dtype)
        self._stride = -(-sizes["arena"] // CHUNK) * CHUNK + CHUNK
        # each call takes what it works on from here and puts it back: calls may overlap
        self._idle: deque[_Workspace] = deque([self._workspace()])
        for name, value in owner.parameters.items():
            tensors[name].view(self._parameters)[...] = value.reshape(tensors[name].shape)
        if owner.scaling is not None:
            for name, numbers in ((AVERAGE, owner.scaling.mean), (DEVIATION, owner.scaling.deviation)):
                tensors[name].view(self._parameters)[...] = numbers
        prepare = self._code.function("prepare", ctypes.c_void_p, ctypes.c_int64)
        prepare(self._idle[0].context.ctypes.data, 0)

    def _workspace(self) -> _Workspace:
        arenas = aligned(self.threads * self._stride, self.dtype)
        control, context = np.zeros(CONTROL_SIZE, np.int64), np.zeros(len(FIELDS), np.int64)
        numbers = {
            "scalars": self._scalars.ctypes.data, "parameters": self._parameters.ctypes.data,
            "control": control.ctypes.data, "arenas": arenas.ctypes.data,
            "arena_bytes": self._stride * self.dtype.itemsize,
        }  # fmt: skip
        for name, number in numbers.items():
            context[FIELDS.index(name)] = number
        return _Workspace(context, control, arenas)

    def __call__(self, images: Array) -> Array:
        try:
            space = self._idle.pop()
        except IndexError:
            space = self._workspace()
        out = np.empty((len(images), *self.shape), self.dtype)
        order = FIRST if len(images) == 1 else np.arange(len(images))
        threads = min(self.threads, len(images))
        space.point(images, order, out)
        work = partial(self._work, space, (images, order, out))
        if len(images) <= SHORT:
            run_beside(work, threads)
        else:
            run_together(work, threads, space.stop)
        self._idle.append(space)
        return out

    def single(self, images: Array) -> Array:
        """The same for one image, with nothing done twice: microseconds count here.

        The image is copied to a place whose address is known: to ask an array for its own takes longer.
        """
        try:
            space = self._idle.pop()
        except IndexError:
            space = self._workspace()
        one = space.one
        if one is None:
            one = _One(np.empty(images.shape, images.dtype), np.empty((1, *self.shape), self.dtype))
            space.point(one.image, FIRST, one.output)
            space.one, space.address = one, space.context.ctypes.data
        one.image[...] = images
        space.control[TAKEN] = 0
        self._predict(space.address, 0)
        output = one.output.copy()
        self._idle.append(space)
        return output

    def _work(self, space: _Workspace, _held: tuple[Array, ...], thread: int) -> None:
        """One thread; it holds the arrays of which the context has only addresses."""
        self._predict(space.context.ctypes.data, thread)


class _One(NamedTuple):
    """A place for an image (1, C, H, W), and one for its outputs."""

    image: Array
    output: Array


@dataclass(eq=False)
class _Workspace:
    """What one call works on: the table of addresses, the block in which it is asked to stop, and memory.

    One that serves single images has a place for them too, and knows its table's address.
    """

    context: Array
    control: Array
    arenas: Array
    one: _One | None = None
    address: int = 0

    def point(self, images: Array, order: Array, out: Array) -> None:
        """At the images of a call."""
        self.one = None
        self.control[:] = 0
        self.context[PLACES] = images.ctypes.data, order.ctypes.data, len(order), out.ctypes.data

    def stop(self) -> None:
        self.control[STOP] = 1
