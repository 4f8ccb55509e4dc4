"""How much memory a training on MNIST takes, as a whole process."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure.images import located
from benchmarks.measure.process import finished
from benchmarks.measure.report import Report
from benchmarks.measure.setting import THREADS, asked, require

NETWORKS = ("mnist-one-conv", "mnist-maxpool", "mnist-avgpool")
BATCHES = (64, 512)
MOST = 400e6
QUESTION = """\
How much memory does `pellucid train` hold at its peak, when it reads MNIST, trains for one epoch and
evaluates? The largest resident set of the whole process, Python and all libraries included."""


def main() -> int:
    """Train, write the table, and return the number of trainings that took too much."""
    setting = asked(__doc__, networks=NETWORKS, batches=BATCHES)
    require()
    located("mnist")
    report, rows, short = Report("memory", setting), [], 0
    for network in setting.networks:
        for batch in setting.batches:
            peak = trained(network, batch)
            short += peak > MOST
            rows.append([network, batch, f"{peak / 1e6:.0f}", f"{MOST / 1e6:.0f}"])
    columns = ["network", "batch", "megabytes", "at most"]
    report.write("Memory of a training on MNIST", QUESTION, {"Took too much": short}, columns, rows)
    return short


def trained(network: str, batch: int) -> int:
    """Bytes at the peak."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            "-m", "pellucid", "train", "--quiet", "--net", network, "--data", "mnist", "--engine", "compiled",
            "--threads", str(THREADS), "--epochs", "1", "--batch-size", str(batch),
            "--out", str(Path(folder) / "model.safetensors"),
        ]  # fmt: skip
        return finished(arguments).peak_bytes


if __name__ == "__main__":
    sys.exit(main() > 0)
