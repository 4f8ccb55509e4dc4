"""mnist-avgpool on MNIST as a whole process: import, compile, read, train, evaluate."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.measure.images import located
from benchmarks.measure.process import caching, finished
from benchmarks.measure.report import Report
from benchmarks.measure.rounds import Timing
from benchmarks.measure.setting import THREADS, asked, require

NETWORK = "mnist-avgpool"
EPOCHS, TRIES = 3, 5
# At most so much of PyTorch's time, with an empty and with a full cache of compiled code; accuracy at least.
COLD, WARM, ACCURATE = 1 / 3, 1 / 4, 0.98
RECIPE = ("--batch-size", "64", "--optimizer", "adam", "--lr", "0.003", "--schedule", "cosine")
COMPILED = "torch, compile"
TORCH = ("contiguous", "channels-last", "compile")
QUESTION = """\
How long does a program take that reads MNIST's gzip files, trains mnist-avgpool and evaluates it, from the
start of the process to its end? Both sides: the same number of epochs of Adam at a rate of 0.003 that
falls as a cosine, 64 images a step, two threads. pellucid is `pellucid train`, which also saves the model;
PyTorch's program is `benchmarks/programs/torch_mnist.py`. Medians over the seeds, with half the distance
between the quartiles. That with torch.compile, which is far behind, ran once."""

Run = Callable[[int], tuple[float, float]]


def main() -> int:
    """Run all programs in turn, write the table, and return the number of demands that were not met."""
    setting = asked(__doc__, networks=(NETWORK,))
    require("torch")
    folder = located("mnist")
    report = Report("whole_process", setting)
    epochs, tries = (1, 1) if setting.quick else (EPOCHS, TRIES)
    with tempfile.TemporaryDirectory() as kept:
        runs = programs(folder, epochs, Path(kept))
        runs = {name: run for name, run in runs.items() if name not in setting.without}
        runs["pellucid, full cache"](0)
        found = {name: [] for name in runs}
        for seed in range(tries):
            for name, run in runs.items():
                if seed == 0 or name != COMPILED:
                    found[name].append(run(seed))
    times = {name: Timing(tuple(seconds for seconds, _ in results)) for name, results in found.items()}
    peer = min(timing.median for name, timing in times.items() if name.startswith("torch"))
    wanted = {"pellucid, empty cache": COLD, "pellucid, full cache": WARM}
    rows, short = [], 0
    for name, timing in times.items():
        accuracies = [accuracy for _, accuracy in found[name]]
        share, most = timing.median / peer, wanted.get(name)
        short += (most is not None and share > most) + (np.mean(accuracies) < ACCURATE)
        rows.append([
            name, f"{timing.median:.2f} ± {timing.spread:.0%}", f"{share:.2f}", f"{most:.2f}" if most else "",
            f"{np.mean(accuracies):.2%}", f"{min(accuracies):.2%}",
        ])  # fmt: skip
    report.write(
        "A whole process on MNIST",
        QUESTION,
        {"Epochs": epochs, "Runs of each": tries, "Demands that were not met": short},
        ["program", "seconds", "share of PyTorch's best", "at most", "mean accuracy", "lowest accuracy"],
        rows,
    )
    return short


def programs(folder: Path, epochs: int, kept: Path) -> dict[str, Run]:
    """For each side a function from a seed to seconds and accuracy."""

    def ours(seed: int, cache: str) -> tuple[float, float]:
        arguments = [
            "-m", "pellucid", "train", "--json", "--net", NETWORK, "--data", str(folder),
            "--engine", "compiled", "--threads", str(THREADS), "--epochs", str(epochs), *RECIPE,
            "--seed", str(seed), "--out", str(kept / "model.safetensors"),
        ]  # fmt: skip
        done = finished(arguments, caching(cache))
        return done.seconds, json.loads(done.output.splitlines()[-1])["test_accuracy"]

    def cold(seed: int) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as cache:
            return ours(seed, cache)

    def theirs(how: str) -> Run:
        def run(seed: int) -> tuple[float, float]:
            arguments = ["-m", "benchmarks.programs.torch_mnist", str(folder), str(epochs), str(seed), how]
            done = finished(arguments)
            return done.seconds, float(done.output)

        return run

    mine: dict[str, Run] = {
        "pellucid, empty cache": cold,
        "pellucid, full cache": lambda seed: ours(seed, str(kept / "cache")),
    }
    return mine | {f"torch, {how}": theirs(how) for how in TORCH}


if __name__ == "__main__":
    sys.exit(bool(main()))
