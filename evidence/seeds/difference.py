"""In what a formula, as a seed has it, is not the exact one: found by evaluating both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evidence.seeds.matching import layer_of, letters_in, ranges_of, same_letters
from evidence.seeds.record import Differs, Said, Seed
from pellucid import random
from pellucid.engine.program import Step
from pellucid.errors import FormulaError, GeometryError
from pellucid.formula.derive import gradient_name
from pellucid.formula.evaluate import planned
from pellucid.formula.expression import Equation, Read, Reduce, free_letters, walk
from pellucid.formula.formula import Formula
from pellucid.formula.index import flat_parts
from pellucid.formula.parse import parse_equation
from pellucid.formula.ranges import Ranges, validate

__all__ = ["difference"]

Array = NDArray[Any]
# Larger than any number whose exponential is finite.
LARGE = 1e4


def difference(said: Said, seed: Seed) -> Differs | None:
    """In what a formula, as it stands, is not pellucid's; None if it is the same."""
    try:
        parse_equation(said.text)
    except FormulaError:
        return Differs.CLASH
    equation = same_letters(said)
    step = layer_of(said, seed)
    assert step is not None
    ranges = ranges_of(step)
    free = free_letters(equation.value) - set(letters_in(equation.target)) - ranges.symbols.keys()
    if free:
        return Differs.LETTER
    formula = Formula((_plain(equation),), padding=step.forward.padding)
    ranges = _with_extents(formula, ranges)
    try:
        validate(formula, ranges)
    except GeometryError:
        return Differs.OUTSIDE
    plan = planned(formula, ranges)
    for size, found in ((1.0, Differs.VALUE), (LARGE, Differs.FLOAT)):
        values = _values(step, ranges, size)
        with np.errstate(all="ignore"):
            mine = plan({o: values[o] for o in formula.operands})[formula.output]
        theirs = values[equation.name][_places(equation.target)]
        if not np.max(np.abs(mine - theirs)) <= 1e-3 * np.max(np.abs(theirs)):
            return found
    return None


def _plain(equation: Equation) -> Equation:
    """The same value for a tensor that has the letters of the left side only."""
    letters = tuple(i for i in equation.target.indices if i.constant is None)
    return Equation(Read("value", letters), equation.value)


def _places(target: Read) -> tuple[int | slice, ...]:
    """Where the elements of a left side lie: all of an axis for a letter, one for a number."""
    return tuple(slice(None) if i.constant is None else i.constant for i in target.indices)


def _with_extents(formula: Formula, ranges: Ranges) -> Ranges:
    """With those of the seed's own letters, and the shape of its value."""
    bounds = (b for e in formula.equations for n in walk(e.value) if isinstance(n, Reduce) for b in n.letters)
    extents = {b.letter: ranges.extent(b) for b in bounds} | dict(ranges.extents)
    parts = (flat_parts(i) or (str(i.letter),) for i in formula.equations[-1].target.indices)
    shape = tuple(prod(extents[letter] for letter in letters) for letters in parts)
    return replace(ranges, extents=extents, shapes={**ranges.shapes, formula.output: shape})


def _values(step: Step, ranges: Ranges, size: float) -> Mapping[str, Array]:
    """Random operands of a layer, of about this size, and all that its equations give for them."""
    operands = {o: size * random.normal(random.key(7, o), ranges.shapes[o]) for o in step.forward.operands}
    values = planned(step.forward, ranges)(operands)
    output = step.forward.output
    if step.backward is None:
        return values
    above = gradient_name(output)
    values[above] = random.normal(random.key(7, above), ranges.shapes[output])
    return {**values, **planned(step.backward, ranges)({o: values[o] for o in step.backward.operands})}
