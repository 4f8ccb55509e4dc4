"""The seed networks trained on real images through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from evidence import table
from pellucid import engine
from pellucid.data import ImageSet, Splits, load

THREADS = 2


@dataclass(frozen=True)
class Run:
    """What is trained on what, how, and what has to come out."""

    network: str
    data: str
    options: Sequence[str]
    accuracy: float  # at least, of the test images
    seconds: float = float("inf")  # at most, an epoch


RUNS = (
    Run("mnist-maxpool", "mnist", ("--epochs", "5"), accuracy=0.98, seconds=60.0),
    Run("mnist-avgpool", "mnist", ("--epochs", "5"), accuracy=0.98),
    Run("mnist-one-conv", "mnist", ("--epochs", "5"), accuracy=0.973),
    Run("cifar-two-conv", "cifar10", ("--epochs", "1"), accuracy=0.5),
)
COLOUR = Run("default", "64 x 64 colour folder", ("--epochs", "4"), accuracy=0.6)


def main() -> int:
    """Train everything, write the table, and return the number of networks that fell short."""
    with tempfile.TemporaryDirectory() as folder:
        results = [(run, trained(run, run.data, Path(folder))) for run in RUNS]
        images = Path(folder) / "images"
        colour_folder(load("cifar10"), images)
        results.append((COLOUR, trained(COLOUR, str(images), Path(folder))))
    short = [run for run, found in results if found[0] < run.accuracy or found[1] > run.seconds]
    table.write(
        "mnist_accuracy",
        "Real images through the command line",
        question="Do the seed networks reach the accuracy that is asked of them, with the default recipe? "
        f"Each row is one `pellucid train --threads {THREADS}`; the accuracy is that of the held-out images.",
        counts={"Engine": engine.get().name, "Networks": len(results), "Fell short": len(short)},
        columns=[
            "network",
            "images",
            "options",
            "test accuracy",
            "asked for",
            "slowest epoch, s",
            "most images/s",
        ],
        rows=[
            [
                run.network,
                run.data,
                " ".join(run.options),
                f"{accuracy:.2%}",
                f"{run.accuracy:.1%}",
                slowest,
                round(speed),
            ]
            for run, (accuracy, slowest, speed) in results
        ],
    )
    return len(short)


def trained(run: Run, data: str, folder: Path) -> tuple[float, float, float]:
    """Test accuracy, seconds of the slowest epoch, and images a second of the fastest one."""
    out = folder / f"{run.network}.safetensors"
    command = [
        sys.executable, "-m", "pellucid", "train", "--json", "--net", run.network, "--data", data,
        "--threads", str(THREADS), "--out", str(out), *run.options,
    ]  # fmt: skip
    environment = os.environ | {"OPENBLAS_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    epochs = [event for event in events if event["event"] == "epoch"]
    print(done.stdout, file=sys.stderr)
    return (
        events[-1]["test_accuracy"],
        max(epoch["seconds"] for epoch in epochs),
        max(epoch["images_per_second"] for epoch in epochs),
    )


def colour_folder(splits: Splits, folder: Path) -> None:
    """Three classes of CIFAR-10 enlarged, as a folder with folders train and test."""
    assert splits.test is not None
    for part, images, count in (("train", splits.train, 400), ("test", splits.test, 100)):
        for label in range(3):
            save_images(images, label, count, folder / part / images.classes[label])


def save_images(images: ImageSet, label: int, count: int, folder: Path) -> None:
    """The first images of a class, as PNG files."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images.images[images.labels == label][:count]):
        picture = Image.fromarray(image.transpose(1, 2, 0)).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:04}.png")


if __name__ == "__main__":
    sys.exit(main() > 0)
