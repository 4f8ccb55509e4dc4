"""One step of an optimiser for one weight, by the optimiser's own equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.engine.interface import state_name
from pellucid.errors import UsageError
from pellucid.explain.adding import added
from pellucid.explain.evaluation import letters_at
from pellucid.explain.explanation import Explanation, Operand, Share, StepExplanation
from pellucid.explain.naming import Naming
from pellucid.explain.reference import Place, Reference
from pellucid.explain.sources import Scope, Sources, Use
from pellucid.formula.evaluate import plan
from pellucid.formula.expression import Equation, Node, Read, as_expr, transform
from pellucid.formula.formula import CONSTANTS, Formula
from pellucid.formula.index import Index
from pellucid.training.optimiser import Optimiser

__all__ = ["Rates", "explained_step", "stepped"]

Array = NDArray[Any]
# In an optimiser's equations: the parameter, its gradient, and what takes their place.
PARAMETER, GRADIENT, NEW = "p", "g", "new_"


@dataclass(frozen=True)
class Rates:
    """The scalars of one step: the learning rate, and its number from 1."""

    rate: float
    t: int


def explained_step(
    sources: Sources, reference: Reference, optimiser: Optimiser, rates: Rates, states: Mapping[str, Array]
) -> StepExplanation:
    """The optimiser's equations at one element of a parameter.

    Args:
        sources: of the run whose gradient is used.
        reference: of an element of a parameter.
        optimiser: its equations.
        rates: learning rate and number of the step.
        states: the optimiser's states before the step, by `state_name`; those that are missing are 0.
    """
    name = reference.place.name
    if reference.place.gradient or name not in sources.run.network.parameter_shapes:
        known = ", ".join(sources.run.network.parameter_shapes) or "none"
        raise UsageError(f"an optimiser changes parameters, and {reference.place} is none; there are {known}")
    if not sources.has(Place(name, gradient=True)):
        raise UsageError(f"the run has no gradient of {name}; it needs targets or upstream gradients")
    scope, results = stepped(sources, name, optimiser, rates, states)
    explanations = tuple(
        _explained(
            Use(scope, e),
            reference,
            float(results[str(scope.places[e.name])][reference.indices]),
            sources.dtype,
        )
        for e in scope.formula.equations
    )
    return StepExplanation(str(reference), optimiser.name, rates.rate, explanations)


def stepped(
    sources: Sources, name: str, optimiser: Optimiser, rates: Rates, states: Mapping[str, Array]
) -> tuple[Scope, Mapping[str, Array]]:
    """The optimiser's equations for all of a parameter, and the states and results by their names."""
    before = {s: _state(sources, name, s, states) for s in optimiser.states}
    scope = _scope(sources, name, optimiser.formula, rates, before)
    after = _evaluated(sources, name, optimiser.formula, rates, before)
    return scope, {str(scope.places[t]): a for t, a in {**before, **after}.items()}


def _state(sources: Sources, name: str, state: str, given: Mapping[str, Array]) -> Array:
    shape, full = sources.run.network.parameter_shapes[name], state_name(name, state)
    array = np.asarray(given[full] if full in given else np.zeros(shape), sources.dtype)
    if array.shape != shape:
        raise UsageError(f"the state {full} has the shape {shape}, not {array.shape}")
    return array


def _scope(sources: Sources, name: str, formula: Formula, rates: Rates, before: Mapping[str, Array]) -> Scope:
    """The equations with the parameter's own letters in place of one flat index."""
    (use, *_) = sources.uses(Place(name, gradient=True))
    letters = use.equation.target.indices
    equations = tuple(_spread(e, letters) for e in formula.equations)
    shape = sources.run.network.parameter_shapes[name]
    places = {
        PARAMETER: Place(name), GRADIENT: Place(name, gradient=True),
        **{s: Place(state_name(name, s)) for s in before},
    }  # fmt: skip
    places |= {e.name: _new(name, e.name) for e in equations}
    scalars = {**CONSTANTS, **formula.constants, "rate": rates.rate, "t": rates.t}
    arrays = {
        PARAMETER: sources.array(places[PARAMETER]), GRADIENT: sources.array(places[GRADIENT]), **before,
    }  # fmt: skip
    ranges = replace(use.scope.ranges, shapes=dict.fromkeys(places, shape))
    rounded = {s: float(sources.dtype.type(v)) for s, v in scalars.items()}
    constants = {s: float(v) for s, v in scalars.items()}
    return Scope(
        replace(formula, equations=equations, constants=constants),
        ranges,
        places,
        arrays,
        rounded,
        frozenset(),
        name,
    )


def _new(name: str, tensor: str) -> Place:
    """What an optimiser's result is called: ``conv1.weight:new``, ``conv1.weight:velocity:new``."""
    if tensor == NEW + PARAMETER:
        return Place(f"{name}:new")
    state = tensor.removeprefix(NEW)
    return Place(f"{name}:{state}" + ":new" * (state != tensor))


def _spread(equation: Equation, letters: tuple[Index, ...]) -> Equation:
    def visit(node: Node) -> Read | None:
        return Read(node.tensor, letters) if isinstance(node, Read) and node.indices else None

    target = Read(equation.target.tensor, letters)
    return Equation(target, as_expr(transform(equation.value, visit)))


def _evaluated(
    sources: Sources, name: str, formula: Formula, rates: Rates, before: Mapping[str, Array]
) -> Mapping[str, Array]:
    """What the reference engine makes of the whole parameter."""
    gradient, old = sources.array(Place(name, gradient=True)), sources.array(Place(name))
    given = {PARAMETER: old, GRADIENT: gradient, **before}
    flat = {t: a.reshape(-1) for t, a in given.items()}
    scalars = {"rate": np.asarray(rates.rate, old.dtype), "t": np.asarray(rates.t, old.dtype)}
    operands = {**flat, **{s: a for s, a in scalars.items() if s in formula.operands}}
    found = plan(formula, {t: a.shape for t, a in operands.items()}, old.dtype)(operands)
    return {e.name: found[e.name].reshape(old.shape) for e in formula.equations}


def _explained(use: Use, reference: Reference, stored: float, dtype: np.dtype[Any]) -> Explanation:
    naming, target = Naming(use.scope), use.equation.target
    tally = added(use, reference.indices, "", None)
    env = letters_at(target.indices, [np.asarray(i) for i in reference.indices], use.scope.ranges.extents)
    name = str(Reference(use.scope.places[target.tensor], reference.indices))
    particular = naming.with_numbers(use.equation, name, env)
    terms = tuple(replace(t, operands=tuple(map(_of_the_run, t.operands))) for t in tally.terms)
    share = Share(use.scope.step, use.equation, particular, naming.legend(use.equation), tally.total)
    return Explanation(
        name, (share,), terms, tally.rest, tally.vanished,
        tally.total, stored, tally.size, float(np.finfo(dtype).eps),
    )  # fmt: skip


def _of_the_run(operand: Operand) -> Operand:
    """The operand without a reference if it is a state or result of the optimiser, which the run has not."""
    return replace(operand, reference="") if ":" in operand.reference else operand
