"""Every single layer against PyTorch's frozen results: output and gradients in float64."""

from __future__ import annotations

import sys
from collections import defaultdict

from evidence import table
from pellucid import engine
from tests.fixtures.cases import layer_cases
from tests.layers.results import BOUND, errors


def main() -> int:
    """Run all cases with every engine, write the table, and return the number of failures."""
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for name in engine.available():
        for case in layer_cases():
            found[name, case.layer].append(errors(case, name))
    worst = {layer: [max(each.values()) for each in cases] for layer, cases in found.items()}
    failures = sum(error > BOUND for cases in worst.values() for error in cases)
    table.write(
        "pytorch_layers",
        "Single layers against PyTorch",
        question=(
            "Do output and every gradient of each layer and loss, for a random gradient from above, equal "
            f"PyTorch's frozen results in float64 within {BOUND:.0e} of the tensor's largest element?"
        ),
        counts={
            "cases": sum(map(len, worst.values())),
            "tensors compared": sum(len(each) for cases in found.values() for each in cases),
            "failures": failures,
        },
        columns=["engine", "layer", "cases", "tensors", "worst error"],
        rows=[
            [*layer, len(cases), sum(map(len, found[layer])), f"{max(cases):.1e}"]
            for layer, cases in sorted(worst.items())
        ],
    )
    return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
