"""The compiled engine: the same equations as machine code made for this network and this processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid.engine.checks import checked_threads
from pellucid.engine.compiled_executor import CompiledExecutor
from pellucid.engine.compiled_predictor import CompiledPredictor
from pellucid.engine.compiled_trainer import CompiledTrainer
from pellucid.engine.interface import Predictor, Scaling, Task, Trainer
from pellucid.engine.processors import threads_by_default
from pellucid.engine.run import Run
from pellucid.engine.running import run
from pellucid.network import Network

__all__ = ["CompiledEngine"]

Array = NDArray[Any]


class CompiledEngine:
    """Native code through LLVM; what it cannot compile, it says in one sentence."""

    name = "compiled"

    def run(
        self, network: Network, x: object, y: object = None, parameters: Mapping[str, Array] | None = None, *,
        upstream: Mapping[str, Array] | None = None, sample_weight: object = None,
        dtype: DTypeLike = np.float32, training: bool = False, seed: int = 0, step: int = 0,
    ) -> Run:  # fmt: skip
        return run(
            network, x, y, parameters, upstream=upstream, sample_weight=sample_weight,
            dtype=dtype, training=training, seed=seed, step=step, passes=CompiledExecutor,
        )  # fmt: skip

    def trainer(self, task: Task) -> Trainer:
        return CompiledTrainer(task, task.threads or threads_by_default())

    def predictor(
        self, network: Network, parameters: Mapping[str, Array], normalisation: Scaling | None = None,
        dtype: DTypeLike = np.float32, threads: int | None = None,
    ) -> Predictor:  # fmt: skip
        used = checked_threads(threads) or threads_by_default()
        return CompiledPredictor(network, parameters, normalisation, dtype, used)
