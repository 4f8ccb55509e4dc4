"""cifar-two-conv on the CIFAR-10 archive: accuracy and training time, three seeds a side."""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.measure.images import located
from benchmarks.measure.report import Report
from benchmarks.measure.setting import THREADS, asked, require
from benchmarks.sides.problem import Problem, problem
from pellucid import zoo
from pellucid.data import ImageSet, Splits, load
from pellucid.training import train

NETWORK = "cifar-two-conv"
EPOCHS, BATCH, RATE, SEEDS = 10, 64, 0.001, 3
# Accuracy may differ by so much, and training may take at most so much of PyTorch's time.
NEAR, SHARE = 0.015, 1 / 3
QUESTION = """\
Does the compiled engine learn as well as PyTorch, and how much faster? Both sides: the same initial
values, 10 epochs of Adam at a rate of 0.001 that falls as a cosine, 64 images a step, pixels normalised by
channel; each draws its own order of the images. The archive was read once for both. Time is that of the
training alone: for pellucid with compiling, for PyTorch without, and in the layout that a trial of each
found to be its fastest."""


def main() -> int:
    """Train, write the table, and return the number of demands that were not met."""
    setting = asked(__doc__, networks=(NETWORK,))
    require("torch")
    located("cifar10")
    from benchmarks.sides import torch_training

    report = Report("cifar", setting)
    splits = load("cifar10")
    assert splits.test is not None
    epochs, seeds = (1, 1) if setting.quick else (EPOCHS, SEEDS)
    recipe = torch_training.Recipe(epochs, BATCH, RATE)
    way = torch_training.fastest_layout(problem(NETWORK, BATCH))
    theirs = f"torch, {way}"
    results: dict[str, list[tuple[float, float]]] = {"pellucid": [], theirs: []}
    for seed in range(seeds):
        results["pellucid"].append(ours(splits, epochs, seed))
        results[theirs].append(
            torch_training.trained(given(splits.train, seed), splits.test, recipe, seed, way)
        )
    (mine, right), (other, reference) = (np.mean(r, axis=0) for r in results.values())
    short = int(abs(right - reference) > NEAR) + int(mine > SHARE * other)
    report.write(
        "cifar-two-conv on CIFAR-10",
        QUESTION,
        {
            "Epochs": epochs,
            "Accuracies differ by": f"{100 * (right - reference):+.2f} points; at most {100 * NEAR} wanted",
            "Share of PyTorch's time": f"{mine / other:.2f}; at most {SHARE:.2f} wanted",
            "Demands that were not met": short,
        },
        ["side", "mean accuracy", "of each seed", "mean seconds", "of each seed"],
        [[name, *_columns(found)] for name, found in results.items()],
    )
    return short


def ours(splits: Splits, epochs: int, seed: int) -> tuple[float, float]:
    """Seconds of the training, and the accuracy on the test images."""
    began = time.perf_counter()
    model = train(
        zoo.load(NETWORK), splits.train, epochs=epochs, batch_size=BATCH, lr=RATE, seed=seed,
        engine="compiled", threads=THREADS, progress=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    assert splits.test is not None
    accuracy = model.evaluate(splits.test.images, splits.test.labels).accuracy
    assert accuracy is not None
    return seconds, accuracy


def given(images: ImageSet, seed: int) -> Problem:
    """The images and initial values for the other side."""
    network, order = zoo.load(NETWORK), np.arange(len(images))
    return Problem(network, network.initial_parameters(seed), images.images, images.labels, order, BATCH)


def _columns(found: list[tuple[float, float]]) -> list[str]:
    seconds, accuracies = zip(*found, strict=True)
    return [
        f"{np.mean(accuracies):.2%}", ", ".join(f"{a:.2%}" for a in accuracies),
        f"{np.mean(seconds):.1f}", ", ".join(f"{s:.1f}" for s in seconds),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(bool(main()))
