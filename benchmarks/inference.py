"""The seed networks on single images and on batches: latency and images a second of every side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.measure.floor import inference_floor
from benchmarks.measure.peak import peak
from benchmarks.measure.report import Report, disturbed, rate, ratio
from benchmarks.measure.rounds import Timing, in_turns
from benchmarks.measure.setting import THREADS, Setting, asked, require
from benchmarks.sides.problem import Array, Problem, problem
from pellucid import zoo

BATCHES = (1, 512)
# The ratio to the fastest of PyTorch and JAX that is asked for.
WANTED = {
    "cifar-two-conv": (3, 3),
    "mnist-one-conv": (5, 3),
    "mnist-maxpool": (5, 6),
    "mnist-avgpool": (5, 6),
}
OURS, RUNTIME = "pellucid", "onnxruntime"
QUESTION = """\
How long does a single image take, and how many images a second does a call with 512 of them take in,
float32? Each figure is the median of the turns, with half the distance between the quartiles; a call is
timed from Python to Python. Every side has the same parameters and images, and their outputs were equal.
PyTorch runs in inference mode. The ratio is to the fastest of PyTorch and JAX; that to ONNX Runtime stands
beside it."""


def main() -> int:
    """Measure everything, write the table, and return the number of ratios that fell short."""
    setting = asked(__doc__, batches=BATCHES)
    require("torch", "jax", "onnx", "onnxruntime")
    from benchmarks.sides import jax_side, onnx_side, pellucid_side, torch_side

    report = Report("inference", setting)
    makers = {**pellucid_side.INFERENCE, **torch_side.INFERENCE, **jax_side.INFERENCE, **onnx_side.INFERENCE}
    makers = {name: make for name, make in makers.items() if name not in setting.without}
    rows, short, busy = [], 0, 0
    for network in setting.networks:
        for batch in setting.batches:
            most = peak(THREADS if batch > 1 else 1)
            found = measured(problem(network, batch), makers, setting)
            busy += disturbed(found)
            rows.append(row(network, batch, found, most))
            short += float(rows[-1][-4]) < float(rows[-1][-3])
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    report.write(
        "Inference",
        QUESTION,
        {"Readings that other programs disturbed": busy, "Ratios that fell short": short},
        [
            "network", "batch", *makers, "ratio", "asked for", "ratio to ONNX Runtime",
            "our share of the peak of the threads in use",
        ],
        rows,
    )  # fmt: skip
    return short


def row(network: str, batch: int, found: Mapping[str, Timing], most: float) -> list[object]:
    """A line of the table; `most` is the peak in multiply-adds a second."""
    ours = found[OURS]
    peers = [timing for name, timing in found.items() if name not in (OURS, RUNTIME)]
    wanted = dict(zip(BATCHES, WANTED[network], strict=True)).get(batch, 1)
    share = batch * inference_floor(zoo.load(network)) / ours.median / most
    return [
        network, batch, *(_figure(timing, batch) for timing in found.values()), ratio(ours, peers), wanted,
        ratio(ours, [timing for name, timing in found.items() if name == RUNTIME]), f"{share:.0%}",
    ]  # fmt: skip


def measured(
    given: Problem, makers: Mapping[str, Callable[[Problem], Callable[[int], Array]]], setting: Setting
) -> dict[str, Timing]:
    """The time of one call of each side, which all compute the same."""
    sides = {name: make(given) for name, make in makers.items()}
    outputs = {name: side(1) for name, side in sides.items()}
    first = next(iter(outputs.values()))
    for name, found in outputs.items():
        if not np.allclose(found, first, rtol=1e-4, atol=1e-4 * float(np.abs(first).max())):
            raise SystemExit(f"{name} does not compute the same as the others: {found[0]}, not {first[0]}")
    return in_turns(sides, setting.rounds, setting.seconds)


def _figure(timing: Timing, batch: int) -> str:
    if batch == 1:
        return f"{1e6 * timing.median:,.1f} µs ± {timing.spread:.0%}"
    return f"{rate(timing, batch)} images/s"


if __name__ == "__main__":
    sys.exit(main() > 0)
