"""Gradients of thousands of random layers and formulas against central differences."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence import table
from pellucid import random
from pellucid.formula.check import Row, check_formula, passed
from pellucid.formula.derive import derive
from pellucid.formula.formula import Formula
from pellucid.formula.ranges import solve
from tests.drawn_layers import draw_layer
from tests.formula.formulas import FORMULAS
from tests.formula.grammar import draw

LAYERS, GRAMMAR, EACH_FORMULA = 1_200, 1_000, 5
Array = NDArray[Any]
Checked = tuple[str, str, list[Row]]


def layers(count: int) -> Iterator[Checked]:
    """Layers and losses with random options and shapes."""
    for seed in range(count):
        name, formula, shapes = draw_layer(seed)
        whole = solve(derive(formula).forward, shapes).shapes
        operands = {o: _values(name, o, whole[o], random.key(seed, o)) for o in formula.operands}
        fixed = ("y", "weight") if formula.output == "loss" else ("mask",)
        wrt = [o for o in formula.operands if o not in fixed]
        yield "layers", name, check_formula(formula, operands, wrt, key=seed)


def formulas(each: int) -> Iterator[Checked]:
    """The hand-picked formulas, at several points."""
    for case in FORMULAS:
        for seed in range(each):
            yield "formulas", case.name, _case(case.formula(), case.operands(seed), dict(case.sizes), seed)


def grammar(count: int) -> Iterator[Checked]:
    """Formulas that a seeded grammar writes."""
    for seed in range(count):
        case = draw(seed)
        yield "grammar", "random", _case(case.formula(), case.operands(seed), dict(case.sizes), seed)


def _case(formula: Formula, operands: dict[str, Array], sizes: dict[str, int], seed: int) -> list[Row]:
    return check_formula(formula, operands, key=seed, sizes=sizes)


def _values(layer: str, operand: str, shape: tuple[int, ...], key: int) -> Array:
    """Normal numbers; masks of 0 and 1, targets that are probabilities, and positive weights."""
    values: Array = random.normal(key, shape)
    if operand == "mask":
        return np.where(values > 0, 1.0, 0.0)
    if operand == "weight":
        return np.asarray(np.abs(values) + 0.1)
    if operand == "y" and layer == "SoftmaxCrossEntropy":
        positive = np.abs(values) + 0.1
        return np.asarray(positive / positive.sum(axis=1, keepdims=True))
    return values


def main() -> int:
    """Run all checks, write the table, and return the number of failures."""
    groups: dict[tuple[str, str], list[list[Row]]] = defaultdict(list)
    failed: list[tuple[str, str, list[Row]]] = []
    for kind, name, rows in (*layers(LAYERS), *formulas(EACH_FORMULA), *grammar(GRAMMAR)):
        groups[kind, name].append(rows)
        if not passed(rows):
            failed.append((kind, name, rows))
    everything = [row for found in groups.values() for rows in found for row in rows]
    table.write(
        "gradient_checks",
        "Gradients against central differences",
        question="Is each derived gradient within 1e-7 of its tensor's largest element of central "
        "differences in float64, against a random gradient from above, in up to 200 elements of each tensor "
        "and along 3 random directions?",
        counts={
            "Cases": sum(len(found) for found in groups.values()),
            "Gradient tensors": len(everything),
            "Elements compared": sum(row.coordinates for row in everything),
            "Kinks": sum(row.kinks for row in everything),
            "Failures": len(failed),
        },
        columns=["kind", "name", "cases", "tensors", "elements", "kinks", "worst error", "failed"],
        rows=[_line(key, found, failed) for key, found in sorted(groups.items())],
    )
    for kind, name, rows in failed:
        print(kind, name, *[row for row in rows if not row.passed], file=sys.stderr)
    return len(failed)


def _line(key: tuple[str, str], found: list[list[Row]], failed: list[Checked]) -> list[object]:
    rows = [row for each in found for row in each]
    worst = max((row.error for row in rows), default=0.0)
    wrong = sum((kind, name) == key for kind, name, _ in failed)
    elements, kinks = sum(row.coordinates for row in rows), sum(row.kinks for row in rows)
    return [*key, len(found), len(rows), elements, kinks, f"{worst:.1e}", wrong]


if __name__ == "__main__":
    sys.exit(main() > 0)
