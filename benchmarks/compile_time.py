"""How long a training step takes to compile: from nothing, and from the cache on disk."""

from __future__ import annotations

import sys
import tempfile

from benchmarks.measure.process import caching, finished
from benchmarks.measure.report import Report
from benchmarks.measure.rounds import Timing
from benchmarks.measure.setting import asked, require

# Seconds at most.
COLD, WARM = 1.5, 0.08
TRIES, QUICK_TRIES = 7, 2
QUESTION = """\
How long does the compiled engine take to make a training step of 64 images ready, from the network's
equations to machine code? Each try is a process of its own, timed inside and without its imports: one with
an empty cache of compiled code, then one that finds the code there. Medians, with half the distance
between the quartiles."""


def main() -> int:
    """Measure, write the table, and return the number of networks that took too long."""
    setting = asked(__doc__)
    require()
    report, rows, slow = Report("compile_time", setting), [], 0
    for network in setting.networks:
        cold, warm = tried(network, QUICK_TRIES if setting.quick else TRIES)
        slow += cold.median > COLD or warm.median > WARM
        rows.append([network, _milliseconds(cold), _milliseconds(warm)])
    report.write(
        "Time to compile a training step",
        QUESTION,
        {"Asked for": f"{1e3 * COLD:.0f} ms and {1e3 * WARM:.0f} ms", "Networks that took too long": slow},
        ["network", "from nothing, ms", "from the cache, ms"],
        rows,
    )
    return slow


def tried(network: str, tries: int) -> tuple[Timing, Timing]:
    """Seconds with an empty cache, and with a full one."""
    cold, warm = [], []
    for _ in range(tries):
        with tempfile.TemporaryDirectory() as cache:
            for readings in (cold, warm):
                done = finished(["-m", "benchmarks.programs.make_trainer", network], caching(cache))
                readings.append(float(done.output))
    return Timing(tuple(cold)), Timing(tuple(warm))


def _milliseconds(timing: Timing) -> str:
    return f"{1e3 * timing.median:,.0f} ± {timing.spread:.0%}"


if __name__ == "__main__":
    sys.exit(main() > 0)
