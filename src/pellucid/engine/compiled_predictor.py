"""Prediction in machine code: whole data sets in one call a thread, single images in microseconds."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.compiler.driver import FIELDS, Feed, barrier, gather, inference_worker, scatter
from pellucid.compiler.emit import Module
from pellucid.compiler.machine import aligned, host
from pellucid.compiler.plan import CHUNK, PassPlan
from pellucid.engine.compiled_code import Document, Layout, kind_of, network_described, obtained
from pellucid.engine.compiled_plan import (
    AVERAGE,
    DEVIATION,
    IMAGE,
    input_scale,
    prediction_plan,
    source_of,
    source_type,
    tile_size,
)
from pellucid.engine.interface import Scaling
from pellucid.errors import UsageError
from pellucid.network import INPUT, Network

__all__ = ["CompiledPredictor", "PredictionRecipe"]

Array = NDArray[Any]


class CompiledPredictor:
    """A network with fixed parameters as a function of images."""

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
        self._made: dict[tuple[str, bool], _Prediction] = {}

    def __call__(self, images: Array) -> Array:
        """Outputs (N, ...) of images (N, C, H, W) or (N, features), as they lie in a file."""
        if images.shape[1:] != self.network.input_shape:
            wanted, given = self.network.input_shape, images.shape[1:]
            raise UsageError(f"{self.network.name} takes inputs of the shape {wanted}, not {given}")
        images = source_of(images, scaled=self.scaling is not None)
        source = source_type(images.dtype)
        key = (source, len(images) == 1)
        if key not in self._made:
            self._made[key] = _Prediction(self, source, single=len(images) == 1)
        return self._made[key](images)


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
    """Code for images of one type, for one image at a time or for many."""

    def __init__(self, owner: CompiledPredictor, source: str, *, single: bool) -> None:
        network, self.dtype = owner.network, owner.dtype
        tile = 1 if single else tile_size(network, 64, self.dtype.itemsize)
        self.threads = 1 if single else owner.threads
        self.shape = network.output_shape
        scale = input_scale(owner.scaling, source)
        layout, self._code = obtained(PredictionRecipe(network, kind_of(self.dtype), source, scale, tile))
        tensors, sizes = layout.tensors, layout.sizes
        self._predict = self._code.function("predict", ctypes.c_void_p, ctypes.c_int64)
        self._parameters = aligned(max(sizes["parameters"], 1), self.dtype)
        stride = -(-sizes["arena"] // CHUNK) * CHUNK + CHUNK
        self._arenas = aligned(self.threads * stride, self.dtype)
        self._scalars = aligned(16, self.dtype)
        self._control = np.zeros(16, np.int64)
        for name, value in owner.parameters.items():
            tensors[name].view(self._parameters)[...] = value.reshape(tensors[name].shape)
        if owner.scaling is not None:
            for name, numbers in ((AVERAGE, owner.scaling.mean), (DEVIATION, owner.scaling.deviation)):
                tensors[name].view(self._parameters)[...] = numbers
        self._fixed = {
            "scalars": self._scalars.ctypes.data, "parameters": self._parameters.ctypes.data,
            "control": self._control.ctypes.data, "arenas": self._arenas.ctypes.data,
            "arena_bytes": stride * self.dtype.itemsize,
        }  # fmt: skip
        self._single = np.zeros(1, np.int64)
        prepare = self._code.function("prepare", ctypes.c_void_p, ctypes.c_int64)
        prepare(self._context(np.zeros(1), self._single, np.zeros(1), 1).ctypes.data, 0)

    def _context(self, images: Array, order: Array, out: Array, threads: int) -> Array:
        numbers = {
            **self._fixed, "images": images.ctypes.data, "order": order.ctypes.data, "total": len(order),
            "threads": threads, "out": out.ctypes.data,
        }  # fmt: skip
        return np.array([numbers.get(f, 0) for f in FIELDS], np.int64)

    def __call__(self, images: Array) -> Array:
        out = np.empty((len(images), *self.shape), self.dtype)
        if not len(images):
            return out
        order = self._single if len(images) == 1 else np.arange(len(images))
        threads = min(self.threads, len(images))
        context = self._context(images, order, out, threads)
        if threads == 1:
            self._predict(context.ctypes.data, 0)
            return out
        workers = [
            threading.Thread(target=self._predict, args=(context.ctypes.data, t)) for t in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return out
