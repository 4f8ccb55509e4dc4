"""Every step of every derivation at random shapes: of the zoo, all layers, and formulas of all kinds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from evidence import table
from pellucid import zoo
from pellucid.errors import PellucidError
from pellucid.explain.complex_step import ComplexStep
from pellucid.explain.derivation import DerivedStep, Section
from pellucid.explain.deriving import derived, proved, trials, uses_of
from pellucid.explain.proof import verified
from pellucid.explain.sections import correlation_sections, jacobian_sections, through_sections
from pellucid.explain.trial import Trial
from pellucid.formula.derive import derive
from pellucid.network import Network
from tests.engine.custom_layers import CUSTOM
from tests.explain.test_terms import NETWORKS
from tests.formula.case import Case
from tests.formula.formulas import FORMULAS
from tests.formula.grammar import draw

# Of the first shapes that a layer takes, so many are drawn.
SHAPES, FIRST = 5, 24
DRAWS = 1_000


@dataclass
class Result:
    """What was found."""

    derivations: int = 0
    shapes: int = 0
    steps: int = 0
    sections: int = 0
    worst: float = 0.0
    failed: int = 0

    def add(self, steps: Sequence[DerivedStep], sections: Sequence[Section]) -> None:
        self.shapes += 1
        every = [*steps, *(s for section in sections for s in (*section.steps, *section.cases))]
        self.steps, self.sections = self.steps + len(every), self.sections + len(sections)
        self.worst = max(self.worst, *(s.error for s in every), 0.0)


def of_network(name: str, net: Network, result: Result) -> None:
    """Every gradient of a network, at shapes drawn from those that the layer takes."""
    values = ["input", *net.parameter_shapes, *net.by_name]
    for value in values if net.loss is not None else [v for v in values if v != net.output]:
        try:
            net.derive(value, numbers=True)
            result.derivations += 1
            for use in uses_of(net, value):
                for trial in drawn(trials(use, net, seed=result.derivations), result.derivations):
                    found = proved(use, derived(use), trial)
                    steps = [s for g in found.gradients for s in g.steps]
                    result.add(steps, (*found.jacobians, *found.readings))
        except PellucidError as error:
            result.failed += 1
            print(name, value, error, file=sys.stderr)


def drawn(found: Iterator[Trial], seed: int) -> Iterator[Trial]:
    """Some of the first."""
    first = list(islice(found, FIRST))
    chosen = np.random.default_rng(seed).permutation(len(first))[:SHAPES]
    return (first[i] for i in chosen)


def of_formula(case: Case, seed: int, result: Result) -> None:
    """Every gradient of a formula, at its shapes and at random values."""
    formula = case.formula()
    try:
        gradient = derive(formula)
        if not gradient.steps:
            return
        trial = Trial.of(gradient, case.operands(seed), seed, case.sizes)
        for steps in gradient.steps.values():
            result.derivations += 1
            result.add(verified(trial, steps), ())
        for operand in formula.operands:
            found = jacobian_sections(trial, operand)
            sections = [section for _, section in found]
            sections += [s for j, _ in found for s in through_sections(trial, operand, j, of_loss=False)]
            sections += correlation_sections(
                gradient.forward, gradient.equation(operand), ComplexStep(trial.scope)
            )
            result.add((), sections)
    except PellucidError as error:
        result.failed += 1
        print(case.name, seed, error, file=sys.stderr)


def main() -> int:
    """Run all checks, write the table, and return the number of failures."""
    results: dict[str, Result] = {}
    networks = {name: {name: zoo.load(name)} for name in zoo.names()}
    networks["layers"] = dict(NETWORKS)
    networks["layers of one's own"] = {name: custom.classifier() for name, custom in CUSTOM.items()}
    for name, group in networks.items():
        results[name] = Result()
        for inner, net in group.items():
            of_network(inner, net, results[name])
    results["formulas"] = Result()
    for seed in range(5):
        for case in FORMULAS:
            of_formula(case, seed, results["formulas"])
    results["random formulas"] = Result()
    for seed in range(DRAWS):
        of_formula(draw(seed), seed, results["random formulas"])
    table.write(
        "derivations",
        "Derivations, step by step",
        question="Have both sides of every step of every derivation the value of the gradient by the complex "
        "step, within 1e-9 of its size, at random values of random shapes? Sections are Jacobians with their "
        "cases, gradients through them, and correlations with a turned kernel.",
        counts={
            "Derivations": sum(r.derivations for r in results.values()),
            "Steps": sum(r.steps for r in results.values()),
            "Failures": sum(r.failed for r in results.values()),
        },
        columns=["of", "derivations", "shapes", "steps", "sections", "worst error", "failed"],
        rows=[
            [name, r.derivations, r.shapes, r.steps, r.sections, f"{r.worst:.1e}", r.failed]
            for name, r in results.items()
        ],
    )
    return sum(r.failed for r in results.values())


if __name__ == "__main__":
    sys.exit(main() > 0)
