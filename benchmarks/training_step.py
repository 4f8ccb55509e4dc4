"""Whole training steps, forward, backward and update, of the seed networks: images a second of every side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.measure.floor import training_floor
from benchmarks.measure.peak import peak
from benchmarks.measure.report import Report, disturbed, rate, ratio
from benchmarks.measure.rounds import Timing, in_turns
from benchmarks.measure.setting import THREADS, Setting, asked, require
from benchmarks.sides.problem import Problem, problem
from pellucid import zoo

BATCHES = (1, 64, 512)
# The ratio to the fastest peer that is asked for.
WANTED = {
    "cifar-two-conv": (5, 3.5, 3.5),
    "mnist-one-conv": (8, 5, 3),
    "mnist-maxpool": (10, 8, 6),
    "mnist-avgpool": (12, 6, 5),
}
# Sides that the ratio is not to.
OURS, BESIDE = "pellucid", ("pellucid", "pellucid, bytes", "jax, scan")
STEPS = 3  # after which the losses of all sides must agree
QUESTION = """\
How many images a second does a training step take in, with the mean cross-entropy, plain SGD and float32?
Each figure is the median of the turns, with half the distance between the quartiles. Every side has the
same images in the same order and begins with the same parameters; after three steps their losses were
equal. The other sides' batches lie ready in memory, in the layout that the side likes best; pellucid
gathers each batch from the whole set within the time that is measured (`bytes`: as uint8, which it also
normalises). The ratio is to the fastest of PyTorch and JAX with one call a step. JAX with all steps in one
call (`scan`) is shown beside them. The peak is that of fused multiply-adds on full vectors, measured
before each row; the share counts the multiply-adds of the equations."""


def main() -> int:
    """Measure everything, write the table, and return the number of ratios that fell short."""
    setting = asked(__doc__, batches=BATCHES)
    require("torch", "jax")
    from benchmarks.sides import jax_side, pellucid_side, torch_side

    report = Report("training_step", setting)
    makers = {**pellucid_side.TRAINING, **torch_side.TRAINING, **jax_side.TRAINING}
    makers = {name: make for name, make in makers.items() if name not in setting.without}
    rows, peaks, short, busy = [], [], 0, 0
    for network in setting.networks:
        for batch in setting.batches:
            peaks.append((peak(1), peak(THREADS)))
            found = measured(problem(network, batch), makers, setting)
            busy += disturbed(found)
            rows.append(row(network, batch, found, peaks[-1][1]))
            short += float(rows[-1][-4]) < float(rows[-1][-3])
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    one, both = (2e-9 * np.median([p[i] for p in peaks]) for i in (0, 1))
    report.write(
        "Training steps",
        QUESTION,
        {
            "Peak on one thread": f"{one:.0f} GFLOP/s",
            f"Peak on {THREADS} threads": f"{both:.0f} GFLOP/s",
            "Readings that other programs disturbed": busy,
            "Ratios that fell short": short,
        },
        ["network", "batch", *makers, "ratio", "asked for", "images/s at the peak", "our share of the peak"],
        rows,
    )
    return short


def row(network: str, batch: int, found: Mapping[str, Timing], most: float) -> list[object]:
    """A line of the table; `most` is the peak in multiply-adds a second."""
    ours, floor = found[OURS], training_floor(zoo.load(network))
    peers = [timing for name, timing in found.items() if name not in BESIDE]
    wanted = dict(zip(BATCHES, WANTED[network], strict=True)).get(batch, 1)
    return [
        network, batch, *(rate(timing, batch) for timing in found.values()), ratio(ours, peers), wanted,
        f"{most / floor:,.0f}", f"{batch * floor / ours.median / most:.0%}",
    ]  # fmt: skip


def measured(
    given: Problem, makers: Mapping[str, Callable[[Problem], Callable[[int], float]]], setting: Setting
) -> dict[str, Timing]:
    """The time of one step of each side, which all compute the same."""
    sides = {name: make(given) for name, make in makers.items()}
    losses = {name: side(STEPS) for name, side in sides.items() if "bytes" not in name}
    if not np.allclose(list(losses.values()), next(iter(losses.values())), rtol=1e-4):
        raise SystemExit(f"the sides do not compute the same: losses {losses}")
    return in_turns(sides, setting.rounds, setting.seconds)


if __name__ == "__main__":
    sys.exit(main() > 0)
