"""Random formulas as machine code: thousands of them, forward and backward, in both number types."""

from __future__ import annotations

import sys
from collections import Counter
from time import monotonic

from evidence import table
from evidence.random_formulas import CONSTRUCTS
from pellucid.errors import PellucidError
from tests.compiler.test_random_formulas import worst_error
from tests.formula.grammar import draw

DRAWS = 3_000
TYPES = ("float64", "float32")


def main() -> int:
    """Draw, compile and compare, write the table, and return the number of failures."""
    total: Counter[str] = Counter()
    failed: dict[str, Counter[str]] = {dtype: Counter() for dtype in TYPES}
    worst = dict.fromkeys(TYPES, 0.0)
    began = monotonic()
    for seed in range(DRAWS):
        formula = draw(seed).formula()
        held = ["all", *(name for name, has in CONSTRUCTS.items() if has(formula))]
        total.update(held)
        for dtype in TYPES:
            try:
                error = worst_error(seed, dtype)
            except PellucidError as refused:
                print(f"{seed} {dtype}: {refused}", file=sys.stderr)
                error = float("inf")
            worst[dtype] = max(worst[dtype], error)
            if error > 1:
                print(f"{seed} {dtype}: {error:.3g} times the bound", file=sys.stderr)
                failed[dtype].update(held)
    table.write(
        "compiled_formulas",
        "Random formulas, compiled",
        question="Is every tensor that the machine code of a random formula and of its gradients computes "
        "what its equation gives in float64? Each is worked out anew from what the machine code found for "
        "its operands. A sum of products may be off by 16 roundings of the sum of its terms' sizes, element "
        "by element; an equation with functions in it by 256 roundings of its tensor's largest sum of terms.",
        counts={
            "Formulas": total["all"],
            **{f"Failures in {d}": failed[d]["all"] for d in TYPES},
            **{f"Worst error in {d}, in units of the bound": worst[d] for d in TYPES},
            "Seconds": round(monotonic() - began),
        },
        columns=["with", "formulas", *(f"failed in {d}" for d in TYPES)],
        rows=[[name, total[name], *(failed[d][name] for d in TYPES)] for name in ("all", *CONSTRUCTS)],
    )
    return sum(f["all"] for f in failed.values())


if __name__ == "__main__":
    sys.exit(main() > 0)
