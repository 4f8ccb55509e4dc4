"""Two threads over one: whole training steps of the compiled engine."""

from __future__ import annotations

import sys

from benchmarks.measure.report import Report, disturbed, rate
from benchmarks.measure.rounds import in_turns
from benchmarks.measure.setting import asked, require
from benchmarks.sides.pellucid_side import trainer
from benchmarks.sides.problem import problem

BATCHES = (64, 512)
COUNTS = (1, 2)
WANTED = 1.7
QUESTION = """\
How much faster is a training step on two threads than on one? Images a second: the median of the turns,
with half the distance between the quartiles."""


def main() -> int:
    """Measure, write the table, and return the number of ratios that fell short."""
    setting = asked(__doc__, batches=BATCHES)
    require()
    report, rows, short, busy = Report("threads", setting), [], 0, 0
    for network in setting.networks:
        for batch in setting.batches:
            given = problem(network, batch)
            sides = {str(n): trainer(given, n) for n in COUNTS}
            found = in_turns(sides, setting.rounds, setting.seconds)
            one, two = (found[str(n)] for n in COUNTS)
            ratio = one.median / two.median
            short, busy = short + (ratio < WANTED), busy + disturbed(found)
            rows.append([network, batch, rate(one, batch), rate(two, batch), f"{ratio:.2f}", WANTED])
    report.write(
        "Two threads over one",
        QUESTION,
        {"Readings that other programs disturbed": busy, "Ratios that fell short": short},
        ["network", "batch", "one thread", "two threads", "ratio", "asked for"],
        rows,
    )
    return short


if __name__ == "__main__":
    sys.exit(main() > 0)
