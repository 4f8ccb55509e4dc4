"""Layers of one's own, compiled: how many times as fast as the same equations in NumPy."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from benchmarks.measure.report import Report, disturbed
from benchmarks.measure.rounds import in_turns
from benchmarks.measure.setting import THREADS, asked, require
from pellucid import engine, random
from pellucid.engine import Task
from pellucid.layers import FormulaLayer, MeanSquaredError, Parameter
from pellucid.network import Network
from pellucid.training.optimiser import SGD
from tests.engine.custom_layers import CUSTOM, Custom

BATCH, WANTED = 64, 3.0
QUESTION = """\
How long does a training step on 64 images take, float32, with the compiled engine and with NumPy? Forward and
backward pass of one layer that is nothing but its equations, between a scale that is trained, so that the
gradient goes all the way down, and the squared error. The compiled engine is to be three times as fast."""


def main() -> int:
    """Measure, write the table, and return how many layers are not fast enough."""
    setting = asked(__doc__)
    require()
    report, rows, short, readings = Report("formula_layers", setting), [], 0, 0
    for name, custom in CUSTOM.items():
        sides = {kind: steps(custom, kind) for kind in ("compiled", "numpy")}
        found = in_turns(sides, setting.rounds, setting.seconds)
        times = found["numpy"].median / found["compiled"].median
        short += times < WANTED
        readings += disturbed(found)
        shape = " x ".join(map(str, custom.large))
        rows.append([
            name, shape, *(f"{1e6 * t.median:,.0f} ± {t.spread:.0%}" for t in found.values()), f"{times:.1f}"
        ])  # fmt: skip
        print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    report.write(
        "Layers of one's own",
        QUESTION,
        {"Less than three times as fast": short, "Disturbed readings": readings},
        ["layer", "image", "compiled, µs", "NumPy, µs", "times as fast"],
        rows,
    )
    return short


def steps(custom: Custom, kind: str) -> Callable[[int], object]:
    """A function that does so many training steps with one engine."""
    layer = custom.larger or custom.layer
    scale = FormulaLayer("y[...] = a * x[...]", parameters={"a": Parameter((), 1.0)})
    network = Network([scale, layer], custom.large, MeanSquaredError())
    images = random.normal(random.key(5, "images"), (BATCH, *custom.large)).astype(np.float32)
    targets = random.normal(random.key(5, "targets"), (BATCH, *network.output_shape)).astype(np.float32)
    task = Task(
        network, images, targets, network.initial_parameters(3), SGD().update, batch_size=BATCH,
        threads=THREADS,
    )  # fmt: skip
    trainer = engine.get(kind).trainer(task)
    return lambda count: trainer.run(np.tile(np.arange(BATCH), count), 0, np.full(count, 1e-4))


if __name__ == "__main__":
    sys.exit(main() > 0)
