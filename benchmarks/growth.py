"""How the time of a training step grows with images, channels and pixels: a table and a plot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure.report import Report
from benchmarks.measure.rounds import in_turns
from benchmarks.measure.setting import asked, require
from benchmarks.sides.pellucid_side import trainer
from benchmarks.sides.problem import Problem, problem
from pellucid.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU, SoftmaxCrossEntropy
from pellucid.network import Network

BATCH, SIDE, FILTERS = 64, 32, 16
QUESTION = """\
Does a training step's time grow linearly? A convolution of 3 by 3, ReLU, a max-pool, a second convolution,
ReLU and a dense layer, of which one size changes at a time; the others are 64 images, 16 channels in every
convolution's output, and images of 3 by 32 by 32. The power is the exponent p of a curve time ~ size**p
through the points in the upper half; 1 is linear, less is better."""


@dataclass(frozen=True)
class Axis:
    """One size that grows.

    Attributes:
        name: of the size.
        values: that it takes.
        problem: for a value.
    """

    name: str
    values: tuple[int, ...]
    problem: Callable[[int], Problem]


def network(filters: int = FILTERS, side: int = SIDE) -> Network:
    """The network with this many channels, for square images of this many pixels a side."""
    second = Conv2D(FILTERS, 3, padding=1)
    layers = [Conv2D(filters, 3, padding=1), ReLU(), MaxPool2D(2), second, ReLU(), Flatten(), Dense(10)]
    return Network(layers, (3, side, side), SoftmaxCrossEntropy())


AXES = (
    Axis("images", (16, 32, 64, 128, 256, 512, 1024), lambda n: problem(network(), n, 1024)),
    Axis("channels", (8, 16, 32, 64, 128), lambda n: problem(network(filters=n), BATCH, 256)),
    Axis(
        "pixels",
        (16**2, 24**2, 32**2, 48**2, 64**2, 96**2, 128**2),
        lambda n: problem(network(side=round(n**0.5)), BATCH, 128),
    ),
)


def main() -> int:
    """Measure, write the table and the plot."""
    setting = asked(__doc__)
    require("matplotlib")
    report, rows, curves = Report("growth", setting), [], {}
    for axis in AXES:
        values = axis.values[:3] if setting.quick else axis.values
        sides = {str(n): trainer(axis.problem(n)) for n in values}
        found = in_turns(sides, setting.rounds, setting.seconds)
        milliseconds = [1e3 * found[str(n)].median for n in values]
        curves[axis.name] = (values, milliseconds)
        power = exponent(values, milliseconds)
        for n, time in zip(values, milliseconds, strict=True):
            rows.append([axis.name, n, f"{time:.3f}", f"{1e3 * time / n:.3f}", f"{power:.2f}"])
    path = report.write(
        "Growth of a training step", QUESTION, {}, ["size", "value", "ms a step", "µs / value", "power"], rows
    )
    picture = path.with_suffix(".svg")
    plot(curves, picture)
    with path.open("a", encoding="utf-8") as page:
        page.write(f"\n![Milliseconds a step against images, channels and pixels]({picture.name})\n")
    return 0


def exponent(values: tuple[int, ...], times: list[float]) -> float:
    """The slope of the upper half of the points in logarithms.

    >>> round(exponent((1, 2, 4, 8), [5.0, 6.0, 12.0, 24.0]), 3)
    1.0
    """
    half = len(values) // 2
    return float(np.polyfit(np.log(values[half - 1 :]), np.log(times[half - 1 :]), 1)[0])


def plot(curves: dict[str, tuple[tuple[int, ...], list[float]]], path: Path) -> None:
    """The curves beside each other, each with the straight line through 0 and its last point."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, len(curves), figsize=(11, 3.4), layout="constrained")
    for place, (name, (values, times)) in zip(places, curves.items(), strict=True):
        place.plot([0, values[-1]], [0, times[-1]], color="0.8", linewidth=1, label="linear")
        place.plot(values, times, "o-", color="#1f5fa8", markersize=4, label="measured")
        place.set(xlabel=name, ylabel="milliseconds a step", xlim=(0, None), ylim=(0, None))
        place.locator_params(axis="x", nbins=4)
        place.spines[["top", "right"]].set_visible(False)
    places[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
