"""Explanations of random numbers of many networks: their terms add up to what the run has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evidence import table
from pellucid import engine as engines
from pellucid import zoo
from pellucid.engine.run import Run
from pellucid.network import Network
from tests.engine.custom_layers import CUSTOM
from tests.explain.numbers import arrays, named, run_of

EACH, STEPS = 1_000, 50
RATE = 0.05


@dataclass
class Result:
    """What was found for one run."""

    numbers: int = 0
    terms: int = 0
    vanished: int = 0
    worst: float = 0.0
    failed: int = 0


def networks() -> Iterator[tuple[str, Network]]:
    """The zoo, and the layers of one's own in the middle of a small network."""
    for name in zoo.names():
        yield name, zoo.load(name)
    for name, custom in CUSTOM.items():
        yield name, custom.classifier()


def explained(run: Run, count: int, seed: int) -> Result:
    """Explains numbers drawn at random: an array first, then one of its elements."""
    generator, known, result = np.random.default_rng(seed), arrays(run), Result()
    for name in generator.choice([*known], count):
        place = tuple(int(generator.integers(size)) for size in known[name].shape)
        found = run.explain(named(name, place))
        result.numbers += 1
        result.terms += len(found.terms) + found.rest[0]
        result.vanished += sum(v.count for v in found.vanished)
        if found.size > 0:
            result.worst = max(result.worst, abs(found.difference) / (found.epsilon * found.size))
        result.failed += not found.agrees
        if not found.agrees:
            print(run.network.name, found, file=sys.stderr)
    return result


def stepped(run: Run, count: int, seed: int) -> Result:
    """Explains one step of SGD for weights drawn at random."""
    generator, result = np.random.default_rng(seed), Result()
    shapes = run.network.parameter_shapes
    for name in generator.choice([*shapes], count):
        place = tuple(int(generator.integers(size)) for size in shapes[name])
        found = run.explain_step(named(name, place), RATE)
        result.numbers += 1
        result.failed += not found.agrees
    return result


def main() -> int:
    """Run all checks, write the table, and return the number of failures."""
    rows: list[list[object]] = []
    total = Result()
    for seed, (name, net) in enumerate(networks()):
        for engine in engines.available():
            for dtype in ("float32", "float64"):
                run = run_of(net, 2, engine=engine, dtype=dtype)
                found, steps = explained(run, EACH, seed), stepped(run, STEPS, seed)
                numbers, failed = found.numbers + steps.numbers, found.failed + steps.failed
                rows.append(
                    [name, engine, dtype, numbers, found.terms, found.vanished, f"{found.worst:.2f}", failed]
                )
                total.numbers, total.failed = total.numbers + numbers, total.failed + failed
                total.terms += found.terms
    table.write(
        "explanations",
        "Numbers against the terms of their explanations",
        question="Do the terms of an explanation, in float64, add up to the run's value within 16 epsilon "
        "times the sum of their absolute values? Drawn at random from all values, gradients, losses and "
        "results inside layers, and from weights after one step of SGD; the worst difference is in units of "
        "epsilon times that sum.",
        counts={"Numbers": total.numbers, "Terms": total.terms, "Failures": total.failed},
        columns=["network", "engine", "type", "numbers", "terms", "vanished", "worst", "failed"],
        rows=rows,
    )
    return total.failed


if __name__ == "__main__":
    sys.exit(main() > 0)
