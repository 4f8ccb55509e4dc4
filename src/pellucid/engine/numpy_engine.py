"""The reference engine: the equations evaluated with NumPy, in float32 or float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.forward import NumpyPredictor
from pellucid.engine.interface import Predictor, Scaling, Task, Trainer
from pellucid.engine.numpy_trainer import NumpyTrainer
from pellucid.engine.run import Run
from pellucid.engine.running import run
from pellucid.network import Network

__all__ = ["NumpyEngine"]

Array = NDArray[Any]


class NumpyEngine:
    """Serves on every machine."""

    name = "numpy"

    def run(
        self, network: Network, x: object, y: object = None, parameters: Mapping[str, Array] | None = None, *,
        upstream: Mapping[str, Array] | None = None, sample_weight: object = None,
        dtype: DTypeLike = np.float32, training: bool = False, seed: int = 0, step: int = 0,
    ) -> Run:  # fmt: skip
        return run(
            network, x, y, parameters, upstream=upstream, sample_weight=sample_weight,
            dtype=dtype, training=training, seed=seed, step=step,
        )  # fmt: skip

    def trainer(self, task: Task) -> Trainer:
        return NumpyTrainer(task)

    def predictor(
        self, network: Network, parameters: Mapping[str, Array], normalisation: Scaling | None = None,
        dtype: DTypeLike = np.float32, threads: int | None = None,
    ) -> Predictor:  # fmt: skip
        return NumpyPredictor(network, parameters, normalisation, dtype, threads)
