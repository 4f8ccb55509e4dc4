"""The interpreter of the article's page against Python: random numbers of many networks, in Chromium."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Page

from evidence import table
from evidence.explanations import networks
from pellucid.engine.run import Run
from pellucid.explain.page import data, panel, script
from tests.explain.numbers import arrays, named, run_of
from tests.explain.page.chromium import launched

EACH = 200


@dataclass
class Result:
    """What was found for one run."""

    numbers: int = 0
    terms: int = 0
    worst: float = 0.0
    failed: int = 0


def compared(page: Page, run: Run, count: int, seed: int) -> Result:
    """Explains numbers drawn at random in page and Python: an array first, then one of its elements."""
    generator, known, result = np.random.default_rng(seed), arrays(run), Result()
    drawn = [
        named(name, tuple(int(generator.integers(size)) for size in known[name].shape))
        for name in generator.choice([*known], count)
    ]
    page.set_content(f"{panel()}{data(run)}<script>{script()}</script>")
    for reference in drawn:
        result.numbers += 1
        found = page.evaluate("r => pellucid.explain(r)", reference)
        result.terms += len(found["terms"])
        if not agrees(found, run, result):
            result.failed += 1
            print(run.network.name, reference, found, file=sys.stderr)
    return result


def agrees(found: dict[str, Any], run: Run, result: Result) -> bool:
    """Whether the page has Python's value, and a sum that is Python's and the value, within the bound."""
    expected = run.explain(found["reference"])
    off = max(abs(found["total"] - expected.total), abs(found["total"] - expected.stored))
    if expected.bound > 0:
        result.worst = max(result.worst, off / expected.bound)
    same = found["stored"] == expected.stored and found["role"] == expected.role
    return bool(found["agrees"] and same and off <= expected.bound)


def main() -> int:
    """Run all comparisons, write the table, and return the number of failures."""
    rows: list[list[object]] = []
    total = Result()
    with launched() as browser:
        page = browser.new_page()
        for seed, (name, net) in enumerate(networks()):
            for dtype in ("float32", "float64"):
                found = compared(page, run_of(net, 1, dtype=dtype), EACH, seed)
                rows.append([name, dtype, found.numbers, found.terms, f"{found.worst:.3f}", found.failed])
                total.numbers, total.failed = total.numbers + found.numbers, total.failed + found.failed
                total.terms += found.terms
    table.write(
        "page",
        "Numbers that the article's page explains by itself",
        question="Does the interpreter in the page find, from the equations and values that it holds, the "
        "value of each number, and a sum that is Python's? Drawn at random from all values, gradients, "
        "losses and results inside layers; the worst difference is a share of the bound, 16 epsilon times "
        "the sum of the terms' absolute values.",
        counts={"Numbers": total.numbers, "Terms": total.terms, "Failures": total.failed},
        columns=["network", "type", "numbers", "terms", "worst", "failed"],
        rows=rows,
    )
    return total.failed


if __name__ == "__main__":
    sys.exit(main() > 0)
