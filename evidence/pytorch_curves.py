"""Training curves of the seed networks and of every optimiser against PyTorch's frozen ones."""

from __future__ import annotations

import sys

from evidence import table
from pellucid import engine
from tests.fixtures.cases import training_curves
from tests.training.curves import BOUNDS, named, worst


def main() -> int:
    """Train all curves with every engine, write the table, and return the number of failures."""
    curves = training_curves()
    found = [(name, curve, worst(curve, name)) for name in engine.available() for curve in curves]
    failures = sum(error > BOUNDS[curve.dtype] for _, curve, error in found)
    table.write(
        "pytorch_curves",
        "Training curves against PyTorch",
        question="From the same initial values on the same batches: is the loss of every step PyTorch's, "
        "relative to it within 1e-9 in float64 and 1e-4 in float32?",
        counts={
            "Curves": len(found),
            "Steps": sum(len(curve.losses) for _, curve, _ in found),
            "Failures": failures,
        },
        columns=["engine", "network", "optimiser", "steps", "type", "worst relative difference"],
        rows=[
            [name, curve.network, str(named(curve)), len(curve.losses), curve.dtype, f"{error:.1e}"]
            for name, curve, error in found
        ],
    )
    return failures


if __name__ == "__main__":
    sys.exit(main() > 0)
